"""Words as turn taking counts them: how to compare, join and weigh pieces of recognised text in any script."""

import re
from collections.abc import Iterable

# Scripts that are written without spaces: each character counts as a word.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+(?:['\u2019][^\W_{_UNSPACED}]+)*")
_UNSPACED_CHAR = re.compile(rf"[{_UNSPACED}]")


def words(text: str) -> tuple[str, ...]:
    """The words of `text`, without case and punctuation; a Chinese or Japanese character is a word of its own.

    >>> words("Uh-huh, 我 know.")
    ('uh', 'huh', '我', 'know')
    """
    return tuple(match.group().casefold().replace("\u2019", "'") for match in _WORD.finditer(text))


def join(*texts: str) -> str:
    """Pieces of one caller's speech as one text: a space between words, a comma between Chinese or Japanese ones.

    Between pieces of unspaced script a bare concatenation would glue two clauses into one word.
    """
    joined = ""
    for text in (text.strip() for text in texts):
        if not joined or not text:
            joined += text
            continue
        unspaced = _UNSPACED_CHAR.match(text) is not None
        if unspaced and _UNSPACED_CHAR.match(joined[-1]):
            joined += "，" + text
        elif unspaced and not joined[-1].isalnum():
            joined += text
        else:
            joined += " " + text
    return joined


def begins_alike(one: str, other: str) -> bool:
    """Whether two texts begin with the same word: two readings of the same speech, not two speeches."""
    return words(one)[:1] == words(other)[:1] != ()


def without_beginning(beginning: str, text: str) -> str:
    """`text` without the words it has in common with the start of `beginning`."""
    known = words(beginning)
    for index, match in enumerate(_WORD.finditer(text)):
        if index >= len(known) or words(match.group()) != known[index : index + 1]:
            return text[match.start() :]
    return ""


def count_without(text: str, phrases: Iterable[tuple[str, ...]]) -> int:
    """How many words of `text` remain when every occurrence of `phrases` (each a result of `words`) is taken out."""
    spoken = words(text)
    longest_first = sorted(phrases, key=len, reverse=True)
    count = index = 0
    while index < len(spoken):
        length = next((len(p) for p in longest_first if p and spoken[index : index + len(p)] == p), 0)
        count += not length
        index += length or 1
    return count
