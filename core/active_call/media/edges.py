"""From speech probabilities to edges: where speech began and where it ended.

The times and the state table are the reference's: a stretch of speech counts once it has lasted `speech_padding_ms`,
and it ends when silence has lasted `silence_padding_ms`. Shorter blips say nothing at all.
"""

from dataclasses import dataclass

HYSTERESIS = 0.15
"""Once speech runs, it takes a probability this much below the threshold to end it (Silero's own recommendation)."""


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """Speech has lasted long enough to count; `start` is its first sample (16 kHz, since the leg began)."""

    start: int


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class StillSilent:
    """Nobody has spoken for `silence_timeout_ms`; repeats."""

    start: int
    samples: int


@dataclass(frozen=True, slots=True)
class DetectorFailed:
    """Nothing more will be detected on this stream; the call goes on without it."""

    reason: str


Edge = SpeechBegan | SpeechEnded | StillSilent | DetectorFailed


class SpeechEdges:
    """One stream's segmentation; `step` is called once per scored window."""

    __slots__ = (
        "_announced",
        "_at",
        "_enter",
        "_leave",
        "_min_silence",
        "_min_speech",
        "_quiet_since",
        "_silence_timeout",
        "_speech_since",
        "_window",
    )

    def __init__(
        self,
        *,
        window: int,
        threshold: float = 0.5,
        speech_padding_ms: int = 250,
        silence_padding_ms: int = 100,
        silence_timeout_ms: int | None = None,
        samples_per_ms: int = 16,
    ) -> None:
        self._window = window
        self._enter = threshold
        self._leave = max(0.05, threshold - HYSTERESIS)
        self._min_speech = speech_padding_ms * samples_per_ms
        self._min_silence = silence_padding_ms * samples_per_ms
        self._silence_timeout = silence_timeout_ms * samples_per_ms if silence_timeout_ms else 0
        self._at = 0
        self._speech_since = -1
        self._quiet_since = 0
        self._announced = False

    def begin(self, sample: int) -> None:
        """The next window begins at `sample` of the leg's audio; nothing before it was looked at."""
        self._at = self._quiet_since = sample
        self._speech_since, self._announced = -1, False

    def skip(self, samples: int) -> None:
        """So many samples will never be looked at."""
        self._at += samples

    def stall(self) -> Edge | None:
        """No more audio comes: speech that runs ends with the last window."""
        if self._speech_since < 0:
            return None
        start, self._speech_since = self._speech_since, -1
        end = self._at if self._quiet_since < 0 else self._quiet_since
        self._quiet_since = end
        announced, self._announced = self._announced, False
        return SpeechEnded(start, end) if announced else None

    @property
    def speaking(self) -> bool:
        """Whether announced speech is running."""
        return self._announced

    def step(self, probability: float) -> Edge | None:
        """Take the probability of the next window; at most one edge comes of it."""
        begin = self._at
        end = self._at = begin + self._window
        if self._speech_since < 0:
            if probability >= self._enter:
                self._speech_since, self._quiet_since = begin, -1
                return self._announce(end)
            return self._still_silent(end)
        if probability >= self._leave:
            self._quiet_since = -1
            return None if self._announced else self._announce(end)
        if self._quiet_since < 0:
            self._quiet_since = begin
        if end - self._quiet_since < self._min_silence:
            return None
        start, self._speech_since = self._speech_since, -1
        announced, self._announced = self._announced, False
        return SpeechEnded(start, self._quiet_since) if announced else None

    def _announce(self, end: int) -> Edge | None:
        if end - self._speech_since < self._min_speech:
            return None
        self._announced = True
        return SpeechBegan(self._speech_since)

    def _still_silent(self, end: int) -> Edge | None:
        if not self._silence_timeout or end - self._quiet_since < self._silence_timeout:
            return None
        start, self._quiet_since = self._quiet_since, end
        return StillSilent(start, end - start)
