"""The hub as a source: resumed, retried, and given up on quickly when it is not there."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from active_call.plugin import HubSource, ModelFile
from active_call.store.errors import SourceError, WrongBytes
from active_call.store.hub import ATTEMPTS, Hub

SOURCE = HubSource(repo="acme/echo", path="a.bin", revision="v1")
PATH = "/acme/echo/resolve/v1/a.bin"


@pytest.fixture
def file(describe: Any, weights: bytes) -> ModelFile:
    return describe("echo", {"a.bin": weights}, SOURCE).files[0]


class Fetcher:
    def __init__(self, hub: Any, client: Callable[[], httpx.AsyncClient], part: Path) -> None:
        self.waits: list[float] = []
        self.progress: list[int] = []
        self.part = part
        self._hub = Hub({"HF_ENDPOINT": hub.endpoint + "/"}, client=client, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def __call__(self, file: ModelFile, source: HubSource = SOURCE) -> None:
        await self._hub.fetch(source, file, self.part, lambda _, done, total: self.progress.append(done))


@pytest.fixture
def fetch(hub: Any, client: Any, tmp_path: Path, weights: bytes) -> Fetcher:
    hub.files[PATH] = weights
    return Fetcher(hub, client, tmp_path / "x.part")


async def test_a_file_arrives_whole_and_progress_ends_at_its_size(fetch, file, weights):
    await fetch(file)
    assert fetch.part.read_bytes() == weights
    assert fetch.progress == sorted(fetch.progress)
    assert fetch.progress[-1] == file.size


async def test_a_cut_connection_is_resumed_and_not_started_again(fetch, file, hub, weights):
    hub.faults = ["cut", "cut"]
    await fetch(file)
    assert fetch.part.read_bytes() == weights
    starts = [wanted for _, wanted in hub.requests]
    assert starts == [None, "bytes=150000-", "bytes=225000-"]


async def test_what_an_earlier_process_left_is_not_fetched_again(fetch, file, hub, weights):
    fetch.part.write_bytes(weights[:299_000])
    await fetch(file)
    assert hub.requests == [(PATH, "bytes=299000-")]
    assert fetch.part.read_bytes() == weights


async def test_a_part_that_is_already_whole_asks_nobody(fetch, file, hub, weights):
    fetch.part.write_bytes(weights)
    await fetch(file)
    assert hub.requests == []


async def test_a_part_that_is_too_long_is_thrown_away(fetch, file, hub, weights):
    fetch.part.write_bytes(weights + b"x")
    await fetch(file)
    assert hub.requests == [(PATH, None)]
    assert fetch.part.read_bytes() == weights


async def test_a_hub_that_ignores_ranges_sends_all_of_it_again(fetch, file, hub, weights):
    fetch.part.write_bytes(weights[:1000])
    hub.faults = ["no range"]
    await fetch(file)
    assert fetch.part.read_bytes() == weights


async def test_a_busy_hub_is_asked_again_after_a_growing_wait(fetch, file, hub, weights):
    hub.faults = ["status 503", "status 429", "status 502"]
    await fetch(file)
    assert fetch.part.read_bytes() == weights
    assert fetch.waits == [0.5, 1.0, 2.0]


async def test_a_hub_that_stays_busy_is_given_up_and_not_asked_for_the_next_file(fetch, file, hub):
    hub.faults = ["status 503"] * 50
    with pytest.raises(SourceError, match="gave up after 4 attempts"):
        await fetch(file)
    assert len(hub.requests) == ATTEMPTS
    with pytest.raises(SourceError, match="HTTP 503"):
        await fetch(file)
    assert len(hub.requests) == ATTEMPTS


async def test_a_missing_file_is_said_at_once_and_the_hub_is_still_asked_for_others(fetch, file, hub):
    with pytest.raises(SourceError, match="HTTP 404 for /acme/other"):
        await fetch(file, HubSource(repo="acme/other", path="a.bin"))
    assert fetch.waits == []
    await fetch(file)


async def test_a_gated_file_is_not_retried(fetch, file, hub):
    hub.faults = ["status 401"]
    with pytest.raises(SourceError, match="does not give this file to everybody"):
        await fetch(file)
    assert len(hub.requests) == 1


async def test_a_hub_that_never_answers_is_asked_once(fetch, file, hub):
    hub.faults = ["silent"]
    with pytest.raises(SourceError, match="no answer"):
        await fetch(file)
    with pytest.raises(SourceError, match="no answer"):
        await fetch(file)
    assert len(hub.requests) == 1
    assert fetch.waits == []


async def test_a_transfer_that_stalls_is_resumed(fetch, file, hub, weights):
    hub.faults = ["stall"]
    await fetch(file)
    assert fetch.part.read_bytes() == weights
    assert len(hub.requests) == 2


async def test_a_closed_port_is_unreachable(client, file, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        hub = Hub({"HF_ENDPOINT": address}, client=client)
        with pytest.raises(SourceError, match="no answer"):
            await hub.fetch(SOURCE, file, tmp_path / "x", lambda *_: None)


async def test_a_page_of_another_size_is_refused_before_it_is_stored(fetch, file, hub):
    hub.files[PATH] = b"<html>please log in to this network</html>"
    with pytest.raises(WrongBytes, match=r"has 42 B under that name, expected 300.0 kB"):
        await fetch(file)
    assert not fetch.part.exists()


async def test_an_endpoint_without_a_scheme_is_said(client, file, tmp_path):
    hub = Hub({"HF_ENDPOINT": "hub.example"}, client=client)
    with pytest.raises(SourceError, match="missing an 'http://' or 'https://' protocol"):
        await hub.fetch(SOURCE, file, tmp_path / "x", lambda *_: None)
    assert hub.describe(SOURCE) == "hub hub.example (acme/echo)"


@pytest.mark.parametrize(
    ("environ", "endpoint"),
    [
        ({}, "https://huggingface.co"),
        ({"HF_ENDPOINT": "https://mirror.example/"}, "https://mirror.example"),
        ({"HF_MIRROR": "https://other.example"}, "https://other.example"),
        ({"HF_ENDPOINT": "https://mirror.example", "HF_MIRROR": "https://other.example"}, "https://mirror.example"),
    ],
)
def test_the_endpoint_comes_from_the_environment(environ, endpoint):
    hub = Hub(environ)
    assert hub.endpoint == endpoint
    source = HubSource(repo="acme/echo", path="onnx/a b.onnx", revision="refs/pr/1")
    assert hub.url(source) == f"{endpoint}/acme/echo/resolve/refs%2Fpr%2F1/onnx/a%20b.onnx"


def test_credentials_of_an_endpoint_are_not_shown():
    assert "secret" not in Hub({"HF_ENDPOINT": "https://me:secret@mirror.example:8443"}).describe(SOURCE)
