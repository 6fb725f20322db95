"""Aligned columns of text for a terminal."""

import textwrap
import unicodedata
from collections.abc import Sequence

WIDTH = 100
GAP = "  "
NARROWEST = 24
"""The last column keeps this many cells even when the others leave it less."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, width: int = WIDTH) -> str:
    """Rows under a head; the last column wraps at `width`, and a newline in any cell starts a line there."""
    lines = [head, *rows]
    fixed = [max(cells(part) for line in lines for part in line[i].split("\n")) for i in range(len(head) - 1)]
    room = max(width - sum(fixed) - len(GAP) * len(fixed), NARROWEST)
    out: list[str] = []
    for line in lines:
        columns = [cell.split("\n") for cell in line[:-1]] + [_wrapped(line[-1], room)]
        for i in range(max(len(column) for column in columns)):
            parts = [column[i] if i < len(column) else "" for column in columns]
            padded = [part + " " * (size - cells(part)) for part, size in zip(parts, [*fixed, 0], strict=True)]
            out.append(GAP.join(padded).rstrip())
    return "\n".join(out)


def cells(text: str) -> int:
    """Terminal cells that `text` takes: two for a wide East Asian character (UAX #11)."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _wrapped(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for line in text.split("\n"):
        lines += textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
    return lines
