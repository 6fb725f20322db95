"""Regular expressions over digits that always end: the search takes a time that is bounded whatever the pattern says.

`re` backtracks, so one pattern such as `(\\d+)+$` in one playbook could stop every call of the process. Here a part of
a pattern becomes a table that says from where to where in the digits it matches, and each table is made once.
The syntax is that of `re`, without what needs backtracking: references to groups, conditions, atomic groups, flags.
"""

import re
from collections.abc import Callable, Iterator, Sequence

LONGEST_PATTERN = 200
"""Characters."""
LONGEST_TEXT = 64
"""Characters; longer texts do not match."""
DEEPEST = 30
"""Groups within groups."""

Rows = list[int]
"""For each position the positions (as bits) at which a match that begins there may end."""
Node = Callable[[str], Rows]

QUANTIFIER = re.compile(r"[*+?]|\{(\d+)\}|\{(\d*),(\d*)\}")
CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[^0-9xuUN])", re.DOTALL)
GROUP = re.compile(r"\((?:\?(?:P<\w+>|<=|<!|[:=!]))?")
NUMBERS = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class PatternError(ValueError):
    """The pattern cannot be used; the text says why."""


class DigitPattern:
    def __init__(self, pattern: str) -> None:
        """Raises `PatternError` for what is no regular expression, too long, or cannot be searched in bounded time."""
        if len(pattern) > LONGEST_PATTERN:
            raise PatternError(f"longer than {LONGEST_PATTERN} characters")
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise PatternError(f"not a regular expression: {error}") from None
        self._node = _Parser(pattern).whole()

    def found_in(self, text: str) -> bool:
        """Whether the pattern matches anywhere in `text`, as `re.search` does."""
        return len(text) <= LONGEST_TEXT and any(self._node(text))


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        return self._alternatives()

    def _alternatives(self) -> Node:
        nodes = [self._sequence()]
        while self._take("|"):
            nodes.append(self._sequence())
        return nodes[0] if len(nodes) == 1 else _any_of(nodes)

    def _sequence(self) -> Node:
        nodes: list[Node] = []
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            nodes.append(self._repeated())
        return nodes[0] if len(nodes) == 1 else _in_a_row(nodes)

    def _repeated(self) -> Node:
        node = self._atom()
        found = QUANTIFIER.match(self._pattern, self._at)
        if found is None:
            return node
        self._at = found.end()
        if self._take("+"):
            raise PatternError(f"{found[0]}+ is possessive, which is not known here; write {found[0]}")
        self._take("?")  # lazy: the same texts match
        if found[0] in NUMBERS:
            least, most = NUMBERS[found[0]]
        elif found[1]:
            least = most = int(found[1])
        else:
            least, most = int(found[2] or 0), int(found[3]) if found[3] else None
        return _times(node, least, most)

    def _atom(self) -> Node:
        pattern, at = self._pattern, self._at
        if pattern[at] == "(":
            return self._group()
        if pattern[at] == "[":
            return self._one(CLASS.match(pattern, at))
        if pattern[at] == "\\":
            found = ESCAPE.match(pattern, at)
            if found and found[0][1] in EDGES:
                self._at = found.end()
                return EDGES[found[0][1]]
            return self._one(found)
        self._at += 1
        if pattern[at] in ANCHORS:
            return ANCHORS[pattern[at]]
        return _one(re.compile(pattern[at] if pattern[at] == "." else re.escape(pattern[at])))

    def _one(self, found: re.Match[str] | None) -> Node:
        if found is None:
            raise PatternError(f"{self._pattern[self._at : self._at + 2]} is not known here")
        self._at = found.end()
        return _one(re.compile(found[0]))

    def _group(self) -> Node:
        found = GROUP.match(self._pattern, self._at)
        kind = found[0] if found else "("
        self._at += len(kind)
        if kind == "(" and self._at < len(self._pattern) and self._pattern[self._at] == "?":
            raise PatternError(f"{self._pattern[self._at - 1 : self._at + 2]} is not known here")
        self._depth += 1
        if self._depth > DEEPEST:
            raise PatternError(f"more than {DEEPEST} groups within each other")
        node = self._alternatives()
        self._depth -= 1
        self._take(")")
        return LOOKS[kind](node) if kind in LOOKS else node

    def _take(self, char: str) -> bool:
        if not self._pattern.startswith(char, self._at):
            return False
        self._at += 1
        return True


# -- tables


def _where(holds: Callable[[str, int], bool]) -> Node:
    """Takes no character; matches at the positions where `holds`."""
    return lambda text: [(1 << at) if holds(text, at) else 0 for at in range(len(text) + 1)]


def _one(char: re.Pattern[str]) -> Node:
    return lambda text: [2 << at if char.fullmatch(text[at]) else 0 for at in range(len(text))] + [0]


def _any_of(nodes: Sequence[Node]) -> Node:
    def rows(text: str) -> Rows:
        out = [0] * (len(text) + 1)
        for node in nodes:
            out = [have | row for have, row in zip(out, node(text), strict=True)]
        return out

    return rows


def _in_a_row(nodes: Sequence[Node]) -> Node:
    def rows(text: str) -> Rows:
        out = _stay(len(text) + 1)
        for node in nodes:
            out = _joined(out, node(text))
        return out

    return rows


def _times(node: Node, least: int, most: int | None) -> Node:
    def rows(text: str) -> Rows:
        once = node(text)
        begin = _power(once, least)
        if most is None:
            return _joined(begin, _any_number(once))
        optional = [row | 1 << at for at, row in enumerate(once)]
        return _joined(begin, _power(optional, most - least))

    return rows


def _stay(positions: int) -> Rows:
    return [1 << at for at in range(positions)]


def _bits(row: int) -> Iterator[int]:
    while row:
        lowest = row & -row
        yield lowest.bit_length() - 1
        row ^= lowest


def _joined(one: Rows, other: Rows) -> Rows:
    out = []
    for row in one:
        ends = 0
        for at in _bits(row):
            ends |= other[at]
        out.append(ends)
    return out


def _any_number(once: Rows) -> Rows:
    out = [0] * len(once)
    for at in reversed(range(len(once))):
        out[at] = 1 << at
        for end in _bits(once[at] & ~out[at]):
            out[at] |= out[end]
    return out


def _power(once: Rows, times: int) -> Rows:
    # Matches never go back, so beyond as many steps as there are positions another one changes nothing.
    times = min(times, len(once))
    out = _stay(len(once))
    while times:
        if times & 1:
            out = _joined(out, once)
        once = _joined(once, once)
        times >>= 1
    return out


# -- what looks and takes nothing


def _ahead(node: Node, wanted: bool) -> Node:
    return lambda text: [(1 << at) if bool(row) is wanted else 0 for at, row in enumerate(node(text))]


def _behind(node: Node, wanted: bool) -> Node:
    def rows(text: str) -> Rows:
        ends = 0
        for row in node(text):
            ends |= row
        return [(1 << at) if bool(ends >> at & 1) is wanted else 0 for at in range(len(text) + 1)]

    return rows


def _at_word_edge(text: str, at: int) -> bool:
    before, after = text[at - 1 : at] if at else "", text[at : at + 1]
    return bool(re.match(r"\w", before)) is not bool(re.match(r"\w", after))


LOOKS: dict[str, Callable[[Node], Node]] = {
    "(?=": lambda node: _ahead(node, True),
    "(?!": lambda node: _ahead(node, False),
    "(?<=": lambda node: _behind(node, True),
    "(?<!": lambda node: _behind(node, False),
}
BEGIN = _where(lambda text, at: at == 0)
END = _where(lambda text, at: at == len(text))
ANCHORS: dict[str, Node] = {"^": BEGIN, "$": END}
EDGES: dict[str, Node] = {
    "A": BEGIN,
    "Z": END,
    "b": _where(_at_word_edge),
    "B": _where(lambda text, at: not _at_word_edge(text, at)),
}
