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
LONGEST_FADE_MS = 5000


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
    def __init__(
        self,
        notices: PlaybackNotices,
        *,
        unsent: Callable[[], int],
        wake: Callable[[], None],
        flush: Callable[[], int] = lambda: 0,
    ) -> None:
        """`unsent()` says how many 16 kHz samples are still inside the leg, `flush()` takes them back (as many as it
        can, and says how many); `wake()` makes the clock pull again.
        """
        self._notices = notices
        self._unsent = unsent
        self._wake = wake
        self._flush = flush
        self._queue: deque[Utterance] = deque()
        self._paused: set[Pause] = set()
        self._rewind = False
        self._tail: deque[Samples] = deque()
        self._ramp: Fade | None = None
        self._finishing: deque[tuple[int, Utterance]] = deque()
        self._act: ActSpan | None = None
        self._begun: Utterance | None = None
        self._handed = 0
        self._dry_told = False
        self._starved_frames = 0
        self._slow = False

    # ------------------------------------------------------------ what is said

    def say(self, utterance: Utterance) -> None:
        """Queue it behind what is being said; its spans may still grow."""
        if not self._queue:
            self._dry_told = False
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
        return bool(self._queue) and not self._paused and not self._dry_told and not self._awaits_first_audio

    @property
    def _awaits_first_audio(self) -> bool:
        """The voice has not begun with what is due: `grown` wakes the clock the moment it does, in the next slot."""
        utterance = self._queue[0]
        if utterance.at >= len(utterance.spans) or self._starved_frames:
            return False
        span = utterance.spans[utterance.at]
        return isinstance(span, SpeechSpan) and not span.finished and not span.received

    # ------------------------------------------------------------ pause, resume, cut

    @property
    def paused(self) -> frozenset[Pause]:
        return frozenset(self._paused)

    def pause(self, reason: Pause, fade_ms: int = SOFTEN_MS) -> None:
        current = self.current
        if not self._paused and current is not None and current.started:
            if not self._finishing:
                back = self._flush()
                self._handed -= back
                current.give_back(back)
            self._fade_out(fade_ms)
        self._paused.add(reason)

    def resume(self, reason: Pause) -> None:
        """What was held back starts again at its last word, whichever reason goes last."""
        if reason not in self._paused:
            return
        self._paused.discard(reason)
        self._rewind = self._rewind or reason is Pause.HELD_BACK
        if self._paused:
            return
        current = self.current
        if current is not None and current.started:
            if self._rewind and current.at < len(current.spans):
                span = current.spans[current.at]
                if isinstance(span, SpeechSpan):
                    span.rewind()
            self._tail.clear()
            self._ramp = Fade(SOFTEN_MS * RATE_HZ // 1000, start=0.0, end=1.0)
        self._rewind = False
        self._dry_told = False
        self._wake()

    def cut(self, fade_ms: int = 0, *, only: Utterance | None = None) -> list[tuple[Utterance, Heard]]:
        """Drop everything (or one utterance): what was heard of each, in order. Acts behind the cut never happen."""
        sounding = self.current
        ledger = [(u, heard) for u, heard in self._ledger() if only is None or u is only]
        dropped = [u for u, _ in ledger]
        if only is None or only is sounding:
            back = self._flush() if only is None or not self._finishing else 0
            self._handed -= back
            if sounding is not None and sounding.started and not self._paused:
                sounding.give_back(back)
                self._fade_out(fade_ms)
            # What was held back, or paused by a command, is gone; what is said next is not paused.
            self._paused -= {Pause.HELD_BACK, Pause.COMMAND}
            self._rewind = False
            self._ramp = None
            self._starved_frames = 0
        for utterance in dropped:
            utterance.close()
        self._queue = deque(u for u in self._queue if u not in dropped)
        self._finishing = deque(item for item in self._finishing if item[1] not in dropped)
        self._dry_told = False
        self._wake()
        return ledger

    def _ledger(self) -> list[tuple[Utterance, Heard]]:
        """What was heard of everything not finished: what the leg still holds is the newest that was handed over."""
        unsent = self._unsent()
        ledger = []
        for utterance in [*reversed(self._queue), *(u for _, u in reversed(self._finishing))]:
            ledger.append((utterance, utterance.heard(unsent)))
            unsent = max(0, unsent - utterance.taken)
        return ledger[::-1]

    def act_done(self) -> None:
        """The act that was due has been carried out: go on behind it."""
        current, act, self._act = self.current, self._act, None
        if act is not None and current is not None and act in current.spans[current.at : current.at + 1]:
            current.at += 1
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
        if filled < FRAME_SAMPLES:
            frame[filled:] = 0
        self._handed += FRAME_SAMPLES
        if self._ramp is not None:
            frame = self._ramp.apply(frame)
            if self._ramp.done:
                self._ramp = None
        if self._begun is not None:
            # Only now: whoever is told may cut, and the ledger then has this frame.
            begun, self._begun = self._begun, None
            self._notices.playback_started(begun)
        return frame

    def _fill(self, frame: Samples) -> int:
        filled = 0
        while self._queue and not self._paused:
            utterance = self._queue[0]
            if utterance.at >= len(utterance.spans):
                if not utterance.closed:
                    if not filled:
                        self._dry(utterance)
                    return filled
                self._queue.popleft()
                # Its last sample leaves with this frame; it is finished when the leg has let go of it.
                self._finishing.append((self._handed + (FRAME_SAMPLES if filled else 0), utterance))
                if filled:
                    return filled
                self._settle()
                continue
            span = utterance.spans[utterance.at]
            if isinstance(span, ActSpan):
                if filled or not self._reach(utterance, span):
                    return filled
                continue
            if not self._ready(span, FRAME_SAMPLES - filled):
                return filled
            if not utterance.started and span.available:
                utterance.started = True
                self._begun = utterance
            filled += span.take(frame[filled:] if filled else frame)
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

    def _reach(self, utterance: Utterance, span: ActSpan) -> bool:
        """Tell that the act is due, once; whether it was done (or cut) at once."""
        if self._act is span or self._unsent():
            return False
        self._act = span
        self._notices.act_due(utterance, span.act)
        return self._act is not span or self.current is not utterance

    def _settle(self) -> None:
        while self._finishing and self._finishing[0][0] <= self._handed - self._unsent():
            _, utterance = self._finishing.popleft()
            self._notices.playback_finished(utterance, utterance.heard())

    def _fade_out(self, fade_ms: int) -> None:
        """Let what comes next die away over `fade_ms`; it does not count as heard."""
        current = self.current
        if fade_ms <= 0 or current is None or current.at >= len(current.spans):
            return
        span = current.spans[current.at]
        if not isinstance(span, SpeechSpan) or not span.available:
            return
        size = min(fade_ms, LONGEST_FADE_MS) * RATE_HZ // 1000
        frames = -(-min(size, span.available) // FRAME_SAMPLES)
        samples = np.zeros(frames * FRAME_SAMPLES, np.int16)
        span.peek(samples)
        faded = Fade(size).apply(samples)
        self._tail = deque(faded.reshape(frames, FRAME_SAMPLES))
