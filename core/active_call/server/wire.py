"""Lends the binary half of a WebSocket to a leg: directly under uvicorn, through ASGI messages under other servers."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from starlette.websockets import WebSocket

from .socket import EARLY_BYTES, CallSocket


class SocketWire:
    """Plain calls into `CallSocket`."""

    def __init__(self, socket: CallSocket) -> None:
        self._socket = socket
        self.send = socket.send_binary
        self.attach = socket.attach

    @property
    def unsent_bytes(self) -> int:
        return self._socket.unsent_bytes


class AsgiWire:
    """For servers other than uvicorn: a queue and a task, at several times the cost."""

    LIMIT = 1500
    """Messages waiting to be sent (30 s); a reader further behind gets no more audio."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._out: deque[bytes] = deque()
        self._early: deque[bytes] = deque(maxlen=EARLY_BYTES // 640)
        self._on_data: Callable[[bytes], None] | None = None
        self._news = asyncio.Event()

    def send(self, data: bytes) -> None:
        if len(self._out) < self.LIMIT:
            self._out.append(data)
            self._news.set()

    @property
    def unsent_bytes(self) -> int:
        return sum(map(len, self._out))

    def attach(self, on_data: Callable[[bytes], None]) -> None:
        self._on_data = on_data
        while self._early:
            on_data(self._early.popleft())

    def received(self, data: bytes) -> None:
        if self._on_data is not None:
            self._on_data(data)
        else:
            self._early.append(data)

    async def run(self) -> None:
        """Sends what is queued; ends with the socket."""
        with contextlib.suppress(RuntimeError, OSError):
            while True:
                while self._out:
                    await self._websocket.send_bytes(self._out.popleft())
                self._news.clear()
                await self._news.wait()
