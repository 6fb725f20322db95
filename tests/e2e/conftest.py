"""A server on loopback with fake engines, in the process of the test."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from active_call.call.manager import Manager
from active_call.cli.http import bind, listening
from active_call.cli.runtime import Paths, Runtime
from active_call.plugin.discovery import discover
from active_call.server.app import application
from active_call.testing.caller import Caller
from active_call.testing.fakes import Fakes
from active_call.testing.session import book


@dataclass
class House:
    base: str
    manager: Manager
    fakes: Fakes

    def caller(self, content: str | None = None, *, codec: str = "pcm", **query: str) -> Caller:
        """A caller, with a playbook when there is a `content`."""
        if content is not None:
            query["id"] = self.manager.directory.stage(content=content)
        return Caller(self.base, "/call?" + "&".join(f"{key}={value}" for key, value in query.items()), codec=codec)

    def agent(self, more: str = "greeting: Hello there.") -> Caller:
        return self.caller(book(more=more))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    fakes = Fakes()
    runtime = Runtime(
        Paths(playbooks=[tmp_path], media=[tmp_path]),
        registry=discover(select="", extra=[fakes]),
        models_dir=tmp_path / "models",
        environ={},
    )
    listener = bind("127.0.0.1", 0)
    async with runtime.running() as manager, listening(application(manager), listener):
        yield House(f"http://127.0.0.1:{listener.getsockname()[1]}", manager, fakes)
        await manager.shut_down()
