"""A caller on `/call`: speaks at the pace of a microphone, hears, keeps the events, records both sides in stereo."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import websockets

from active_call.audio import FRAME_MS, FRAME_SAMPLES, RATE_HZ
from active_call.audio.frames import from_s16le, to_s16le
from active_call.audio.g711 import decode_alaw, decode_ulaw, encode_alaw, encode_ulaw
from active_call.audio.g722 import G722Codec
from active_call.audio.resample import Resampler
from active_call.audio.wav import WavWriter
from active_call.plugin.values import Samples

Codec = tuple[int, Callable[[bytes], Samples], Callable[[Samples], bytes]]
"""Rate in Hz, decoder, encoder."""


def _g722() -> Codec:
    codec = G722Codec()
    return 16000, codec.decode, codec.encode


CODECS: Mapping[str, Callable[[], Codec]] = {
    "pcm": lambda: (16000, from_s16le, to_s16le),
    "pcmu": lambda: (8000, decode_ulaw, encode_ulaw),
    "pcma": lambda: (8000, decode_alaw, encode_alaw),
    "g722": _g722,
}
"""G.722 has a memory: each caller gets its own."""
LOUD = 300
"""A frame with a sample above this (about -41 dBFS) counts as sound."""


class Caller:
    """One WebSocket call. Its microphone is always open: silence flows between what it says.

    In the recording both sides stand where they were heard: frame n of either side is what crossed the wire in the
    n-th 20 ms of the call, so reply latency can be measured in the file.
    """

    def __init__(
        self,
        base: str,
        path: str = "/call",
        *,
        codec: str = "pcm",
        record: Path | None = None,
        on_event: Callable[[dict[str, Any]], None] = lambda event: None,
    ) -> None:
        self.events: list[dict[str, Any]] = []
        self.received: list[Samples] = []
        """Every message's audio at 16 kHz."""
        self.closed: int | None = None
        """The close code."""
        self._url = base.replace("http", "ws", 1) + path
        self._codec = codec
        self._rate, self._decode, self._encode = CODECS[codec]()
        self._record = record
        self._on_event = on_event
        self._out: list[Samples] = []
        self._in: list[Samples] = []
        self._recorder: WavWriter | None = None
        self._up = Resampler(self._rate, RATE_HZ, steady=True) if self._rate != RATE_HZ else None
        self._news = asyncio.Event()
        self._spoken = asyncio.Event()
        self._last_sound = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []
        self.spoken_at = 0.0
        """When the last sample of what was said crossed the wire (monotonic seconds)."""

    # ------------------------------------------------------------ life

    async def __aenter__(self) -> "Caller":
        self._socket = await websockets.connect(self._url, max_size=None, ping_interval=None)
        if self._record is not None:
            self._recorder = WavWriter(self._record, rate_hz=RATE_HZ, channels=2)
        self._tasks.append(asyncio.create_task(self._read(), name="caller hears"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._recorder is not None:
            self._recorder.close()

    async def send(self, command: str, **fields: Any) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            await self._socket.send(json.dumps({"command": command, **fields}))

    async def invite(self, **option: Any) -> None:
        """Begin the call and open the microphone."""
        await self.send("invite", option={"codec": self._codec, **option})
        self._tasks.append(asyncio.create_task(self._microphone(), name="caller's microphone"))

    async def hang_up(self, **fields: Any) -> None:
        await self.send("hangup", **fields)

    # ------------------------------------------------------------ speaking and listening

    async def say(self, samples: Samples) -> None:
        """Speak 16 kHz samples; returns when the last one has crossed the wire."""
        if self._rate != RATE_HZ:
            samples = Resampler(RATE_HZ, self._rate).process(samples)
        size = self._rate * FRAME_MS // 1000
        for start in range(0, len(samples), size):
            frame = np.zeros(size, np.int16)
            piece = samples[start : start + size]
            frame[: len(piece)] = piece
            self._out.append(frame)
        self._spoken.clear()
        while self._out and self.closed is None:
            await self._next(1.0, self._spoken)

    async def quiet(self, seconds: float, patience: float) -> bool:
        """Wait until something was heard and then nothing for `seconds`; False when time is up or the call is over."""
        end = time.monotonic() + patience
        heard = len(self.received)
        while time.monotonic() < end and self.closed is None:
            if (len(self.received) > heard or heard) and time.monotonic() - self._last_sound > seconds:
                return True
            await asyncio.sleep(0.02)
        return False

    async def replied(self, patience: float) -> bool:
        """Wait for the answer to what was said, to its end."""
        before, end = self._count("trackStart"), time.monotonic() + patience
        while time.monotonic() < end and self.closed is None:
            if self._count("trackStart") > before and self._count("trackEnd") >= self._count("trackStart") - 1:
                return True
            await self._next(0.1)
        return False

    def _count(self, name: str) -> int:
        return sum(event.get("event") == name for event in self.events)

    async def until(self, name: str, patience: float, count: int = 1) -> dict[str, Any] | None:
        """The count-th event of that name; None when time is up or the call is over."""
        end = time.monotonic() + patience
        while True:
            hits = [event for event in self.events if event.get("event") == name]
            if len(hits) >= count:
                return hits[count - 1]
            if time.monotonic() >= end or self.closed is not None:
                return None
            await self._next(end - time.monotonic())

    async def until_closed(self, patience: float) -> bool:
        end = time.monotonic() + patience
        while self.closed is None and time.monotonic() < end:
            await self._next(end - time.monotonic())
        return self.closed is not None

    async def _next(self, seconds: float, event: asyncio.Event | None = None) -> None:
        event = event or self._news
        if event is self._news:
            event.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), max(0.0, seconds))

    # ------------------------------------------------------------ the wire

    async def _read(self) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in self._socket:
                if isinstance(message, bytes):
                    self._hear(self._decode(message))
                else:
                    event = json.loads(message)
                    self.events.append(event)
                    self._on_event(event)
                self._news.set()
        self.closed = self._socket.close_code or 1006
        self._news.set()

    def _hear(self, samples: Samples) -> None:
        if self._up is not None:
            samples = self._up.process(samples)
        self.received.append(samples)
        self._in.append(samples)
        if len(samples) and int(np.abs(samples.astype(np.int32)).max()) > LOUD:
            self._last_sound = time.monotonic()

    async def _microphone(self) -> None:
        size = self._rate * FRAME_MS // 1000
        silence = np.zeros(size, np.int16)
        began, sent = time.monotonic(), 0
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                frame = self._out.pop(0) if self._out else silence
                await self._socket.send(self._encode(frame))
                if frame is not silence:
                    self.spoken_at = time.monotonic()
                    if not self._out:
                        self._spoken.set()
                self._write(frame)
                sent += 1
                await asyncio.sleep(max(0.0, began + sent * FRAME_MS / 1000 - time.monotonic()))

    def _write(self, frame: Samples) -> None:
        """20 ms of the recording: what was said, and what was heard meanwhile."""
        if self._recorder is None:
            return
        both = np.zeros((FRAME_SAMPLES, 2), np.int16)
        both[:, 0] = frame if self._rate == RATE_HZ else np.repeat(frame, RATE_HZ // self._rate)
        filled = 0
        while self._in and filled < FRAME_SAMPLES:
            piece = self._in[0][: FRAME_SAMPLES - filled]
            both[filled : filled + len(piece), 1] = piece
            filled += len(piece)
            self._in[0] = self._in[0][len(piece) :]
            if not len(self._in[0]):
                self._in.pop(0)
        self._recorder.write(both)
