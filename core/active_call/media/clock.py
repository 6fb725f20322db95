"""One media clock per process: it drains every inbox, scores all windows at once, and sends each leg's frame.

A tick is a micro-slot of 5 ms. Everything that was heard is handled in each slot; a leg's own frame leaves in one slot
of four, so that the work of many legs spreads over 20 ms. Nothing slow happens in a tick.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from active_call.audio import FRAME_MS
from active_call.plugin.providers import Detector

from .detection import Detection

if TYPE_CHECKING:
    from .channel import Channel
    from .intake import Intake

log = logging.getLogger(__name__)

SLOT_MS = 5
SLOTS = FRAME_MS // SLOT_MS
CATCH_UP_SLOTS = 3 * SLOTS
"""A late clock makes up for 3 frames at most; what is older is a gap on the wire, and nothing is lost from playback."""


class MediaClock:
    """`now_ms` is the process's monotonic time; tests drive `tick` themselves."""

    def __init__(self, now_ms: Callable[[], int] | None = None) -> None:
        self.now_ms = now_ms or (lambda: time.monotonic_ns() // 1_000_000)
        self.late_ms: deque[float] = deque(maxlen=4000)
        """How late each of the last ticks came (20 s): the gauge of an overloaded loop."""
        self.skipped_frames = 0
        self._slot = 0
        self._ticks = 0
        self._joined: list[set[Channel]] = [set() for _ in range(SLOTS)]
        self._speaking: list[set[Channel]] = [set() for _ in range(SLOTS)]
        self._heard: list[Intake] = []
        self._detections: dict[int, Detection] = {}
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # ------------------------------------------------------------ who takes part

    def join(self, channel: "Channel") -> None:
        """Takes the emptiest slot."""
        channel.slot = min(range(SLOTS), key=lambda slot: len(self._joined[slot]))
        self._joined[channel.slot].add(channel)
        self._work.set()

    def leave(self, channel: "Channel") -> None:
        self._joined[channel.slot].discard(channel)
        self._speaking[channel.slot].discard(channel)
        if channel.intake in self._heard:
            self._heard.remove(channel.intake)
        if not any(self._joined):
            self._work.clear()

    def heard(self, intake: "Intake") -> None:
        """An inbox has become non-empty."""
        self._heard.append(intake)

    def speak(self, channel: "Channel") -> None:
        """A channel has something to say again."""
        if channel in self._speaking[channel.slot] or channel not in self._joined[channel.slot]:
            return
        if self._ticks - channel.last_tick >= SLOTS:
            # It has been silent for a frame or longer: its first frame leaves in the very next slot.
            self._joined[channel.slot].discard(channel)
            channel.slot = (self._slot + 1) % SLOTS
            self._joined[channel.slot].add(channel)
        self._speaking[channel.slot].add(channel)

    def detection(self, detector: Detector) -> Detection:
        """The batch of that detector."""
        return self._detections.setdefault(id(detector), Detection(detector))

    @property
    def channels(self) -> int:
        return sum(map(len, self._joined))

    # ------------------------------------------------------------ ticking

    def tick(self) -> None:
        """One micro-slot."""
        now_ms = self.now_ms()
        heard = self._heard
        if heard:
            self._heard = []
            for intake in heard:
                self._drain(intake, now_ms)
            for detection in self._detections.values():
                detection.run(now_ms)
        self._ticks += 1
        self._slot = slot = (self._slot + 1) % SLOTS
        speaking = self._speaking[slot]
        if speaking:
            for channel in list(speaking):
                self._send(channel)
                if not channel.busy:
                    speaking.discard(channel)

    def _drain(self, intake: "Intake", now_ms: int) -> None:
        try:
            intake.drain(now_ms)
        except Exception:
            log.exception("20 ms of a leg could not be taken in; they are dropped")

    def _send(self, channel: "Channel") -> None:
        try:
            channel.last_tick = self._ticks
            channel.tick()
        except Exception:
            # One leg's failure must not silence the others; its own end is reported by its call.
            log.exception("a leg could not take its frame; it is taken off the clock")
            self.leave(channel)

    async def run(self) -> None:
        """Tick on an absolute schedule for as long as somebody has joined."""
        while True:
            await self._work.wait()
            due = time.perf_counter()
            while self._work.is_set():
                due += SLOT_MS / 1000
                late = time.perf_counter() - due
                if late < 0:
                    await asyncio.sleep(-late)
                    late = time.perf_counter() - due
                self.late_ms.append(late * 1000)
                if late * 1000 > CATCH_UP_SLOTS * SLOT_MS:
                    missed = int(late * 1000 / SLOT_MS) - CATCH_UP_SLOTS
                    self.skipped_frames += missed // SLOTS
                    due += missed * SLOT_MS / 1000
                self.tick()

    async def __aenter__(self) -> "MediaClock":
        self._task = asyncio.create_task(self.run(), name="media clock")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
