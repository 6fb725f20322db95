"""The controller's socket at its upgrade: queries, ids, limits."""

import asyncio
import contextlib
import logging
from contextlib import AbstractAsyncContextManager

import pytest
import websockets
from tests.server.conftest import OPTION, Running, Serve
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from active_call.cli.archive import archive
from active_call.config.keeping import Recording
from active_call.config.settings import Settings


def connect(server: Running, path: str) -> AbstractAsyncContextManager[ClientConnection]:
    return websockets.connect(server.base.replace("http", "ws") + path, proxy=None)


async def refusal(server: Running, path: str) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(server, path):
            pass
    response = refused.value.response
    return response.status_code, bytes(response.body or b"").decode()


@pytest.mark.parametrize("path", ["/call", "/call/", "/call/webrtc", "/call/webrtc/", "/call/sip", "/call/sip/"])
async def test_each_path_makes_a_call_of_its_type(server: Running, path: str) -> None:
    async with connect(server, path):
        (call,) = server.manager.directory.all()
        types = {"webrtc": "webrtc", "sip": "sip"}
        assert call.summary()["callType"] == types.get(path.strip("/").rpartition("/")[2], "webSocket")


async def test_without_an_id_the_server_makes_one(server: Running) -> None:
    """A8"""
    async with connect(server, "/call?dump=1&ping=0"):
        (call,) = server.manager.directory.all()
        assert call.id.startswith("s.")
        assert len(call.id) == 38


@pytest.mark.parametrize("query", ["id=../x", "id=%2e%2e%2fx", "dump=maybe", "ping=often", "forward=perhaps"])
async def test_a_query_that_is_wrong_is_a_400_with_a_text(
    server: Running, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    """O10, O12; and no line in the log, which anybody could fill that way"""
    status, text = await refusal(server, f"/call?{query}")
    assert status == 400
    assert text.startswith(query.partition("=")[0])
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("path", ["/call/none", "/nothing", "/list"])
async def test_an_upgrade_of_what_is_no_call_is_a_404(server: Running, path: str) -> None:
    assert (await refusal(server, path))[0] == 404


async def test_the_id_of_a_live_call_is_refused_and_the_call_lives_on(server: Running) -> None:
    """O11"""
    async with server.call("a") as caller:
        status, text = await refusal(server, "/call?id=a")
        assert (status, "a call with id a is live" in text) == (409, True)
        await caller.send("custom", data=1)
        assert await caller.until("custom", 3)
    assert (await server.client.post("/command/a", json={"command": "interrupt"})).status_code == 404


async def test_a_call_leaves_a_dump_file_unless_its_client_says_no(serve: Serve) -> None:
    """A9"""
    settings = Settings(recording=Recording(path=serve.folder / "recorders"))
    async with serve(keep=lambda pool: archive(settings, pool), records=serve.folder / "recorders") as server:
        for call_id, query in (("with", ""), ("without", "&dump=false"), ("neither", "&dump_events=0")):
            async with server.call(f"{call_id}{query}"):
                pass
        for call in server.manager.directory.all():
            await call.done()
        listed = (await server.client.get("/api/records")).json()
    assert [(item["id"], item["status"]) for item in listed] == [("with", "completed")]


async def test_one_call_too_many_is_told_when_to_come_back(serve: Serve) -> None:
    async with serve(calls=1) as server, server.call("a"):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(server, "/call"):
                pass
        response = refused.value.response
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")


async def test_a_server_that_drains_takes_no_new_calls(server: Running) -> None:
    """B18"""
    async with server.call("a") as caller:
        server.readiness.draining = True
        assert (await refusal(server, "/call"))[0] == 503
        await caller.send("custom", data=1)
        assert await caller.until("custom", 3)


async def test_an_unknown_id_that_was_sent_on_is_a_404_and_makes_no_call(server: Running) -> None:
    """A16"""
    assert await refusal(server, "/call?id=nobody&forward=true") == (404, "call not found on this node")
    assert not len(server.manager.directory)


@pytest.mark.parametrize("query", ["id=new", "id=new&forward=false"])
async def test_an_unknown_id_is_a_new_call(server: Running, query: str) -> None:
    """A17, A19"""
    async with connect(server, f"/call?{query}"):
        assert server.manager.directory.find("new") is not None


async def test_a_message_that_is_too_long_ends_the_socket(server: Running) -> None:
    async with connect(server, "/call?id=a") as socket:
        await socket.send('{"command": "custom", "data": "' + "x" * (1 << 20) + '"}')
        async with asyncio.timeout(3):
            with contextlib.suppress(ConnectionClosed):
                async for _ in socket:
                    pass
        assert socket.close_code == 1009


async def test_text_that_is_no_command_is_answered_and_later_commands_work(server: Running) -> None:
    """A5"""
    async with server.call("a") as caller:
        await caller._socket.send("{nonsense")
        error = await caller.until("error", 3)
        assert error is not None
        assert error["sender"] == "command"
        assert "code" not in error
        await caller.send("custom", data=1)
        assert await caller.until("custom", 3)


async def test_the_track_is_called_as_the_client_asked(server: Running) -> None:
    for n, name in enumerate(("serverSideTrack", "server_side_track")):
        async with server.caller(f"c{n}&{name}=mine") as caller:
            await caller.send("invite", option=OPTION)
            await caller.send("tts", text="Hi.")
            started = await caller.until("trackStart", 3, 2)
            assert started is not None
            assert started["trackId"] == "mine"
