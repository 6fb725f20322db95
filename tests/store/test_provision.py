"""What `talk` and `serve` do before they start."""

import os
from pathlib import Path

import pytest

from active_call.plugin import HubSource
from active_call.store.errors import UnknownModel
from active_call.store.models import ModelStore
from active_call.store.provision import ensure


@pytest.fixture
def store(describe, hub, client, weights, tmp_path: Path) -> ModelStore:
    hub.files["/acme/echo/resolve/main/a.bin"] = weights
    source = HubSource(repo="acme/echo", path="a.bin")
    entries = [describe(name, {"a.bin": weights}, source, groups=("embedded",)) for name in ("echo", "twin")]
    environ = {**os.environ, "HF_ENDPOINT": hub.endpoint}
    return ModelStore(tmp_path, {entry.name: entry for entry in entries}, environ=environ, client=client)


async def test_it_says_what_comes_how_large_and_from_where_before_it_pulls(store, hub):
    said: list[str] = []

    def say(text: str) -> None:
        if not said:
            assert hub.requests == []
        said.append(text)

    await ensure(store, ["embedded"], say)
    assert said[0] == f"pulling 600.0 kB of model weights into {store.path}"
    assert said[1] == f"  echo: 300.0 kB from hub {hub.endpoint.removeprefix('http://')} (acme/echo)"
    assert said[3:] == ["echo: ready, every file has its sha256", "twin: ready, every file has its sha256"]
    assert store.missing(["embedded"]) == []


async def test_it_is_silent_when_nothing_is_missing(store):
    await ensure(store, ["echo"], lambda text: None)
    await ensure(store, ["echo"], lambda text: pytest.fail(text))


async def test_a_name_that_nobody_describes_is_an_error(store):
    with pytest.raises(UnknownModel):
        await ensure(store, ["other"], lambda text: None)
