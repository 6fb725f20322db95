"""Any ASGI server can hold the calls: without our own socket, audio crosses in ASGI messages."""

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from active_call.audio.frames import to_s16le
from active_call.call.directory import Directory
from active_call.call.manager import Manager
from active_call.call.services import Services
from active_call.guard.paths import PathPolicy
from active_call.media.clock import MediaClock
from active_call.plugin.discovery import discover
from active_call.providers.host import CoreHost
from active_call.providers.pool import ProviderPool
from active_call.server.app import application
from active_call.testing.fakes import Fakes, tone
from active_call.testing.session import FAKE_OPTION, NoModels


@pytest.fixture
def client(tmp_path: Path):
    host = CoreHost(NoModels(), environ={}, threads=1)
    pool, clock = ProviderPool(discover(select="", extra=[Fakes(transcripts=["hello"])]), host), MediaClock()
    files = PathPolicy([tmp_path])
    services = Services(pool=pool, clock=clock, directory=Directory(), playbooks=files, media=files, environ={})

    @contextlib.asynccontextmanager
    async def lifetime() -> AsyncIterator[None]:
        async with clock, pool:
            yield
        await host.aclose()

    with TestClient(application(Manager(services), lifetime)) as client:
        yield client


def until(socket: WebSocketTestSession, name: str) -> tuple[dict, int]:
    """The next event of that name, and the bytes of audio before it."""
    audio = 0
    while True:
        message = socket.receive()
        if message.get("bytes"):
            audio += len(message["bytes"])
        elif message["type"] == "websocket.close":
            raise WebSocketDisconnect(message.get("code", 1000))
        else:
            event = json.loads(message["text"])
            if event["event"] == name:
                return event, audio


def test_a_call_hears_speaks_and_ends(client: TestClient) -> None:
    with client.websocket_connect("/call") as socket:
        socket.send_json({"command": "invite", "option": FAKE_OPTION})
        until(socket, "answer")
        socket.send_json({"command": "tts", "text": "Hello there.", "playId": "p"})
        _, audio = until(socket, "trackEnd")
        assert audio == 12 * 20 * 32
        for start in range(0, 16000, 320):
            socket.send_bytes(to_s16le(tone(0.02) if 3200 < start < 11200 else tone(0.02) * 0))
        assert until(socket, "speaking")[0]["startTime"] > 0
        socket.send_json({"command": "hangup"})
        until(socket, "hangup")
        with pytest.raises(WebSocketDisconnect) as closed:
            until(socket, "never")
        assert closed.value.code == 1000


def test_a_bad_id_is_refused_before_the_upgrade(client: TestClient) -> None:
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/call?id=../x"):
        pass
    assert refused.value.status_code == 400
    assert client.get("/list").json() == {"active_calls": []}


def test_an_id_that_is_taken_is_refused(client: TestClient) -> None:
    with client.websocket_connect("/call?id=mine"):
        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/call?id=mine"):
            pass
        assert refused.value.status_code == 409
