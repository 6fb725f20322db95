"""What an utterance consists of and how much of it has left: the one place where played samples are counted."""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field

from active_call.audio import RATE_HZ
from active_call.plugin.values import Samples
from active_call.turns.heard import Heard

KEPT = 5 * RATE_HZ
"""Samples already played that are kept so that a held-back voice can start again at its last mark."""
CHAR_SAMPLES = RATE_HZ * 65 // 1000
"""How long a letter of an alphabet takes to say (15 a second), to judge a text whose audio is still being made."""
WIDE_CHAR_SAMPLES = RATE_HZ // 5
"""The same for a character that is a syllable: 5 a second."""
FIRST_WIDE_CHAR = "\u2e80"


class SpeechSpan:
    """A piece of text and its audio (16 kHz). A producer pushes, playback takes."""

    __slots__ = ("_first", "_marks_at", "_marks_end", "_offset", "_piece", "_pieces", "failed", "finished", "received",
                 "taken", "text")  # fmt: skip

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.received = 0
        self.taken = 0
        self.finished = False
        self.failed = False
        self._pieces: deque[Samples] = deque()
        self._first = 0
        """Which sample of the span `_pieces` begins with."""
        self._piece = 0
        """The piece, and the sample in it, that are taken next."""
        self._offset = 0
        self._marks_at: list[int] = []
        self._marks_end: list[int] = []

    # ------------------------------------------------------------ producer

    def push(self, samples: Samples) -> None:
        """More audio, `int16[n]` at 16 kHz; it must not be changed afterwards."""
        if len(samples):
            self._pieces.append(samples)
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
        filled = self._read(out)
        self._move(filled)
        return filled

    def peek(self, out: Samples) -> int:
        """Like `take`, but nothing is taken."""
        piece, offset = self._piece, self._offset
        filled = self._read(out)
        self._piece, self._offset = piece, offset
        return filled

    def _read(self, out: Samples) -> int:
        filled, size, pieces = 0, len(out), self._pieces
        while filled < size and self._piece < len(pieces):
            piece, offset = pieces[self._piece], self._offset
            count = min(len(piece) - offset, size - filled)
            out[filled : filled + count] = piece[offset : offset + count]
            filled += count
            if offset + count == len(piece):
                self._piece += 1
                self._offset = 0
            else:
                self._offset = offset + count
        return filled

    def _move(self, samples: int) -> None:
        """Count `samples` as taken and forget what is too old to be taken again."""
        self.taken += samples
        pieces = self._pieces
        while self._piece and self.taken - self._first - len(pieces[0]) >= KEPT:
            self._first += len(pieces.popleft())
            self._piece -= 1

    def rewind(self) -> None:
        """Back to the last word that was begun (without marks: nowhere)."""
        index = bisect_right(self._marks_at, self.taken) - 1
        start = self._marks_at[index] if index >= 0 else (0 if self._marks_at else self.taken)
        self.give_back(self.taken - start)

    def give_back(self, samples: int) -> None:
        """Untake the newest `samples` (as far as they were kept)."""
        target = max(self.taken - samples, self._first, 0)
        self.taken = target
        start = self._first
        for index, piece in enumerate(self._pieces):
            if target < start + len(piece):
                self._piece, self._offset = index, target - start
                return
            start += len(piece)
        self._piece, self._offset = len(self._pieces), 0

    def heard_chars(self, unsent: int = 0) -> int:
        """How much of the text was heard: up to the last mark passed, and of what follows it in proportion to the
        audio up to the next mark, cut at a word. A voice that marks words is thereby taken at its word; one that
        marks sentences, or nothing, is not taken to have said none of what was being said.
        """
        heard = max(0, self.taken - unsent)
        size = len(self.text)
        if self.finished and not self.failed and heard >= self.received:
            return size
        index = bisect_right(self._marks_at, heard)
        done = min(max(self._marks_end[:index], default=0), size)
        if self.failed or not heard:
            # How much of its text a voice that broke off has said, nobody knows: nothing, to be safe.
            return done
        begun = self._marks_at[index - 1] if index else 0
        if index < len(self._marks_at):
            goal, until = min(self._marks_end[index], size), self._marks_at[index]
        else:
            # A voice still at work has delivered less than the whole, which is as long as such a text usually is.
            whole = begun + expected_samples(self.text[done:])
            goal, until = size, self.received if self.finished else max(self.received, whole)
        part = _word_end(self.text, done + max(0, goal - done) * (heard - begun) // max(1, until - begun))
        return part if self.text[done:part].strip() else done


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

    @property
    def taken(self) -> int:
        """Samples handed to the leg."""
        return sum(span.taken for span in self.spans if isinstance(span, SpeechSpan))

    def give_back(self, samples: int) -> None:
        """The newest `samples` never left: they are said again, across spans, but never before an act that was done."""
        for index in range(min(self.at, len(self.spans) - 1), -1, -1):
            span = self.spans[index]
            if isinstance(span, ActSpan):
                if index < self.at:
                    return
                continue
            before = span.taken
            span.give_back(samples)
            samples -= before - span.taken
            if span.taken < before:
                self.at = index
            if samples <= 0 or span.taken:
                return

    def heard(self, unsent: int = 0) -> Heard:
        """What of it was heard; its newest `unsent` 16 kHz samples are still inside the leg."""
        held = self._held(unsent)
        pieces: list[str] = []
        offset = position = taken = received = 0
        for index, span in enumerate(self.spans):
            if not isinstance(span, SpeechSpan):
                continue
            taken += span.taken
            received += span.received
            # A text of nothing that can be spoken (an emoji) is over when all before it was heard.
            silent = index < self.at and span.finished and not span.failed and not span.received
            silent = silent and all(other > index for other in held)
            if span.taken or silent:
                count = len(span.text) if silent else span.heard_chars(held.get(index, 0))
                pieces.append(span.text[:count])
                position = offset + count if count else position
            offset += len(span.text)
        left = sum(held.values())
        text = "".join(pieces)
        return Heard(
            utterance_id=self.id,
            text=text,
            position=position,
            total_chars=offset,
            heard_ms=(taken - left) * 1000 // RATE_HZ,
            total_ms=received * 1000 // RATE_HZ,
            complete=self.closed and self.at >= len(self.spans) and not left and len(text) == offset,
        )

    def _held(self, unsent: int) -> dict[int, int]:
        """How much of each span (by index) is still inside the leg: the newest samples are the last to leave it."""
        held: dict[int, int] = {}
        for index in range(len(self.spans) - 1, -1, -1):
            span = self.spans[index]
            if unsent > 0 and isinstance(span, SpeechSpan) and span.taken:
                held[index] = min(unsent, span.taken)
                unsent -= held[index]
        return held


def expected_samples(text: str) -> int:
    """How long it usually takes to say `text`."""
    wide = sum(character >= FIRST_WIDE_CHAR for character in text)
    return wide * WIDE_CHAR_SAMPLES + (len(text) - wide) * CHAR_SAMPLES


def _word_end(text: str, position: int) -> int:
    """The last position not after `position` at which a word ends."""
    if position >= len(text):
        return len(text)
    while position > 0 and _joined(text[position - 1], text[position]):
        position -= 1
    return position


def _joined(left: str, right: str) -> bool:
    """Whether two letters belong to one word, as they do in alphabets."""
    return left.isalnum() and right.isalnum() and right < FIRST_WIDE_CHAR
