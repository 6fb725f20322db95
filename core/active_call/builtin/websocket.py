"""The leg of `/call`: raw or encoded audio in the binary messages of the controller's own WebSocket."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from active_call.audio.frames import from_s16le, to_s16le
from active_call.audio.g711 import decode_alaw, decode_ulaw, encode_alaw, encode_ulaw
from active_call.audio.g722 import G722Codec
from active_call.plugin.errors import NotSupported
from active_call.plugin.host import Host
from active_call.plugin.leg import Answered, Ended, Leg, LegEvent, OpenRequest, Route, Wire
from active_call.plugin.traits import TransportTraits
from active_call.plugin.values import Samples

TRAITS = TransportTraits(call_type="webSocket", carried=True)


def decode_pcm(data: bytes) -> Samples:
    """Little-endian samples as `int16[n]`, where the machine allows a read-only view: the core copies once, later."""
    return from_s16le(data) if sys.byteorder == "big" else np.frombuffer(data, np.int16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """One leg's: a codec may remember what came before."""

    rate_hz: int
    decode: Callable[[bytes], Samples]
    encode: Callable[[Samples], bytes]
    frame_bytes: int
    """Of 20 ms."""


def _g722() -> Codec:
    codec = G722Codec()
    return Codec(rate_hz=16000, decode=codec.decode, encode=codec.encode, frame_bytes=160)


CODECS: Mapping[str, Callable[[], Codec]] = {
    "pcm": lambda: Codec(rate_hz=16000, decode=decode_pcm, encode=to_s16le, frame_bytes=640),
    "pcmu": lambda: Codec(rate_hz=8000, decode=decode_ulaw, encode=encode_ulaw, frame_bytes=160),
    "pcma": lambda: Codec(rate_hz=8000, decode=decode_alaw, encode=encode_alaw, frame_bytes=160),
    "g722": _g722,
}


class WebSocketLeg:
    """20 ms are 640 bytes in codec `pcm` (16 kHz s16le), 160 in `pcmu` and `pcma` (8 kHz) and `g722` (16 kHz)."""

    traits = TRAITS
    caller = ""
    callee = ""
    headers: Mapping[str, str] = {}

    def __init__(self, wire: Wire, codec: str) -> None:
        self._codec = CODECS[codec]()
        self.rate_hz = self._codec.rate_hz
        self.odd_messages = 0
        """Messages that were not whole samples; their last byte was carried over to the next."""
        self._wire = wire
        self._halves = codec == "pcm"
        """Whether a message may end within a sample."""
        self._rest = b""
        self._events: asyncio.Queue[LegEvent] = asyncio.Queue()
        self._ended = False
        self._on_audio: Callable[[Samples], None] | None = None

    # ------------------------------------------------------------ audio

    def attach(self, on_audio: Callable[[Samples], None]) -> None:
        self._on_audio = on_audio
        self._wire.attach(self._receive)

    def _receive(self, data: bytes) -> None:
        on_audio = self._on_audio
        if on_audio is None:
            return
        if self._halves and (self._rest or len(data) & 1):
            data = self._whole_samples(data)
        if data:
            on_audio(self._codec.decode(data))

    def _whole_samples(self, data: bytes) -> bytes:
        """`data` behind the byte that was carried over, less the byte to carry."""
        self.odd_messages += len(data) & 1
        data = self._rest + data
        even = len(data) & ~1
        self._rest = data[even:]
        return data[:even]

    def send(self, frame: Samples) -> None:
        if not self._ended:
            self._wire.send(self._codec.encode(frame))

    @property
    def unsent_samples(self) -> int:
        return self._wire.unsent_bytes * self.rate_hz // (50 * self._codec.frame_bytes)

    def flush(self) -> int:
        """What a socket was given cannot be taken back."""
        return 0

    # ------------------------------------------------------------ signalling

    async def events(self) -> AsyncIterator[LegEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Ended):
                return

    async def ring(self, *, early_media: bool = False) -> None:
        raise NotSupported("a WebSocket call does not ring: send `invite`")

    async def answer(self) -> None:
        self._events.put_nowait(Answered())

    async def reject(self, code: int = 603, reason: str = "") -> None:
        self._end(Ended(code=code, cause=reason, by_remote=False))

    async def hang_up(self, cause: str = "", headers: Mapping[str, str] | None = None) -> None:
        self._end(Ended(cause=cause, by_remote=False, headers=headers or {}))

    def _end(self, event: Ended) -> None:
        if not self._ended:
            self._ended = True
            self._on_audio = None
            self._events.put_nowait(event)

    async def candidate(self, candidate: str, sdp_mid: str | None, sdp_mline_index: int | None) -> None:
        raise NotSupported("a WebSocket call has no ICE candidates")

    async def send_dtmf(self, digits: str) -> None:
        raise NotSupported("a WebSocket call cannot send DTMF")

    async def message(self, body: str, content_type: str, headers: Mapping[str, str]) -> None:
        raise NotSupported("a WebSocket call cannot send SIP messages")

    async def refer(self, to: str, headers: Mapping[str, str]) -> None:
        raise NotSupported("a WebSocket call cannot be transferred by SIP REFER")


class WebSocketTransport:
    async def open(self, request: OpenRequest) -> Leg:
        codec = str(request.option.get("codec") or "pcm").lower()
        if codec not in CODECS:
            raise ValueError(f"option.codec: {codec!r} is not supported; use one of {', '.join(CODECS)}")
        if request.wire is None:
            raise ValueError("a webSocket call needs the controller's socket: connect to /call")
        return WebSocketLeg(request.wire, codec)

    @contextlib.asynccontextmanager
    async def listen(self, host: Host, config: Mapping[str, Any], on_leg: Callable[[Leg], None]) -> AsyncIterator[None]:
        yield

    def routes(self) -> Sequence[Route]:
        return ()


@contextlib.asynccontextmanager
async def open_transport(host: Host, settings: Mapping[str, Any]) -> AsyncIterator[WebSocketTransport]:
    yield WebSocketTransport()
