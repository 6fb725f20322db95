"""A server on loopback with fake engines."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from active_call.call.manager import Manager
from active_call.cli.http import bind, listening
from active_call.cli.runtime import Paths, Runtime
from active_call.guard.outbound import OutboundPolicy
from active_call.plugin.discovery import discover
from active_call.server.app import application
from active_call.server.options import ServerOptions
from active_call.server.probes import Readiness
from active_call.testing.caller import Caller
from active_call.testing.fakes import Fakes

HERE = Path(__file__).parent
OPTION = {"vad": {"type": "fake"}, "asr": {"provider": "fake"}, "tts": {"provider": "fake"}}


@dataclass
class Running:
    base: str
    manager: Manager
    fakes: Fakes
    readiness: Readiness
    client: httpx.AsyncClient
    folder: Path

    def caller(self, call_id: str, path: str = "/call") -> Caller:
        return Caller(self.base, f"{path}?id={call_id}")

    @contextlib.asynccontextmanager
    async def call(self, call_id: str) -> AsyncIterator[Caller]:
        """A call that was answered."""
        async with self.caller(call_id) as caller:
            await caller.send("invite", option=OPTION)
            assert await caller.until("answer", 3)
            yield caller


Serving = Callable[..., AbstractAsyncContextManager[Running]]


@dataclass
class Serve:
    folder: Path
    fakes: Fakes = field(default_factory=Fakes)

    @contextlib.asynccontextmanager
    async def __call__(
        self, *, calls: int = 100, keep: Any = None, cache: Any = None, outbound: Any = None, **options: Any
    ) -> AsyncIterator[Running]:
        runtime = Runtime(
            Paths(playbooks=[self.folder], media=[self.folder]),
            registry=discover(extra=[self.fakes]),
            models_dir=self.folder / "models",
            environ={},
            calls=calls,
            keep=keep,
            cache=cache,
            outbound=outbound or (lambda: OutboundPolicy(loopback=True)),
        )
        listener = bind("127.0.0.1", 0)
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        readiness = Readiness()
        async with runtime.running() as manager:
            app = application(manager, options=ServerOptions(**options), readiness=readiness)
            async with listening(app, listener), httpx.AsyncClient(base_url=base, trust_env=False) as client:
                yield Running(base, manager, self.fakes, readiness, client, self.folder)
                await manager.shut_down()

    @contextlib.asynccontextmanager
    async def in_process(self, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
        """Requests without a socket between."""
        runtime = Runtime(
            Paths(playbooks=[self.folder], media=[self.folder]), registry=discover(extra=[self.fakes]), environ={}
        )
        async with runtime.running() as manager:
            transport = httpx.ASGITransport(application(manager, options=ServerOptions(**options)))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                yield client


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    return Serve(tmp_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test lives in the event loop of the server that it uses."""
    for item in items:
        if "shared" in getattr(item, "fixturenames", ()) and item.path.parent == HERE:
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with Serve(tmp_path_factory.mktemp("server"))() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def server(shared: Running) -> AsyncIterator[Running]:
    """One for all tests of a module; each finds it without calls."""
    yield shared
    for call in shared.manager.directory.all():
        call.end("bySystem", "system")
        await call.done()
    shared.readiness.draining = shared.readiness.loading = False
    for left in shared.folder.glob("*.md"):
        left.unlink()
