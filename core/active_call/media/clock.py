"""One media clock per process: it drains every inbox, scores all windows at once, and sends each leg's frame.

A tick is a micro-slot of 5 ms. Everything that was heard is handled in each slot; a leg's own frame leaves in one slot
of four, so that the work of many legs spreads over 20 ms. Nothing slow happens in a tick.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from active_call.plugin.providers import Detector

from .detection import Detection
from .schedule import SLOTS, Schedule

if TYPE_CHECKING:
    from .channel import Channel
    from .intake import Intake

log = logging.getLogger(__name__)

STALL_CHECK = 5 * SLOTS
"""So many slots apart (100 ms) each leg is asked whether it still delivers."""
FULL_BATCH = 32
"""So many windows are scored at once; fewer wait one slot for company, which halves their cost at 100 calls."""
FAILURES = 5
"""A leg that could not take so many frames in a row is taken off the clock."""


class MediaClock:
    """`now_ms` is the process's monotonic time; tests drive `tick` themselves."""

    def __init__(self, now_ms: Callable[[], int] | None = None) -> None:
        self.now_ms = now_ms or (lambda: time.monotonic_ns() // 1_000_000)
        self.late_ms: deque[float] = deque(maxlen=4000)
        """How late each of the last wake-ups came (20 s): the gauge of an overloaded loop."""
        self._slot = 0
        self._ticks = 0
        self._joined: list[set[Channel]] = [set() for _ in range(SLOTS)]
        self._speaking: list[set[Channel]] = [set() for _ in range(SLOTS)]
        self._heard: list[Intake] = []
        self._detections: dict[int, Detection] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._schedule: Schedule | None = None
        self._skipped_slots = 0

    # ------------------------------------------------------------ who takes part

    def join(self, channel: "Channel") -> None:
        """Takes the emptiest slot."""
        channel.slot = min(range(SLOTS), key=lambda slot: len(self._joined[slot]))
        self._joined[channel.slot].add(channel)
        self._wake()

    def leave(self, channel: "Channel") -> None:
        self._joined[channel.slot].discard(channel)
        self._speaking[channel.slot].discard(channel)
        if channel.intake in self._heard:
            self._heard.remove(channel.intake)

    def heard(self, intake: "Intake") -> None:
        """An inbox has become non-empty."""
        self._heard.append(intake)

    def speak(self, channel: "Channel") -> bool:
        """A channel has something to say again; whether it had been silent for a frame or longer."""
        if channel in self._speaking[channel.slot] or channel not in self._joined[channel.slot]:
            return False
        silent = self._ticks - channel.last_tick >= SLOTS
        if silent:
            # Its first frame leaves in the very next slot.
            self._joined[channel.slot].discard(channel)
            channel.slot = (self._slot + 1) % SLOTS
            self._joined[channel.slot].add(channel)
        self._speaking[channel.slot].add(channel)
        return silent

    def detection(self, detector: Detector) -> Detection:
        """The batch of that detector."""
        return self._detections.setdefault(id(detector), Detection(detector))

    @property
    def channels(self) -> int:
        return sum(map(len, self._joined))

    @property
    def skipped_frames(self) -> int:
        """20 ms of everybody's audio that a blocked loop could not make up for."""
        return (self._skipped_slots + (self._schedule.skipped_slots if self._schedule else 0)) // SLOTS

    # ------------------------------------------------------------ ticking

    def tick(self) -> None:
        """One micro-slot."""
        heard = self._heard
        if heard:
            now_ms = self.now_ms()
            self._heard = []
            for intake in heard:
                self._drain(intake, now_ms)
        for detection in self._detections.values():
            waiting = detection.waiting
            if waiting and (self._ticks & 1 or waiting >= FULL_BATCH):
                detection.run(self.now_ms())
        self._ticks += 1
        self._slot = slot = (self._slot + 1) % SLOTS
        speaking = self._speaking[slot]
        if speaking:
            for channel in tuple(speaking):
                self._send(channel)
                if not channel.busy:
                    speaking.discard(channel)
        if self._ticks % STALL_CHECK < SLOTS:
            self._look_for_stalls(self._joined[slot])

    def _drain(self, intake: "Intake", now_ms: int) -> None:
        try:
            intake.drain(now_ms)
        except Exception:
            log.exception("20 ms of a leg could not be taken in; they are dropped")

    def _send(self, channel: "Channel") -> None:
        channel.last_tick = self._ticks
        try:
            channel.tick()
            channel.failures = 0
        except Exception:
            # One leg's failure must not silence the others; its own end is reported by its call.
            channel.failures += 1
            if channel.failures == 1:
                log.exception("a leg could not take its frame")
            elif channel.failures >= FAILURES:
                log.error("a leg could not take %d frames in a row; it is taken off the clock", FAILURES)
                self.leave(channel)

    def _look_for_stalls(self, channels: "set[Channel]") -> None:
        now_ms = self.now_ms()
        for channel in tuple(channels):
            try:
                channel.intake.stall(now_ms)
            except Exception:
                log.exception("an edge could not be handled")

    # ------------------------------------------------------------ time

    async def __aenter__(self) -> "MediaClock":
        """It ticks for as long as somebody has joined."""
        self._loop = asyncio.get_running_loop()
        self._wake()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._loop = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        if self._loop is not None and self._timer is None and any(self._joined):
            if self._schedule is not None:
                self._skipped_slots += self._schedule.skipped_slots
            self._schedule = Schedule(time.perf_counter() * 1000)
            self._set_timer(self._loop, self._schedule)

    def _set_timer(self, loop: asyncio.AbstractEventLoop, schedule: Schedule) -> None:
        # A plain timer: a task that sleeps costs several times as much, 200 times a second.
        delay_ms = schedule.due_ms - time.perf_counter() * 1000
        self._timer = loop.call_later(max(0.0, delay_ms / 1000), self._beat, loop, schedule)

    def _beat(self, loop: asyncio.AbstractEventLoop, schedule: Schedule) -> None:
        now_ms = time.perf_counter() * 1000
        self.late_ms.append(max(0.0, now_ms - schedule.due_ms))
        try:
            for _ in range(schedule.due(now_ms)):
                self.tick()
        finally:
            self._timer = None
            if self._loop is not None and any(self._joined):
                self._set_timer(loop, schedule)
