import logging
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from active_call.testing.chat_server import ChatServer


@dataclass
class StandInHost:
    http: httpx.AsyncClient
    environ: Mapping[str, str] = field(default_factory=dict)
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("active_call.test"))
    models: Any = None

    async def run(self, function: Callable[..., Any], /, *args: object) -> Any:
        return function(*args)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    # A context without certificates: loading them takes longer than most of these tests.
    async with httpx.AsyncClient(trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as client:
        yield client


@pytest.fixture
def host(http: httpx.AsyncClient) -> StandInHost:
    return StandInHost(http)


@pytest.fixture
async def server() -> AsyncIterator[ChatServer]:
    async with ChatServer() as server:
        yield server
