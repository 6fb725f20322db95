"""What an utterance consists of and how much of it has left: the one place where played samples are counted."""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field

from active_call.audio import RATE_HZ
from active_call.plugin.values import Samples
from active_call.turns.heard import Heard

KEPT = 5 * RATE_HZ
"""Samples already played that are kept so that a held-back voice can start again at its last mark."""


class SpeechSpan:
    """A piece of text and its audio (16 kHz). A producer pushes, playback takes."""

    __slots__ = ("_chunks", "_kept", "_kept_samples", "_marks_at", "_marks_end", "failed", "finished", "received",
                 "taken", "text")  # fmt: skip

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.received = 0
        self.taken = 0
        self.finished = False
        self.failed = False
        self._chunks: deque[Samples] = deque()
        self._kept: deque[Samples] = deque()
        self._kept_samples = 0
        self._marks_at: list[int] = []
        self._marks_end: list[int] = []

    # ------------------------------------------------------------ producer

    def push(self, samples: Samples) -> None:
        if len(samples):
            self._chunks.append(samples)
            self.received += len(samples)

    def mark(self, text_end: int, at_samples: int) -> None:
        """`text[:text_end]` is spoken once `at_samples` of this span have been heard."""
        index = bisect_right(self._marks_at, at_samples)
        self._marks_at.insert(index, at_samples)
        self._marks_end.insert(index, text_end)

    def finish(self, *, failed: bool = False) -> None:
        self.finished = True
        self.failed = self.failed or failed

    # ------------------------------------------------------------ playback

    @property
    def available(self) -> int:
        return self.received - self.taken

    def take(self, out: Samples) -> int:
        """Fill `out` from the front; says how many samples it got."""
        filled = 0
        while filled < len(out) and self._chunks:
            chunk = self._chunks[0]
            room = len(out) - filled
            if len(chunk) <= room:
                self._chunks.popleft()
                piece = chunk
            else:
                piece, self._chunks[0] = chunk[:room], chunk[room:]
            out[filled : filled + len(piece)] = piece
            filled += len(piece)
            self._keep(piece)
        self.taken += filled
        return filled

    def _keep(self, piece: Samples) -> None:
        self._kept.append(piece)
        self._kept_samples += len(piece)
        while self._kept_samples - len(self._kept[0]) > KEPT:
            self._kept_samples -= len(self._kept.popleft())

    def rewind(self) -> None:
        """Back to the last word that was begun (without marks: nowhere)."""
        index = bisect_right(self._marks_at, self.taken) - 1
        start = self._marks_at[index] if index >= 0 else (0 if self._marks_at else self.taken)
        self.give_back(self.taken - start)

    def give_back(self, samples: int) -> None:
        """Untake the newest `samples` (as far as they were kept)."""
        back = min(samples, self._kept_samples)
        while back > 0:
            piece = self._kept.pop()
            self._kept_samples -= len(piece)
            if len(piece) > back:
                self._kept.append(piece[:-back])
                self._kept_samples += len(piece) - back
                piece = piece[-back:]
            self._chunks.appendleft(piece)
            self.taken -= len(piece)
            back -= len(piece)

    def heard_chars(self, unsent: int = 0) -> int:
        """How much of the text was heard: up to the last mark passed, else the proportion, cut at a word."""
        heard = max(0, self.taken - unsent)
        if self.finished and heard >= self.received:
            return len(self.text)
        if self._marks_at:
            index = bisect_right(self._marks_at, heard) - 1
            return self._marks_end[index] if index >= 0 else 0
        if not self.received:
            return 0
        # A voice still at work has delivered less than the whole: the proportion is of what is known so far.
        return _word_end(self.text, len(self.text) * heard // self.received)


class ActSpan:
    """Something to do once all speech before it has been heard: hang up, transfer, change the scene, play."""

    __slots__ = ("act",)

    def __init__(self, act: object) -> None:
        self.act = act


Span = SpeechSpan | ActSpan


@dataclass(slots=True, eq=False)
class Utterance:
    """One reply, greeting, `tts` or `play`: spans in the order of speech."""

    id: str
    play_id: str | None = None
    interruptible: bool = True
    spans: list[Span] = field(default_factory=list)
    closed: bool = False
    """No more spans will be added."""
    at: int = 0
    """Index of the span that is due."""
    started: bool = False

    def add(self, span: Span) -> None:
        if self.closed:
            raise ValueError(f"utterance {self.id} is closed")
        self.spans.append(span)

    def close(self) -> None:
        self.closed = True

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans if isinstance(span, SpeechSpan))

    def heard(self, unsent: int = 0) -> Heard:
        """What of it was heard; `unsent` 16 kHz samples are still inside the leg."""
        speech = [span for span in self.spans if isinstance(span, SpeechSpan)]
        taken = sum(span.taken for span in speech)
        left = min(unsent, taken)
        received = sum(span.received for span in speech)
        pieces: list[str] = []
        last = max((n for n, span in enumerate(speech) if span.taken), default=-1)
        for n, span in enumerate(speech[: last + 1]):
            pieces.append(span.text[: span.heard_chars(left if n == last else 0)])
        text = "".join(pieces)
        total = self.text
        return Heard(
            utterance_id=self.id,
            text=text,
            position=len(text),
            total_chars=len(total),
            heard_ms=(taken - left) * 1000 // RATE_HZ,
            total_ms=received * 1000 // RATE_HZ,
            complete=self.closed and self.at >= len(self.spans) and not left and len(text) == len(total),
        )


def _word_end(text: str, position: int) -> int:
    """The last position not after `position` at which a word ends."""
    if position >= len(text):
        return len(text)
    while position > 0 and text[position].isalnum() and text[position - 1].isalnum() and text[position].isascii():
        position -= 1
    return position
