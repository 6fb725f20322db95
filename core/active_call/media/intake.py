"""What one party says: the input chain of a leg, from its inbox to 16 kHz, windows, edges and recogniser chunks."""

import logging
from collections.abc import Callable

import numpy as np

from active_call.audio import RATE_HZ
from active_call.audio.resample import Resampler
from active_call.plugin.values import Samples

from .detection import Detection
from .edges import DetectorFailed, Edge, SpeechEdges

log = logging.getLogger(__name__)

OnEdge = Callable[[Edge, int], None]
"""Called in the tick with an edge and the time of the tick."""

HISTORY = 2 * RATE_HZ
"""How far back a recogniser may reach (its audio begins before the onset)."""
CAPACITY = HISTORY + RATE_HZ // 4
"""Room for the history and 250 ms, so that what is kept moves four times a second; a burst gets more when it comes."""
INBOX_MS = 2000
"""So much waits in the inbox at most; of a longer burst the oldest is dropped and counted."""
STALLED_AFTER_MS = 400
"""A leg that delivers nothing for so long counts as silent: its speech has ended."""


class Feed:
    """A reader of the intake from some sample on, in chunks; opened and closed by whoever listens."""

    __slots__ = ("_chunk", "_position", "_sink")

    def __init__(self, position: int, chunk: int, sink: Callable[[Samples], None]) -> None:
        self._position = position
        self._chunk = chunk
        self._sink = sink

    def advance(self, intake: "Intake", *, flush: bool = False) -> None:
        while intake.written - self._position >= self._chunk:
            self._sink(intake.read(self._position, self._position + self._chunk))
            self._position += self._chunk
        if flush and intake.written > self._position:
            self._sink(intake.read(self._position, intake.written))
            self._position = intake.written


class Intake:
    """Owned by a channel; `append` is the leg's `on_audio`, everything else happens in the clock's tick."""

    def __init__(self, *, rate_hz: int, wake: Callable[["Intake"], None]) -> None:
        self.written = 0
        """16 kHz samples since the leg began."""
        self.dropped = 0
        """Samples (at the leg's rate) lost to bursts longer than the inbox."""
        self.last_audio_ms: int | None = None
        self.slot = -1
        self._wake = wake
        self._resampler = None if rate_hz == RATE_HZ else Resampler(rate_hz, RATE_HZ, steady=True)
        self._inbox: list[Samples] = []
        self._waiting = 0
        self._limit = INBOX_MS * rate_hz // 1000
        self._buffer = np.empty(CAPACITY, np.int16)
        self._base = 0
        self._detection: Detection | None = None
        self._edges: SpeechEdges | None = None
        self._scored = 0
        self._on_edge: OnEdge | None = None
        self._feeds: list[Feed] = []

    # ------------------------------------------------------------ set-up

    def detect(self, detection: Detection, edges: SpeechEdges, on_edge: OnEdge) -> None:
        """Score this intake from now on; `on_edge(edge, now_ms)` is called in the tick."""
        self._leave()
        self.slot = detection.detector.join()
        self._detection, self._edges, self._on_edge = detection, edges, on_edge
        self._scored = self.written
        edges.begin(self.written)

    def close(self) -> None:
        """Give the detector's row back; nothing is scored or fed after this, and no edge is told."""
        self._leave()
        self._edges = self._on_edge = None
        self._feeds.clear()
        self._inbox.clear()
        self._waiting = 0

    def _leave(self) -> None:
        detection, self._detection = self._detection, None
        if detection is not None:
            try:
                detection.detector.leave(self.slot)
            except Exception:
                log.exception("a detector could not let go of a stream")

    def feed(self, start: int, chunk: int, sink: Callable[[Samples], None]) -> Feed:
        """Hand audio from sample `start` on to `sink`, in copies of `chunk` samples."""
        feed = Feed(max(start, self._base, self.written - HISTORY), chunk, sink)
        feed.advance(self)
        self._feeds.append(feed)
        return feed

    def unfeed(self, feed: Feed) -> None:
        """Stop; the incomplete last chunk is handed over first."""
        if feed in self._feeds:
            self._feeds.remove(feed)
            feed.advance(self, flush=True)

    # ------------------------------------------------------------ per frame

    def append(self, samples: Samples) -> None:
        """The leg's `on_audio`: any length, any burst."""
        inbox = self._inbox
        if not inbox:
            self._wake(self)
        inbox.append(samples)
        self._waiting += len(samples)
        excess = self._waiting - self._limit
        if excess > 0:
            self._drop(excess)

    def _drop(self, excess: int) -> None:
        """Drop the oldest `excess` samples of the inbox."""
        self._waiting -= excess
        self.dropped += excess
        while excess >= len(self._inbox[0]):
            excess -= len(self._inbox.pop(0))
        self._inbox[0] = self._inbox[0][excess:]

    def drain(self, now_ms: int) -> None:
        """Take the inbox in; called by the clock for each intake that was woken."""
        inbox = self._inbox
        if not inbox:
            return
        samples = inbox[0] if len(inbox) == 1 else np.concatenate(inbox)
        inbox.clear()
        self._waiting = 0
        self.last_audio_ms = now_ms
        if self._resampler is not None:
            samples = self._resampler.process(samples)
        self._write(samples)
        detection = self._detection
        if detection is not None and self.written - self._scored >= detection.window:
            detection.add(self)
        if self._feeds:
            for feed in tuple(self._feeds):
                feed.advance(self)

    def _write(self, samples: Samples) -> None:
        count = len(samples)
        at = self.written - self._base
        if at + count > len(self._buffer):
            keep = min(at, HISTORY)
            kept = self._buffer[at - keep : at]
            if keep + count > CAPACITY:
                self._buffer = np.empty(keep + count, np.int16)
            elif len(self._buffer) > CAPACITY:
                self._buffer = np.empty(CAPACITY, np.int16)
            self._buffer[:keep] = kept
            self._base = self.written - keep
            at = keep
        self._buffer[at : at + count] = samples
        self.written += count

    def stall(self, now_ms: int) -> None:
        """End speech that runs when the leg has delivered nothing for `STALLED_AFTER_MS`; asked now and then."""
        last = self.last_audio_ms
        if self._edges is None or self._on_edge is None or last is None or now_ms - last < STALLED_AFTER_MS:
            return
        edge = self._edges.stall()
        if edge is not None:
            self._on_edge(edge, now_ms)

    # ------------------------------------------------------------ for detection

    @property
    def window_ready(self) -> bool:
        detection = self._detection
        return detection is not None and self.written - self._scored >= detection.window

    def next_window(self) -> Samples:
        assert self._detection is not None
        at = self._scored - self._base
        if at < 0:
            # So far behind that it has been forgotten: the times of what follows stay right.
            if self._edges is not None:
                self._edges.skip(-at)
            self._scored, at = self._base, 0
        self._scored += self._detection.window
        return self._buffer[at : at + self._detection.window]

    def scored(self, probability: float, now_ms: int) -> None:
        if self._edges is None or self._on_edge is None:
            return
        edge = self._edges.step(probability)
        if edge is not None:
            self._on_edge(edge, now_ms)

    def detector_failed(self, reason: str, now_ms: int) -> None:
        """The detector raised: this stream goes on unscored, and its owner is told once."""
        if self._detection is not None:
            self._leave()
            edges, on_edge, self._edges = self._edges, self._on_edge, None
            if edges is not None and on_edge is not None:
                ended = edges.stall()
                if ended is not None:
                    on_edge(ended, now_ms)
                on_edge(DetectorFailed(reason), now_ms)

    # ------------------------------------------------------------ looking back

    def read(self, start: int, end: int) -> Samples:
        """A copy of samples `[start, end)`; the part that has been forgotten is left out."""
        start = max(start, self._base)
        return self._buffer[start - self._base : max(start, end) - self._base].copy()

    def at_ms(self, sample: int, now_ms: int) -> int:
        """When `sample` was spoken: the newest sample was spoken just now."""
        return now_ms - (self.written - sample) * 1000 // RATE_HZ
