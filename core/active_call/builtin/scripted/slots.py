"""Slots: variables filled from what the caller said, e.g. `my name is Ada Lovelace` -> `name`."""

import re
from dataclasses import dataclass

from .matching import Words, clean, exact_score, fuzzy_score, is_unspaced, split_words, words_of

_CLAUSE_END = ",.;:!?。、…"
_EDGES = _CLAUSE_END + "\"'“”‘’()[]{}<>"


@dataclass(frozen=True, kw_only=True)
class Slot:
    name: str
    scenes: frozenset[str] = frozenset()
    """Empty: any."""
    after: tuple[Words, ...] = ()
    words: int | None = None
    """How many words at most (characters in Chinese and Japanese); None: to the end of the clause."""
    pattern: re.Pattern[str] | None = None
    """The first group counts if it has one, else the whole match."""
    choices: tuple[tuple[str, Words], ...] = ()


def fill(slot: Slot, said: str) -> str | None:
    """The slot's value in what was said, or None."""
    text = clean(said)
    if slot.after:
        rest = _after(slot.after, text)
        if rest is None:
            return None
        text = rest
    if slot.choices:
        return _choose(slot.choices, words_of(text))
    if slot.pattern is not None:
        found = slot.pattern.search(text)
        return (found[1] if found.re.groups else found[0]) if found else None
    return _clause(text, slot.words)


def _after(phrases: tuple[Words, ...], text: str) -> str | None:
    """What follows the last place (people correct themselves) of the first phrase that is there at all."""
    words = list(split_words(text))
    for phrase in phrases:
        count = len(phrase.forms)
        for at in range(len(words) - count, -1, -1):
            if tuple(word.form for word in words[at : at + count]) == phrase.forms:
                rest = text[words[at + count - 1].end :]
                if rest.strip(_EDGES + " \n\t"):
                    return rest
    return None


def _choose(choices: tuple[tuple[str, Words], ...], heard: Words) -> str | None:
    for score in (exact_score, fuzzy_score):
        scored = [(score(words, heard), value) for value, words in choices]
        best, value = max(scored, key=lambda pair: pair[0])  # of equals the first
        if best > 0:
            return value
    return None


def _clause(text: str, limit: int | None) -> str | None:
    """The first words up to a punctuation mark, as the caller's text spells them."""
    text = text.lstrip(_EDGES + " \n\t")
    end, count, at = 0, 0, 0
    while at < len(text) and (limit is None or count < limit):
        if text[at].isspace():
            at += 1
            continue
        if text[at] in _CLAUSE_END:
            break
        start = at
        at = at + 1 if _one_by_one(text[at]) else _word_end(text, at)
        word = text[start:at]
        if not word.strip(_EDGES):
            break
        end, count = start + len(word.rstrip(_EDGES)), count + 1
        if word[-1] in _CLAUSE_END:
            break
    return text[:end] or None


def _one_by_one(character: str) -> bool:
    """Korean puts blanks between its words, so there a word is a word."""
    return is_unspaced(character) and not 0xAC00 <= ord(character) <= 0xD7AF


def _word_end(text: str, at: int) -> int:
    while at < len(text) and not text[at].isspace() and not _one_by_one(text[at]):
        at += 1
    return at
