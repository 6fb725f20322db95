import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest
import uvicorn
import websockets
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode

from active_call.server import framing
from active_call.server.socket import EARLY_BYTES, SLOW_READER_BYTES, CallSocket, ws_of
from active_call.server.wire import AsgiWire, SocketWire

REQUEST = (
    b"GET /call HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + base64.b64encode(bytes(16)) + b"\r\n\r\n"
)
App = Callable[[Any, Any, Any], Awaitable[None]]


class Wire:
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.buffered = 0
        self.closed = self.aborted = self.paused = False

    def write(self, data: bytes) -> None:
        self.written.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


class Connection:
    """A CallSocket after its handshake, and what the application behind it got."""

    def __init__(self) -> None:
        self.texts: list[Any] = []
        self.got: list[bytes] = []
        self.wire = Wire()
        self.accepted = asyncio.Event()
        self.socket: CallSocket = CallSocket(
            uvicorn.Config(self.app, interface="asgi3", ws_per_message_deflate=False, log_config=None),
            ServerState(),
            {},
        )

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        assert ws_of(scope) is self.socket
        await receive()
        await send({"type": "websocket.accept"})
        self.accepted.set()
        while (message := await receive())["type"] != "websocket.disconnect":
            self.texts.append(message.get("text", message.get("bytes")))

    def send(self, opcode: Opcode, data: bytes, fin: bool = True) -> None:
        self.socket.data_received(Frame(opcode, data, fin).serialize(mask=True))


@pytest.fixture(params=["short cut", "parser"])
async def connection(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connection]:
    monkeypatch.setattr(framing, "USABLE", request.param == "short cut")
    made = Connection()
    made.socket.connection_made(made.wire)  # type: ignore[arg-type]
    made.socket.data_received(REQUEST)
    await asyncio.wait_for(made.accepted.wait(), 1)
    made.wire.written.clear()
    yield made
    made.socket.connection_lost(None)
    await asyncio.gather(*made.socket.tasks)


# ------------------------------------------------------------ messages


async def test_binary_messages_cross_by_a_plain_call_and_pause_nothing(connection: Connection) -> None:
    connection.socket.attach(connection.got.append)
    connection.send(Opcode.BINARY, b"one")
    connection.send(Opcode.BINARY, b"two")
    assert connection.got == [b"one", b"two"]
    assert not connection.wire.paused
    await asyncio.sleep(0)
    assert connection.texts == []


async def test_a_binary_message_in_fragments_arrives_whole(connection: Connection) -> None:
    connection.socket.attach(connection.got.append)
    connection.send(Opcode.BINARY, b"on", fin=False)
    connection.send(Opcode.CONT, b"", fin=False)
    connection.send(Opcode.PING, b"between")
    connection.send(Opcode.CONT, b"e")
    connection.send(Opcode.BINARY, b"two")
    assert connection.got == [b"one", b"two"]


async def test_text_goes_to_the_application_in_order_and_in_fragments_too(connection: Connection) -> None:
    connection.send(Opcode.TEXT, b"one")
    connection.send(Opcode.TEXT, b"tw", fin=False)
    connection.send(Opcode.CONT, b"o")
    for _ in range(5):
        await asyncio.sleep(0)
    assert connection.texts == ["one", "two"]


async def test_audio_before_anybody_listens_is_kept_in_order(connection: Connection) -> None:
    for n in range(10):
        connection.send(Opcode.BINARY, bytes([n]) * 640)
    connection.socket.attach(connection.got.append)
    connection.send(Opcode.BINARY, b"next")
    assert connection.got == [*(bytes([n]) * 640 for n in range(10)), b"next"]


@pytest.mark.parametrize("size", [640, 1000, 3 * EARLY_BYTES])
async def test_of_early_audio_the_newest_two_seconds_are_kept(connection: Connection, size: int) -> None:
    for n in range(200):
        connection.send(Opcode.BINARY, bytes([n]) * size)
    connection.socket.attach(connection.got.append)
    kept = b"".join(connection.got)
    assert EARLY_BYTES - size < len(kept) <= EARLY_BYTES
    assert kept == b"".join(bytes([n]) * size for n in range(200))[-len(kept) :]


async def test_early_audio_is_bounded_again_after_a_listener_has_gone(connection: Connection) -> None:
    connection.socket.attach(connection.got.append)
    connection.socket.detach()
    for _ in range(300):
        connection.send(Opcode.BINARY, bytes(640))
    connection.socket.attach(connection.got.append)
    assert sum(map(len, connection.got)) == EARLY_BYTES


async def test_a_ping_of_the_client_is_answered(connection: Connection) -> None:
    connection.send(Opcode.PING, b"hello")
    assert connection.wire.written == [Frame(Opcode.PONG, b"hello").serialize(mask=False)]


async def test_a_client_that_does_not_mask_is_refused(connection: Connection) -> None:
    connection.socket.attach(connection.got.append)
    connection.socket.data_received(Frame(Opcode.BINARY, b"audio").serialize(mask=False))
    assert connection.got == []
    assert connection.wire.closed
    assert b"\x03\xea" in b"".join(connection.wire.written)  # 1002, protocol error


async def test_a_client_that_closes_gets_its_close_back(connection: Connection) -> None:
    connection.send(Opcode.CLOSE, b"\x03\xe8")
    assert connection.wire.written == [Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=False)]
    assert connection.wire.closed


# ------------------------------------------------------------ sending


@pytest.mark.parametrize("size", [0, 1, 125, 126, 160, 640, 65535, 65536])
async def test_what_is_sent_is_a_binary_message(connection: Connection, size: int) -> None:
    connection.socket.send_binary(bytes(size))
    assert connection.wire.written == [Frame(Opcode.BINARY, bytes(size)).serialize(mask=False)]


async def test_a_reader_that_does_not_read_loses_its_connection(connection: Connection) -> None:
    connection.wire.buffered = SLOW_READER_BYTES
    connection.socket.send_binary(b"still")
    assert not connection.wire.aborted
    assert connection.socket.unsent_bytes == SLOW_READER_BYTES
    connection.wire.buffered += 1
    connection.socket.send_binary(b"too much")
    assert connection.wire.aborted
    connection.socket.send_binary(b"nothing more")
    assert len(connection.wire.written) == 1


async def test_nothing_is_sent_behind_a_close(connection: Connection) -> None:
    await connection.socket.send({"type": "websocket.close", "code": 1000})
    before = len(connection.wire.written)
    connection.socket.send_binary(b"late")
    assert len(connection.wire.written) == before
    connection.socket.connection_lost(None)
    connection.socket.send_binary(b"later")
    assert connection.socket.unsent_bytes == 0
    connection.socket.connections.add(connection.socket)  # the fixture loses it once more


# ------------------------------------------------------------ pings


class Timers:
    """`call_later` of a loop whose time the test moves."""

    def __init__(self) -> None:
        self.due: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, delay: float, call: Callable[..., None], *args: Any) -> Any:
        self.due.append((delay, lambda: call(*args)))
        return type("Handle", (), {"cancel": lambda handle: self.due.clear()})()

    def fire(self) -> None:
        (_, call), self.due = self.due[0], self.due[1:]
        call()


@pytest.fixture
def timers(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Timers:
    timers = Timers()
    monkeypatch.setattr(connection.socket, "loop", timers)
    return timers


async def test_the_first_ping_comes_at_once_and_says_the_time(connection: Connection, timers: Timers) -> None:
    connection.socket.start_pings(20)
    [ping] = connection.wire.written
    assert ping[0] == 0x89
    assert datetime.fromisoformat(ping[2:].decode()).utcoffset() is not None
    assert timers.due[0][0] == 20


async def test_three_pings_without_an_answer_end_the_connection(connection: Connection, timers: Timers) -> None:
    connection.socket.start_pings(20)
    timers.fire()
    timers.fire()
    assert (len(connection.wire.written), connection.wire.aborted) == (3, False)
    timers.fire()
    assert connection.wire.aborted
    assert timers.due == []


async def test_a_peer_that_answers_now_and_then_stays(connection: Connection, timers: Timers) -> None:
    connection.socket.start_pings(20)
    for _ in range(10):
        timers.fire()
        timers.fire()
        connection.send(Opcode.PONG, b"")
    assert not connection.wire.aborted


async def test_pings_end_with_the_connection(connection: Connection, timers: Timers) -> None:
    connection.socket.start_pings(20)
    connection.socket.connection_lost(None)
    assert timers.due == []
    connection.socket.connections.add(connection.socket)  # the fixture loses it once more


# ------------------------------------------------------------ a real connection


async def test_a_client_over_tcp_is_answered_without_nagle() -> None:
    delays: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            return
        ours = ws_of(scope)
        assert ours is not None
        await receive()
        await send({"type": "websocket.accept"})
        tcp = ours.transport.get_extra_info("socket")
        delays.append(tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        wire = SocketWire(ours)
        wire.attach(lambda data: wire.send(data[::-1]))
        while (await receive())["type"] != "websocket.disconnect":
            pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, ws=CallSocket, log_config=None, lifespan="off", ws_per_message_deflate=False)
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        serving = asyncio.create_task(server._serve([listener]))
        async with websockets.connect(f"ws://127.0.0.1:{listener.getsockname()[1]}", compression=None) as client:
            for message in (b"abc", b"x" * 640, b"y" * 200_000):
                await client.send(message)
                assert await client.recv() == message[::-1]
        server.should_exit = True
        await asyncio.wait_for(serving, 10)
    assert delays
    assert all(delays)


# ------------------------------------------------------------ other servers


async def test_under_another_server_messages_are_queued_and_sent_by_a_task() -> None:
    sent: list[bytes] = []
    got: list[bytes] = []

    class Asgi:
        async def send_bytes(self, data: bytes) -> None:
            sent.append(data)

    wire = AsgiWire(Asgi())  # type: ignore[arg-type]
    wire.received(b"early")
    wire.attach(got.append)
    wire.received(b"late")
    assert got == [b"early", b"late"]
    task = asyncio.create_task(wire.run())
    wire.send(b"one")
    wire.send(b"three")
    assert wire.unsent_bytes == 8
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    assert sent == [b"one", b"three"]
    assert wire.unsent_bytes == 0


def test_no_socket_is_lent_by_another_server() -> None:
    assert ws_of({"type": "websocket"}) is None
    assert ws_of({"type": "websocket", "extensions": {"active_call.socket": object()}}) is None
