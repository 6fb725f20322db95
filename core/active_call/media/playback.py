"""What one party hears of us: a queue of utterances, pulled frame by frame, paused, faded, cut by the ledger."""

from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import numpy as np

from active_call.audio import FRAME_MS, FRAME_SAMPLES, RATE_HZ
from active_call.audio.fade import Fade
from active_call.plugin.values import Samples
from active_call.turns.heard import Heard

from .ledger import ActSpan, SpeechSpan, Utterance

SLOW_START = RATE_HZ // 5
"""A voice that once fell behind real time starts again with 200 ms in hand (or after 500 ms, or when it is done)."""
SLOW_WAIT_FRAMES = 500 // FRAME_MS
SOFTEN_MS = 40
"""Pausing and going on again ramp over this, so that neither clicks."""


class Pause(StrEnum):
    """Why nothing is heard although there is something to say; it plays when no reason is left."""

    HELD_BACK = "held_back"
    COMMAND = "command"
    HOLD = "hold"
    TRANSFER = "transfer"
    NOT_CONNECTED = "not_connected"


class PlaybackNotices(Protocol):
    """What playback tells its owner; plain calls from inside the clock's tick."""

    def playback_started(self, utterance: Utterance) -> None:
        """Its first sample has been handed to the leg."""
        ...

    def playback_dry(self, utterance: Utterance) -> None:
        """All it has so far was handed over, and more is to come."""
        ...

    def playback_finished(self, utterance: Utterance, heard: Heard) -> None: ...

    def act_due(self, utterance: Utterance, act: object) -> None:
        """All speech before the act was heard. Playback waits until `act_done`."""
        ...


class Playback:
    def __init__(self, notices: PlaybackNotices, *, unsent: Callable[[], int], wake: Callable[[], None]) -> None:
        """`unsent()` says how many 16 kHz samples are still inside the leg; `wake()` makes the clock pull again."""
        self._notices = notices
        self._unsent = unsent
        self._wake = wake
        self._queue: deque[Utterance] = deque()
        self._paused: set[Pause] = set()
        self._tail: deque[Samples] = deque()
        self._ramp: Fade | None = None
        self._finishing: deque[tuple[int, Utterance]] = deque()
        self._act_waiting = False
        self._handed = 0
        self._dry_told = False
        self._starved_frames = 0
        self._slow = False

    # ------------------------------------------------------------ what is said

    def say(self, utterance: Utterance) -> None:
        """Queue it behind what is being said; its spans may still grow."""
        self._queue.append(utterance)
        self._wake()

    def grown(self) -> None:
        """Tell playback that a span was added, filled or closed while it may have been asleep."""
        self._dry_told = False
        self._wake()

    @property
    def current(self) -> Utterance | None:
        return self._queue[0] if self._queue else None

    @property
    def utterances(self) -> tuple[Utterance, ...]:
        return tuple(self._queue)

    @property
    def buffered(self) -> int:
        """Samples received and not yet played, over everything queued."""
        return sum(s.available for u in self._queue for s in u.spans[u.at :] if isinstance(s, SpeechSpan))

    @property
    def busy(self) -> bool:
        """Whether the clock has to pull."""
        if self._tail or self._finishing:
            return True
        return bool(self._queue) and not self._paused and not self._dry_told

    # ------------------------------------------------------------ pause, resume, cut

    @property
    def paused(self) -> frozenset[Pause]:
        return frozenset(self._paused)

    def pause(self, reason: Pause, fade_ms: int = SOFTEN_MS) -> None:
        if not self._paused and self._queue and self._queue[0].started:
            self._fade_out(fade_ms)
        self._paused.add(reason)

    def resume(self, reason: Pause) -> None:
        if reason not in self._paused:
            return
        self._paused.discard(reason)
        if self._paused:
            return
        current = self.current
        if reason is Pause.HELD_BACK and current is not None and current.at < len(current.spans):
            span = current.spans[current.at]
            if isinstance(span, SpeechSpan):
                span.rewind()
        self._tail.clear()
        self._ramp = Fade(SOFTEN_MS * RATE_HZ // 1000, start=0.0, end=1.0)
        self._dry_told = False
        self._wake()

    def cut(self, fade_ms: int = 0, *, only: Utterance | None = None) -> list[tuple[Utterance, Heard]]:
        """Drop everything (or one utterance): what was heard of each, in order. Acts behind the cut never happen."""
        unsent = self._unsent()
        dropped = [u for u in self._queue if only is None or u is only]
        ledger = [(u, u.heard(unsent if n == 0 else 0)) for n, u in enumerate(dropped)]
        if dropped and dropped[0] is self.current and dropped[0].started and not self._paused:
            self._fade_out(fade_ms)
        for utterance in dropped:
            utterance.close()
            self._queue.remove(utterance)
        for position, utterance in [item for item in self._finishing if only is None or item[1] is only]:
            self._finishing.remove((position, utterance))
            ledger.insert(0, (utterance, utterance.heard(unsent)))
        self._act_waiting = False
        self._dry_told = False
        self._paused.discard(Pause.HELD_BACK)
        self._starved_frames = 0
        self._wake()
        return ledger

    def act_done(self) -> None:
        """The act that was due has been carried out: go on behind it."""
        if self._act_waiting and self._queue:
            self._act_waiting = False
            self._queue[0].at += 1
        self._dry_told = False
        self._wake()

    # ------------------------------------------------------------ per frame

    def pull(self) -> Samples | None:
        """The next 20 ms (`int16[320]`), or None when there is nothing to send. Called by the clock only."""
        if self._finishing:
            self._settle()
        if self._tail:
            self._handed += FRAME_SAMPLES
            return self._tail.popleft()
        if self._paused or not self._queue:
            return None
        frame = np.empty(FRAME_SAMPLES, np.int16)
        filled = self._fill(frame)
        if not filled:
            return None
        frame[filled:] = 0
        self._handed += FRAME_SAMPLES
        if self._ramp is not None:
            frame = self._ramp.apply(frame)
            if self._ramp.done:
                self._ramp = None
        if self._finishing:
            self._settle()
        return frame

    def _fill(self, frame: Samples) -> int:
        filled = 0
        while self._queue:
            utterance = self._queue[0]
            if utterance.at >= len(utterance.spans):
                if utterance.closed:
                    self._queue.popleft()
                    # Its last sample leaves with this frame; it is finished when the leg has let go of it.
                    self._finishing.append((self._handed + (FRAME_SAMPLES if filled else 0), utterance))
                    if filled:
                        return filled
                    self._settle()
                    continue
                self._dry(utterance)
                return filled
            span = utterance.spans[utterance.at]
            if isinstance(span, ActSpan):
                if not filled:
                    self._reach(utterance, span)
                return filled
            if not self._ready(span, FRAME_SAMPLES - filled):
                return filled
            if not utterance.started and span.available:
                utterance.started = True
                self._notices.playback_started(utterance)
            filled += span.take(frame[filled:])
            if span.finished and not span.available:
                utterance.at += 1
            if filled == FRAME_SAMPLES:
                return filled
        return filled

    def _ready(self, span: SpeechSpan, room: int) -> bool:
        """Whether `span` may be taken from; a voice slower than real time gets a start buffer, a faster one none."""
        if span.finished:
            self._starved_frames = 0
            return True
        need = SLOW_START if self._starved_frames or (self._slow and not span.taken) else room
        patience_over = self._starved_frames > SLOW_WAIT_FRAMES
        if span.available >= need or (patience_over and span.available >= room):
            self._starved_frames = 0
            return True
        if span.taken:
            self._slow = True
        if self._slow:
            self._starved_frames += 1
        return False

    def _dry(self, utterance: Utterance) -> None:
        if not self._dry_told and not self._unsent():
            self._dry_told = True
            self._notices.playback_dry(utterance)

    def _reach(self, utterance: Utterance, span: ActSpan) -> None:
        if not self._act_waiting and not self._unsent():
            self._act_waiting = True
            self._notices.act_due(utterance, span.act)

    def _settle(self) -> None:
        gone = self._handed - self._unsent()
        while self._finishing and self._finishing[0][0] <= gone:
            _, utterance = self._finishing.popleft()
            self._notices.playback_finished(utterance, utterance.heard())

    def _fade_out(self, fade_ms: int) -> None:
        """Let what comes next die away over `fade_ms`; it does not count as heard."""
        current = self.current
        frames = max(0, fade_ms) // FRAME_MS
        if not frames or current is None or current.at >= len(current.spans):
            return
        span = current.spans[current.at]
        if not isinstance(span, SpeechSpan):
            return
        before = span.taken
        samples = np.zeros(frames * FRAME_SAMPLES, np.int16)
        span.take(samples)
        span.give_back(span.taken - before)
        faded = Fade(len(samples)).apply(samples)
        self._tail.extend(faded.reshape(frames, FRAME_SAMPLES))
