"""`mediaPass`: a WebSocket server of the client's hears the caller and is heard by him."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np

from active_call.audio import FRAME_SAMPLES, RATE_HZ
from active_call.audio.frames import from_s16le, samples_to_ms, to_s16le
from active_call.audio.resample import Resampler
from active_call.guard.outbound import OutboundPolicy, Trust
from active_call.media.channel import Channel
from active_call.plugin.values import Samples
from active_call.protocol.options import MediaPassOption
from active_call.providers.errors import classify
from active_call.providers.sockets import open_socket

log = logging.getLogger(__name__)

OUTBOX = 50
"""Messages that may wait for a slow server; beyond, the oldest is dropped."""
AHEAD = 10 * RATE_HZ
"""So much may come ahead of time; then no more is read until some of it was heard."""


class MediaPass:
    """One call's. `run` connects and lasts as long as the connection."""

    def __init__(
        self,
        option: MediaPassOption,
        channel: Channel,
        *,
        started: Callable[[], None],
        ended: Callable[[int], None],
        failed: Callable[[str, str], None],
    ) -> None:
        """`ended(heard_ms)` comes once after `started()`; `failed(sender, problem)` instead of both, or between them.

        Raises ValueError for rates that cannot be had.
        """
        self._option = option
        self._channel = channel
        self._started, self._ended, self._failed = started, ended, failed
        self._down = _resampler(RATE_HZ, option.output_sample_rate)
        self._up = _resampler(option.input_sample_rate, RATE_HZ)
        self._out: deque[bytes] = deque(maxlen=OUTBOX)
        self._news = asyncio.Event()
        self._eased = asyncio.Event()
        self._heard = 0
        self._running = False
        self._pieces: deque[Samples] = deque()
        self._waiting = 0
        self._begin_with = max(FRAME_SAMPLES, (option.ptime or 0) * RATE_HZ // 1000)
        self._flowing = False

    async def run(self, policy: OutboundPolicy, trust: Trust) -> None:
        option = self._option
        try:
            socket = await open_socket(policy, _with_formats(option), trust)
        except Exception as error:  # a name, a connection, a handshake
            self._failed(f"media_pass: {option.url}", str(classify(error)))
            return
        async with socket:
            self._begin()
            intake = self._channel.intake
            feed = intake.feed(intake.written, max(1, option.packet_size // 2), self._send)
            writer = asyncio.create_task(self._write(socket), name="mediaPass sends")
            try:
                await self._read(socket)
            except Exception as error:  # it broke off
                self._failed(f"media_pass: {option.url}", str(classify(error)))
            finally:
                intake.unfeed(feed)
                writer.cancel()
                await asyncio.gather(writer, return_exceptions=True)
        await self._until(0)  # what it has said is heard
        self.close()

    def close(self) -> None:
        """The call ends, or the connection has."""
        if self._running:
            self._running = False
            self._channel.mixer.remove(self._pull)
            self._ended(samples_to_ms(self._heard))

    def _begin(self) -> None:
        self._running = True
        self._started()
        self._channel.mixer.add(self._pull)
        self._channel.clock.speak(self._channel)

    # ------------------------------------------------------------ to the server

    def _send(self, samples: Samples) -> None:
        self._out.append(to_s16le(samples if self._down is None else self._down.process(samples)))
        self._news.set()

    async def _write(self, socket: Any) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._out:
                await socket.send(self._out.popleft())

    # ------------------------------------------------------------ from the server

    async def _read(self, socket: Any) -> None:
        rest = b""
        async for message in socket:
            if isinstance(message, str):
                continue
            data = rest + message
            even = len(data) & ~1
            rest = data[even:]
            samples = from_s16le(data[:even])
            if self._up is not None:
                samples = self._up.process(samples)
            self._pieces.append(samples)
            self._waiting += len(samples)
            await self._until(AHEAD)
        self._begin_with = 1  # nothing more comes to wait for

    async def _until(self, limit: int) -> None:
        while self._waiting > limit:
            self._eased.clear()
            await self._eased.wait()

    def _pull(self) -> Samples | None:
        """The next 20 ms; after it ran dry, not before `ptime` is there."""
        if not self._waiting or (not self._flowing and self._waiting < self._begin_with):
            self._flowing = False
            return None
        frame = np.zeros(FRAME_SAMPLES, np.int16)
        filled = 0
        while self._pieces and filled < FRAME_SAMPLES:
            piece = self._pieces.popleft()
            taken = piece[: FRAME_SAMPLES - filled]
            frame[filled : filled + len(taken)] = taken
            filled += len(taken)
            if len(taken) < len(piece):
                self._pieces.appendleft(piece[len(taken) :])
        self._waiting -= filled
        self._heard += filled
        self._flowing = True
        self._eased.set()
        return frame


def _with_formats(option: MediaPassOption) -> str:
    """The URL, which also says what it will get."""
    parts = urlsplit(option.url.strip())
    asked = urlencode({"sample_rate": option.output_sample_rate, "packet_size": option.packet_size})
    return parts._replace(query=f"{parts.query}&{asked}" if parts.query else asked, fragment="").geturl()


def _resampler(from_hz: int, to_hz: int) -> Resampler | None:
    return None if from_hz == to_hz else Resampler(from_hz, to_hz, steady=True)
