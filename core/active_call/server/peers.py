"""Other nodes of a cluster: who has the call that is not here, and a tunnel to it."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from .wire import AsgiWire, SocketWire

PROBE_S = 3.0
MAX_BYTES = 16 << 20
WAITING = 3000
"""Messages on their way to a peer that does not read; audio beyond is dropped, text is not."""
_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_NOT_FORWARDED = frozenset({"forward", "visited", "id"})
CREDENTIALS = ("authorization", "x-api-key")


class CallTaken(Exception):
    """A peer has that call, and somebody else is connected to it."""


def peer_url(peer: str) -> str | None:
    """`h:p`, `ws://h`, `http://h/base`, `wss://h`, `https://h` as the base of a WebSocket URL; None: none of these."""
    text = peer.strip()
    try:
        parts = urlsplit(text if "://" in text else f"ws://{text}")
        valid = parts.scheme in _SCHEMES and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return None
    return f"{_SCHEMES[parts.scheme]}://{parts.netloc}{parts.path.rstrip('/')}" if valid else None


def forward_query(call_id: str, params: Iterable[tuple[str, str]]) -> str:
    """The client's query for another node: everything it said, the id percent-encoded, and that it is sent on."""
    pairs = [
        ("id", call_id),
        *((key, value) for key, value in params if key not in _NOT_FORWARDED),
        ("forward", "true"),
    ]
    return "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in pairs)


def credentials(headers: Mapping[str, str], token: str | None) -> dict[str, str]:
    """What the client showed us, for the other node; or a token of ours, as the nodes of a cluster share theirs."""
    shown = {name: headers[name] for name in CREDENTIALS if name in headers}
    return shown or ({"authorization": f"Bearer {token}"} if token else {})


async def find(peers: Sequence[str], path_and_query: str, headers: Mapping[str, str]) -> ClientConnection | None:
    """The first peer that takes that connection, all asked at once; None: nobody has the call.

    Raises `CallTaken`.
    """
    urls = [url + path_and_query for peer in peers if (url := peer_url(peer)) is not None]
    dialling = {asyncio.create_task(_dial(url, headers), name="asking a peer") for url in urls}
    taken, found = False, None
    try:
        while dialling and found is None:
            done, dialling = await asyncio.wait(dialling, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                answer = task.result()
                taken = taken or answer == HTTPStatus.CONFLICT
                if isinstance(answer, ClientConnection):
                    if found is None:
                        found = answer
                    else:
                        await answer.close()
    finally:
        await _give_up(dialling)
    if found is None and taken:
        raise CallTaken
    return found


async def _dial(url: str, headers: Mapping[str, str]) -> ClientConnection | int | None:
    try:
        async with asyncio.timeout(PROBE_S):
            return await connect(
                url, additional_headers=headers, open_timeout=None, max_size=MAX_BYTES, compression=None, proxy=None
            )
    except InvalidStatus as refused:
        return refused.response.status_code
    except (OSError, TimeoutError, WebSocketException, ValueError):
        return None


async def _give_up(dialling: Iterable["asyncio.Task[ClientConnection | int | None]"]) -> None:
    tasks = list(dialling)
    for task in tasks:
        task.cancel()
    for answer in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(answer, ClientConnection):
            await answer.close()


class Tunnel:
    """Text and binary both ways between an accepted socket and a peer; when one side closes, so does the other."""

    def __init__(self, websocket: WebSocket, wire: SocketWire | AsgiWire, peer: ClientConnection) -> None:
        self._websocket = websocket
        self._wire = wire
        self._peer = peer
        self._waiting: deque[str | bytes] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()

    async def run(self) -> None:
        self._room.set()
        self._wire.attach(self._audio)
        ways = [self._listen(), self._up(), self._down()]
        if isinstance(self._wire, AsgiWire):
            ways.append(self._wire.run())
        tasks = [asyncio.create_task(way, name="tunnel to a peer") for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._peer.close()
        if self._websocket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(RuntimeError, OSError, WebSocketDisconnect):
                await self._websocket.close(_close_code(self._peer))

    def _audio(self, data: bytes) -> None:
        if len(self._waiting) < WAITING:
            self._put(data)

    def _put(self, message: str | bytes) -> None:
        self._waiting.append(message)
        self._news.set()
        if len(self._waiting) > WAITING:
            self._room.clear()

    async def _listen(self) -> None:
        """The client's text; its audio comes through the wire."""
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if (data := message.get("bytes")) is not None:
                if isinstance(self._wire, AsgiWire):
                    self._wire.received(data)
            else:
                self._put(message.get("text") or "")
                await self._room.wait()

    async def _up(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                while self._waiting:
                    await self._peer.send(self._waiting.popleft())
                self._room.set()
                self._news.clear()
                await self._news.wait()

    async def _down(self) -> None:
        with contextlib.suppress(ConnectionClosed, RuntimeError, OSError, WebSocketDisconnect):
            async for message in self._peer:
                if isinstance(message, str):
                    await self._websocket.send_text(message)
                else:
                    self._wire.send(message)


def _close_code(peer: ClientConnection) -> int:
    """The peer's own code where it may be sent on; 1011 when its connection broke."""
    code = peer.close_code
    return 1011 if code is None or code in (1005, 1006, 1015) else code
