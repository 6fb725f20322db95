"""Finding a rule's phrase in what a caller said: exact words first, then nearly the same words (`difflib`).

Text is compared as a row of *words*: NFKC, case-folded, without punctuation. In scripts that are written without
blanks (Han, kana, Hangul, Thai and their neighbours) every character is a word of its own.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache, reduce
from itertools import accumulate
from operator import or_

FUZZY_PHRASE = 0.83
"""Likeness of a phrase to as many words of the caller: one wrong letter in six passes, one in five does not."""
FUZZY_WORD = 0.75
"""Likeness of each of its words, so that `want to fly` is not `want to buy`; shorter words must be equal."""
FUZZY_REJOINED = 0.9
"""Likeness to one word more or less, written together: `checkin` and `check in`, `book a table` and `book table`."""
FUZZY_UNSPACED = 0.75
"""Likeness in characters where there are no blanks: one wrong character in four."""

MIN_FUZZY_LETTERS = 5
MIN_FUZZY_WORD_LETTERS = 4
MIN_FUZZY_CHARACTERS = 4
MAX_HEARD_CHARACTERS = 1000
"""Only the end of a longer text is looked at: comparing is work in the event loop."""

_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1100, 0x11FF),  # Hangul letters
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # kana
    (0x3400, 0x9FFF),  # Han
    (0xAC00, 0xD7AF),  # Hangul syllables
    (0xF900, 0xFAFF),  # Han, compatibility
    (0x20000, 0x3FFFF),  # Han, extensions
)


@dataclass(frozen=True, slots=True)
class Word:
    """`text[start:end]` of a cleaned text, in the form in which words are compared."""

    form: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Words:
    """A text made ready to be compared."""

    forms: tuple[str, ...]
    spaced: str
    """The forms with one blank around each, so that `in` finds whole words only."""
    joined: str
    letters: tuple[int, ...]
    """For each form the set of its letters, as bits."""
    starts: tuple[int, ...]
    """Where each form begins in `joined`, and the end."""
    unspaced: bool
    """At least one character belongs to a script without blanks."""


def is_unspaced(character: str) -> bool:
    code = ord(character)
    return code >= 0x0E00 and any(low <= code <= high for low, high in _UNSPACED)


def clean(text: str) -> str:
    """NFKC (full-width forms become plain ones), at most the last `MAX_HEARD_CHARACTERS` characters."""
    return unicodedata.normalize("NFKC", text)[-MAX_HEARD_CHARACTERS:]


def split_words(cleaned: str) -> Iterator[Word]:
    """The words of a text that went through `clean`; apostrophes inside a word do not count (`what's`: `whats`)."""
    start = -1
    for at, character in enumerate(cleaned):
        alone = is_unspaced(character)
        inside = not alone and (_is_letter(character) or (start >= 0 and _joins(cleaned, at)))
        if start >= 0 and not inside:
            yield Word(_form(cleaned[start:at]), start, at)
            start = -1
        if alone and _is_letter(character):
            yield Word(_form(character), at, at + 1)
        elif inside and start < 0:
            start = at
    if start >= 0:
        yield Word(_form(cleaned[start:]), start, len(cleaned))


def words_of(text: str) -> Words:
    cleaned = clean(text)
    forms = tuple(word.form for word in split_words(cleaned))
    return Words(
        forms=forms,
        spaced=f" {' '.join(forms)} ",
        joined="".join(forms),
        letters=tuple(map(_letters, forms)),
        starts=tuple(accumulate(map(len, forms), initial=0)),
        unspaced=any(map(is_unspaced, cleaned)),
    )


def exact_score(phrase: Words, heard: Words) -> float:
    """Above 0 if the phrase stands in `heard` word for word: the share of `heard` that it is, so longer is better."""
    if not phrase.forms or phrase.spaced not in heard.spaced:
        return 0.0
    return len(phrase.joined) / len(heard.joined)


def fuzzy_score(phrase: Words, heard: Words) -> float:
    """Above 0 (and at most 1) if something nearly like the phrase stands in `heard`."""
    if phrase.unspaced:
        return _fuzzy_characters(phrase.joined, heard.joined)
    if len(phrase.joined) < MIN_FUZZY_LETTERS:
        return 0.0
    count, size = len(phrase.forms), len(phrase.joined)
    best = 0.0
    for length in (count, count - 1, count + 1):
        threshold = FUZZY_PHRASE if length == count else FUZZY_REJOINED
        score = _alike if length == count else _rejoined
        slack = 2 * (1 - threshold) / threshold * (size + count)
        for at in range(len(heard.forms) - length + 1 if length else 0):
            # A likeness bounds the difference of lengths; most windows end here.
            if abs(heard.starts[at + length] - heard.starts[at] - size) <= slack:
                best = max(best, score(phrase, heard, at, length))
    return best


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNM"


def _joins(text: str, at: int) -> bool:
    return text[at] in "'’" and at + 1 < len(text) and _is_letter(text[at + 1])


def _form(word: str) -> str:
    return word.casefold().replace("'", "").replace("’", "")


def _alike(phrase: Words, heard: Words, at: int, length: int) -> float:
    """As many words, each nearly like its partner."""
    if length == 1 and phrase.forms[0][0] != heard.forms[at][0]:
        return 0.0  # a lone word that begins differently is another word: booking, looking
    for i, want in enumerate(phrase.forms):
        got = heard.forms[at + i]
        if want == got:
            continue
        if min(len(want), len(got)) < MIN_FUZZY_WORD_LETTERS or _differ(
            phrase.letters[i], heard.letters[at + i], len(want) + len(got), FUZZY_WORD
        ):
            return 0.0
        if _ratio(want, got) < FUZZY_WORD:
            return 0.0
    return _at_least(FUZZY_PHRASE, " ".join(phrase.forms), " ".join(heard.forms[at : at + length]))


def _rejoined(phrase: Words, heard: Words, at: int, length: int) -> float:
    """One word more or less, without the blanks."""
    window = "".join(heard.forms[at : at + length])
    letters = reduce(or_, heard.letters[at : at + length])
    if _differ(reduce(or_, phrase.letters), letters, len(phrase.joined) + len(window), FUZZY_REJOINED):
        return 0.0
    return _at_least(FUZZY_REJOINED, phrase.joined, window)


def _fuzzy_characters(phrase: str, heard: str) -> float:
    size = len(phrase)
    if size < MIN_FUZZY_CHARACTERS:
        return 0.0
    letters = _letters(phrase)
    best = 0.0
    for length in (size, size - 1, size + 1):
        for at in range(len(heard) - length + 1):
            window = heard[at : at + length]
            if not _differ(letters, _letters(window), size + length, FUZZY_UNSPACED):
                best = max(best, _at_least(FUZZY_UNSPACED, phrase, window))
    return best


def _letters(word: str) -> int:
    """The set of letters as bits; letters that share a bit only make `_differ` more careful."""
    return reduce(or_, (1 << ord(letter) % 61 for letter in word), 0)


def _differ(one: int, other: int, total: int, threshold: float) -> bool:
    """True when two letter sets alone prove a likeness below the threshold.

    Each letter that only one side has is unmatched, and likeness is `1 - unmatched / total`. This spares most of the
    comparisons; `SequenceMatcher` costs some 10 us each.
    """
    return (one ^ other).bit_count() > (1 - threshold) * total + 1e-9


def _at_least(threshold: float, one: str, other: str) -> float:
    score = _ratio(one, other)
    return score if score >= threshold else 0.0


@lru_cache(maxsize=8192)
def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
