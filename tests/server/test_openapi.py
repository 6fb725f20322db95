"""Schemathesis asks every documented route for what is documented, and for what is not."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.server.conftest import Running, Serve

from active_call.protocol.ids import new_session_id
from active_call.server.openapi import openapi

schemathesis = pytest.importorskip("schemathesis", reason="pip install schemathesis")

from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

pytestmark = pytest.mark.slow

TOKEN = "a-token-of-24-characters"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@dataclass
class Served:
    base: str
    server: Running
    loop: asyncio.AbstractEventLoop

    def new_call(self) -> str:
        async def create() -> str:
            return self.server.manager.create(new_session_id(), "webSocket").id

        return asyncio.run_coroutine_threadsafe(create(), self.loop).result(5)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server in a thread of its own."""
    folder = tmp_path_factory.mktemp("openapi")
    began, stop = threading.Event(), asyncio.Event()
    found: list[Served] = []

    async def run() -> None:
        options = {"tokens": (TOKEN,), "auth": "on", "playbooks": folder / "books", "records": folder}
        async with Serve(folder)(**options) as server:
            found.append(Served(server.base, server, asyncio.get_running_loop()))
            began.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert began.wait(10)
    yield found[0]
    found[0].loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def api(served: Served) -> Any:
    return schemathesis.openapi.from_url(f"{served.base}/openapi.json")


METHODS = ("get", "post", "delete")
OPERATIONS = [(method, path) for path, item in openapi()["paths"].items() for method in METHODS if method in item]
BOUNDED = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def ask(case: Any) -> Any:
    # Where the reference has 500 for what the client did wrong, so have we.
    checks = [check for check in CHECKS if case.path != "/precache" or check is not not_a_server_error]
    return case.call_and_validate(checks=checks, headers={"authorization": f"Bearer {TOKEN}"}, timeout=10)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_an_answer_is_what_the_document_says(api: Any, method: str, path: str) -> None:
    def one(case: Any) -> None:
        ask(case)

    BOUNDED(given(api[path][method].as_strategy())(one))()


def test_a_live_call_takes_every_command_that_the_schema_allows(api: Any, served: Served) -> None:
    statuses: set[int] = set()

    def command(case: Any) -> None:
        case.path_parameters["id"] = served.new_call()
        statuses.add(ask(case).status_code)

    BOUNDED(given(api["/command/{id}"]["post"].as_strategy())(command))()
    assert statuses == {200}
