"""A WebSocket (RFC 6455) whose binary messages cross by plain calls: uvicorn's own protocol with a short cut for audio.

uvicorn hands every message through a queue to a task and pauses the socket meanwhile, which costs more than all of our
media path. Binary messages of a call are taken out before that, and written without a task. Text messages go the
normal way. `ws_of(scope)` gives None under any other server, and the call then works over plain ASGI.
"""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import State

from . import framing

log = logging.getLogger(__name__)

EXTENSION = "active_call.socket"
EARLY_BYTES = 64_000
"""Audio that comes before anybody listens: 2 s of 16 kHz are kept, the oldest is dropped."""
SLOW_READER_BYTES = 1_000_000
"""A reader this far behind (about 30 s of audio) loses its connection, never the call."""
END_OF_REQUEST = b"\r\n\r\n"


class CallSocket(WebSocketsSansIOProtocol):
    """One connection. Its binary half is lent to the leg whose audio it carries (`wire.SocketWire`)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn.logger = log
        self._on_data: Callable[[bytes], None] | None = None
        self._early: deque[bytes] = deque()
        self._early_bytes = 0
        self._pings_unanswered = 0
        self._ping_handle: asyncio.TimerHandle | None = None
        self._cutter: framing.FrameCutter | None = None
        if not framing.USABLE:
            log.warning("this version of websockets is unknown here: audio takes the long way, at twice the cost")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
            # asyncio does so only for sockets made with the protocol's number, and a frame must not wait for an ack.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        if self._cutter is not None:
            self._cutter.feed(data)
            return
        super().data_received(data)
        if framing.USABLE and self.handshake_initiated and data.endswith(END_OF_REQUEST):
            # The parser has taken the request and nothing of a frame: from here on it is given whole frames only.
            self._cutter = framing.FrameCutter(
                self._binary, super().data_received, simple=self._simple, max_size=self.config.ws_max_size
            )

    def _simple(self) -> bool:
        return self.conn.state is State.OPEN and self.conn.current_size is None

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        scope: MutableMapping[str, Any] | None = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][EXTENSION] = self

    # ------------------------------------------------------------ audio

    def attach(self, on_data: Callable[[bytes], None]) -> None:
        self._on_data = on_data
        early, self._early, self._early_bytes = self._early, deque(), 0
        for data in early:
            on_data(data)

    def detach(self) -> None:
        self._on_data = None

    def send_binary(self, data: bytes) -> None:
        """Write one binary message now. A reader that does not read is cut off."""
        transport = self.transport
        if self.disconnected or self.close_sent or not self.handshake_complete or transport.is_closing():
            return
        if transport.get_write_buffer_size() > SLOW_READER_BYTES:
            log.warning("a WebSocket reader is %d bytes behind; its connection is dropped", SLOW_READER_BYTES)
            transport.abort()
            return
        size = len(data)
        if size < 126:
            header = bytes((framing.BINARY_MESSAGE, size))
        elif size < 65536:
            header = b"\x82\x7e" + size.to_bytes(2, "big")
        else:
            header = b"\x82\x7f" + size.to_bytes(8, "big")
        transport.write(header + data)

    @property
    def unsent_bytes(self) -> int:
        return 0 if self.disconnected else self.transport.get_write_buffer_size()

    # ------------------------------------------------------------ messages

    def handle_bytes(self, event: Frame) -> None:
        if event.fin:
            self._binary(bytes(event.data))
        else:
            super().handle_bytes(event)

    def send_receive_event_to_app(self) -> None:
        """A message is complete; text goes on to the application, binary came in fragments."""
        if self.curr_msg_data_type == "text":
            super().send_receive_event_to_app()
            return
        data, self.frames = b"".join(self.frames), []
        self._binary(data)

    def _binary(self, data: bytes) -> None:
        if self._on_data is not None:
            self._on_data(data)
            return
        data = data[-EARLY_BYTES:]
        self._early.append(data)
        self._early_bytes += len(data)
        while self._early_bytes > EARLY_BYTES:
            self._early_bytes -= len(self._early.popleft())

    # ------------------------------------------------------------ pings

    def start_pings(self, interval_s: float) -> None:
        """One at once, then every `interval_s`, with an RFC 3339 time as payload; three unanswered end the socket."""
        if self.disconnected or self.close_sent or self.transport.is_closing():
            return
        if self._pings_unanswered >= 3:
            log.info("a WebSocket peer answered no ping for %.0f s; its connection is dropped", 3 * interval_s)
            self.transport.abort()
            return
        self._pings_unanswered += 1
        self.conn.send_ping(datetime.now(UTC).isoformat().encode())  # RFC 3339
        self.transport.write(b"".join(self.conn.data_to_send()))
        self._ping_handle = self.loop.call_later(interval_s, self.start_pings, interval_s)

    def handle_pong(self, event: Frame) -> None:
        self._pings_unanswered = 0

    def connection_lost(self, exc: Exception | None) -> None:
        if self._ping_handle is not None:
            self._ping_handle.cancel()
        self.detach()
        self._early.clear()
        super().connection_lost(exc)


def ws_of(scope: MutableMapping[str, Any]) -> CallSocket | None:
    """The socket behind an ASGI scope, when uvicorn runs it with this protocol."""
    ours = scope.get("extensions", {}).get(EXTENSION)
    return ours if isinstance(ours, CallSocket) else None
