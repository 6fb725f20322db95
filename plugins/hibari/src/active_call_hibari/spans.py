"""The sentences of a text and where each ends in it, so that a mark points into the text that was sent."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MOST_CHARACTERS = 300
"""A longer sentence is cut: the caller would wait for all of it, and a mark at its end says little."""

_CLAUSE = re.compile(r"[,;:—–]\s+")
_SPACE = re.compile(r"\s+")

# Above the Latin blocks (and the accents that combine with them) hibari drops letters, as with Chinese, or reads them
# out by their names, as with Cyrillic.
_LATIN_END = 0x0250
_FULL_WIDTH = str.maketrans("，。！？；：、（）“”", ",.!?;:,()“”")


@dataclass(frozen=True, slots=True)
class Span:
    text: str
    end: int
    """Offset behind it in the text it was found in, closing quotes and brackets included."""
    closes: bool
    """It ends a sentence; False for a piece of a sentence that was cut."""


def speakable(text: str) -> str:
    """`text` without what the voice cannot say: a space for each such character, so that offsets stay true."""
    return "".join(" " if _foreign(character) else character for character in text.translate(_FULL_WIDTH))


def has_words(text: str) -> bool:
    return any(character.isalnum() for character in text)


def find_spans(text: str, split: Callable[[str], list[str]]) -> Iterator[Span]:
    """The sentences of `text` in order. `split` names them: substrings of `text`, perhaps without closing quotes.

    Every character that is not a space lies in exactly one span.
    """
    begins: list[int] = []
    found = 0
    for sentence in split(text):
        found = text.index(sentence, found)
        begins.append(found)
        found += len(sentence)
    for begin, until in zip(begins, [*begins, len(text)][1:], strict=True):
        offset = begin
        pieces = _pieces(text[begin:until].rstrip())
        for number, piece in enumerate(pieces, 1):
            offset = text.index(piece, offset) + len(piece)
            yield Span(piece, offset, closes=number == len(pieces))


def _pieces(sentence: str) -> list[str]:
    """`sentence` cut as near to the middle as there is a clause, else a space, else anywhere, until all are short."""
    if len(sentence) <= MOST_CHARACTERS:
        return [sentence]
    middle = len(sentence) // 2
    for pattern in (_CLAUSE, _SPACE):
        ends = [match.end() for match in pattern.finditer(sentence)]
        if ends:
            middle = min(ends, key=lambda end: abs(end - len(sentence) // 2))
            break
    return [*_pieces(sentence[:middle].rstrip()), *_pieces(sentence[middle:])]


def _foreign(character: str) -> bool:
    return ord(character) >= _LATIN_END and character.isalnum()
