"""A working directory of its own, and a short way to load."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from active_call.config.load import load
from active_call.config.settings import Settings

Loads = Callable[..., Settings]


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def loads(work: Path) -> Loads:
    """`loads("toml text", env={...}, dotenv="text", cli={...})`"""

    def loads(
        toml: str | None = None, *, env: Mapping[str, str] | None = None, dotenv: str = "", cli: Any = None
    ) -> Settings:
        conf = None
        if toml is not None:
            conf = Path("config.toml")
            conf.write_text(toml, "utf-8")
        if dotenv:
            Path(".env").write_text(dotenv, "utf-8")
        return load(conf, cli or {}, env or {}, Path(".env"))

    return loads
