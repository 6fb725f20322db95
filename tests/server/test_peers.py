"""Calls that live on another node."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import pytest
import websockets
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams
from tests.server.conftest import Serve
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response

from active_call.server import peers
from active_call.server.peers import credentials, forward_query, peer_url


@pytest.mark.parametrize(
    ("peer", "url"),
    [
        ("h:8080", "ws://h:8080"),
        ("h", "ws://h"),
        ("ws://h:1", "ws://h:1"),
        ("http://h:1", "ws://h:1"),
        ("https://h", "wss://h"),
        ("wss://h/base/", "wss://h/base"),
        ("[::1]:8080", "ws://[::1]:8080"),
        (" h:1 ", "ws://h:1"),
        ("", None),
        ("ftp://h", None),
        ("h:port", None),
        ("http://", None),
    ],
)
def test_a_peer_is_written_in_several_ways(peer: str, url: str | None) -> None:
    """A21"""
    assert peer_url(peer) == url


def test_the_query_is_sent_on_with_the_id_encoded() -> None:
    """A22"""
    given_query = QueryParams("id=a%40b%2Bc&visited=n1&dump=false&server_side_track=t&forward=&x=%26").multi_items()
    assert forward_query("a@b+c", given_query) == "id=a%40b%2Bc&dump=false&server_side_track=t&x=%26&forward=true"


@given(st.text(), st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1))))
def test_what_is_sent_on_is_read_as_it_was_given(call_id: str, params: list[tuple[str, str]]) -> None:
    try:
        read = QueryParams(forward_query(call_id, params)).multi_items()
    except UnicodeEncodeError:
        return
    kept = [(key, value) for key, value in params if key not in ("id", "forward", "visited")]
    assert read == [("id", call_id), *kept, ("forward", "true")]


def test_the_clients_credentials_go_along_or_a_token_of_ours() -> None:
    assert credentials({"authorization": "Bearer t", "cookie": "c"}, "own") == {"authorization": "Bearer t"}
    assert credentials({}, "own") == {"authorization": "Bearer own"}
    assert credentials({}, None) == {}


class Peer:
    """A node that answers as it is told, and remembers what it was asked."""

    def __init__(self, status: int | None = None, delay_s: float = 0.0) -> None:
        self.status = status
        self.delay_s = delay_s
        self.asked: list[tuple[str, str | None]] = []
        self.got: list[str | bytes] = []
        self.closed: asyncio.Queue[int | None] = asyncio.Queue()

    async def judge(self, connection: ServerConnection, request: Request) -> Response | None:
        self.asked.append((request.path, request.headers.get("authorization")))
        await asyncio.sleep(self.delay_s)
        return connection.respond(HTTPStatus(self.status), "no") if self.status is not None else None

    async def talk(self, connection: ServerConnection) -> None:
        try:
            async for message in connection:
                self.got.append(message)
                if message == "bye":
                    await connection.close(4000, "enough")
                await connection.send(message)
        except ConnectionClosed:
            pass
        self.closed.put_nowait(connection.close_code)


Nodes = Callable[..., Any]


@pytest.fixture
async def nodes() -> AsyncIterator[Callable[..., Awaitable[list[str]]]]:
    servers = []

    async def start(*nodes: Peer) -> list[str]:
        for node in nodes:
            options: dict[str, Any] = {"process_request": node.judge, "compression": None}
            servers.append(await websockets.serve(node.talk, "127.0.0.1", 0, **options))
        return [f"127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers[-len(nodes) :]]

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def connected(base: str, path: str) -> AsyncIterator[Any]:
    async with websockets.connect(base.replace("http", "ws") + path, proxy=None) as socket:
        yield socket


async def test_the_peer_that_has_the_call_is_found_and_both_kinds_of_messages_cross(serve: Serve, nodes: Nodes) -> None:
    """A18, A20, B12: the type of the call is kept"""
    absent, hosting = Peer(404), Peer()
    async with (
        serve(peers=tuple(await nodes(absent, hosting)), tokens=("our-token-of-some-length",)) as server,
        connected(server.base, "/call/webrtc?id=a@b&dump=false") as socket,
    ):
        await socket.send('{"command": "custom", "data": 1}')
        assert json.loads(await socket.recv())["data"] == 1
        for size in (0, 640, 70_000):
            await socket.send(b"x" * size)
            assert await socket.recv() == b"x" * size
        assert not len(server.manager.directory)
    (path, authorization) = hosting.asked[0]
    assert path == "/call/webrtc?id=a%40b&dump=false&forward=true"
    assert authorization == "Bearer our-token-of-some-length"
    assert len(absent.asked) == len(hosting.asked) == 1


async def test_a_close_on_either_side_is_a_close_on_the_other(serve: Serve, nodes: Nodes) -> None:
    """A20"""
    hosting = Peer()
    async with serve(peers=tuple(await nodes(hosting))) as server:
        async with connected(server.base, "/call?id=a") as socket:
            await socket.send("bye")
            with pytest.raises(ConnectionClosed):
                async with asyncio.timeout(3):
                    await socket.recv()
            assert socket.close_code == 4000
        async with connected(server.base, "/call?id=a") as socket:
            await socket.send("hello")
            await socket.recv()
        async with asyncio.timeout(3):
            assert [await hosting.closed.get() for _ in range(2)] == [4000, 1000]


async def test_when_nobody_has_it_the_call_is_made_here(serve: Serve, nodes: Nodes) -> None:
    """A18"""
    addresses = await nodes(Peer(404), Peer(503))
    async with serve(peers=(*addresses, "127.0.0.1:1", "")) as server, server.call("a"):
        assert server.manager.directory.find("a") is not None


@pytest.mark.parametrize("query", ["", "?id=a&forward=false", "?id=live", "?id={staged}"])
async def test_nobody_is_asked_about_calls_that_are_ours(serve: Serve, nodes: Nodes, query: str) -> None:
    """A19, B12"""
    peer = Peer()
    async with serve(peers=tuple(await nodes(peer))) as server:
        server.manager.create("live", "webSocket")
        staged = server.manager.directory.stage(content="---\nllm: {provider: fake}\n---\nHi.")
        with contextlib.suppress(InvalidStatus):  # the live one is taken
            async with connected(server.base, f"/call{query.format(staged=staged)}"):
                pass
    assert peer.asked == []


async def test_what_was_sent_on_never_hops_again(serve: Serve, nodes: Nodes) -> None:
    """A19"""
    peer = Peer()
    async with serve(peers=tuple(await nodes(peer))) as server:
        with pytest.raises(InvalidStatus) as refused:
            async with connected(server.base, "/call?id=a&forward=true"):
                pass
    assert refused.value.response.status_code == 404
    assert peer.asked == []


async def test_a_call_that_is_taken_elsewhere_is_not_made_twice(serve: Serve, nodes: Nodes) -> None:
    async with serve(peers=tuple(await nodes(Peer(409), Peer(404)))) as server:
        with pytest.raises(InvalidStatus) as refused:
            async with connected(server.base, "/call?id=a"):
                pass
        assert refused.value.response.status_code == 409
        assert not len(server.manager.directory)


async def test_peers_are_asked_at_once_and_a_dead_one_holds_up_nobody(
    serve: Serve, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B12"""
    monkeypatch.setattr(peers, "PROBE_S", 0.2)
    slow = [Peer(delay_s=1.5) for _ in range(4)]
    addresses = await nodes(*slow)
    async with serve(peers=tuple(addresses)) as server:
        began = time.monotonic()
        async with connected(server.base, "/call?id=a"):
            assert 0.2 <= time.monotonic() - began < 0.75
            assert server.manager.directory.find("a") is not None
    assert [len(peer.asked) for peer in slow] == [1, 1, 1, 1]


async def test_two_real_nodes_are_one_to_a_client(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The second connection to a live call is refused wherever it arrives; an unknown one stays where it came in."""
    async with serve() as home, serve(peers=(home.base,)) as front, home.call("a"):
        with pytest.raises(InvalidStatus) as refused:
            async with connected(front.base, "/call?id=a"):
                pass
        assert refused.value.response.status_code == 409
        async with front.call("b"):
            assert home.manager.directory.find("b") is None
