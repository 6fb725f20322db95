"""Whether an agent said what a playbook test expects, and which of the words were missing."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from math import ceil
from operator import eq

from active_call.builtin.scripted.matching import split_words
from active_call.playbook.scenario import Match, Wanted

ENOUGH = 0.75
"""Share of the words that must be there for `~`."""
ALIKE = 0.8
"""Likeness of two words of at least `LONG` letters that count as one word for `~`."""
LONG = 4
UNSPACED = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef])\s+|\s+(?=[\u3000-\u9fff\uff00-\uffef])")
TOKEN = re.compile(r"[\u3000-\u9fff\uff00-\uffef]|[^\s\u3000-\u9fff\uff00-\uffef]+|\s+")
GAP = re.compile(r"\.\.\.|…")

Same = Callable[[str, str], bool]


def words(text: str) -> tuple[str, ...]:
    """The text as words, compared without case, punctuation and apostrophes; a Chinese character is a word."""
    return tuple(word.form for word in split_words(unicodedata.normalize("NFKC", text)))


def plain(text: str) -> str:
    """Without spare blanks; beside a Chinese character every blank is one."""
    return UNSPACED.sub("", " ".join(text.split()))


def find(wanted: Wanted, heard: Sequence[str], start: int = 0) -> int | None:
    """Where in `heard` (words) one of the texts ends that is found from `start` on; None: none is. Not for `EXACT`."""
    ends = [_passages(text, heard, start, wanted.match is Match.ROUGHLY) for text in wanted.texts]
    return min((end for end in ends if end is not None), default=None)


def equals(wanted: Wanted, value: str) -> bool:
    """Whether the whole value is one of the texts; `...` stands for anything."""
    if wanted.match is Match.ROUGHLY:
        return find(wanted, words(value)) is not None
    return any(
        re.fullmatch(r"\s*.*\s*".join(re.escape(plain(part)) for part in GAP.split(text)), plain(value))
        for text in wanted.texts
    )


def missing(wanted: Wanted, heard: Sequence[str]) -> list[str]:
    """The words of the nearest text that were not said, in order."""
    same = _alike if wanted.match is Match.ROUGHLY else eq
    lacks = [_lacking(words(GAP.sub(" ", text)), heard, same) for text in wanted.texts]
    return min(lacks, key=len)


def marked(one: str, other: str) -> tuple[str, str]:
    """Both texts with brackets around what the other does not have, word by word."""
    left, right = TOKEN.findall(one), TOKEN.findall(other)
    pieces: tuple[list[str], list[str]] = ([], [])
    for kind, i, j, k, m in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        for side, tokens in zip(pieces, (left[i:j], right[k:m]), strict=True):
            text = "".join(tokens)
            side.append(f"[{text}]" if kind != "equal" and text.strip() else text)
    return "".join(pieces[0]), "".join(pieces[1])


def _passages(text: str, heard: Sequence[str], start: int, roughly: bool) -> int | None:
    """The end of the passages that stand between `...`, each after the one before."""
    parts = [part for part in map(words, GAP.split(text)) if part]
    if not parts:
        return start if len(heard) > start else None
    at = start
    for part in parts:
        end = _near(part, heard, at) if roughly else _row(part, heard, at)
        if end is None:
            return None
        at = end
    return at


def _row(part: tuple[str, ...], heard: Sequence[str], start: int) -> int | None:
    ends = range(start + len(part), len(heard) + 1)
    return next((end for end in ends if tuple(heard[end - len(part) : end]) == part), None)


def _near(part: tuple[str, ...], heard: Sequence[str], start: int) -> int | None:
    """Enough of the words, in order, within half as much text again."""
    need, reach = ceil(ENOUGH * len(part)), len(part) + len(part) // 2 + 2
    for first in range(start, len(heard)):
        window = heard[first : first + reach]
        pairs = _pairs(part, window, _alike)
        if len(pairs) >= need:
            return first + pairs[-1][1] + 1
    return None


def _lacking(part: tuple[str, ...], heard: Sequence[str], same: Same) -> list[str]:
    have = {at for at, _ in _pairs(part, heard, same)}
    return [word for at, word in enumerate(part) if at not in have]


def _pairs(one: Sequence[str], other: Sequence[str], same: Same) -> list[tuple[int, int]]:
    """The longest common row of words (not necessarily adjacent), as pairs of places."""
    longest = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in range(len(one) - 1, -1, -1):
        for j in range(len(other) - 1, -1, -1):
            longest[i][j] = (
                1 + longest[i + 1][j + 1] if same(one[i], other[j]) else max(longest[i + 1][j], longest[i][j + 1])
            )
    pairs, i, j = [], 0, 0
    while i < len(one) and j < len(other):
        if same(one[i], other[j]):
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif longest[i + 1][j] >= longest[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    if min(len(one), len(other)) < LONG:
        return False
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= ALIKE
