"""Where each key of a TOML 1.0 document stands: `tomllib` gives values without their lines.

Only for texts that `tomllib` has accepted: nothing is checked here.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

Path = tuple[str | int, ...]


class Place(NamedTuple):
    """Both count from 1."""

    line: int
    column: int


_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_STRING = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\])*"|\'[^\']*\'', re.DOTALL)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]+")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}


def places(text: str) -> dict[Path, Place]:
    """The place of every table, key and array element, by its path from the top."""
    return _Scanner(text).scan()


@dataclass
class _Scanner:
    text: str

    def __post_init__(self) -> None:
        self.at = 0
        self.found: dict[Path, Place] = {}
        self.elements: Counter[Path] = Counter()

    def scan(self) -> dict[Path, Place]:
        table: Path = ()
        while self._skip(_BLANK) < len(self.text):
            table = self._header() if self._looking_at("[") else self._pair(table)
        return self.found

    def _header(self) -> Path:
        """`[a.b]` or `[[a.b]]`: the path of the table that begins."""
        start = self.at
        array = self._looking_at("[[")
        self.at += 2 if array else 1
        path = self._named(self._key(), start)
        self.at += 2 if array else 1
        if array:
            self.elements[path] += 1
            path = (*path, self.elements[path] - 1)
        self._note(path, start)
        return path

    def _named(self, key: list[str], start: int) -> Path:
        """The table that a header names; on the way there an array of tables means its latest element."""
        path: Path = ()
        for part in key:
            if path in self.elements:
                path = (*path, self.elements[path] - 1)
            path = (*path, part)
            self._note(path, start)
        return path

    def _pair(self, table: Path) -> Path:
        start = self.at
        path = table
        for part in self._key():
            path = (*path, part)
            self._note(path, start)
        self._skip(_SPACE)
        self.at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)
        return table

    def _value(self, path: Path) -> None:
        if self._looking_at("{"):
            self._items(path, "}", keyed=True)
        elif self._looking_at("["):
            self._items(path, "]", keyed=False)
        elif string := _STRING.match(self.text, self.at):
            self.at = string.end()
        else:
            self._skip(_SCALAR)

    def _items(self, path: Path, end: str, *, keyed: bool) -> None:
        self.at += 1
        index = 0
        while self._skip(_BLANK) < len(self.text) and not self._looking_at(end):
            if keyed:
                self._pair(path)
            else:
                self._note((*path, index), self.at)
                self._value((*path, index))
            index += 1
            self._skip(_BLANK)
            if self._looking_at(","):
                self.at += 1
        self.at += 1

    def _key(self) -> list[str]:
        parts = []
        while True:
            self._skip(_SPACE)
            if string := _STRING.match(self.text, self.at):
                self.at = string.end()
                parts.append(_unquoted(string[0]))
            elif bare := _BARE.match(self.text, self.at):
                self.at = bare.end()
                parts.append(bare[0])
            self._skip(_SPACE)
            if not self._looking_at("."):
                return parts
            self.at += 1

    def _skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
        return self.at

    def _looking_at(self, mark: str) -> bool:
        return self.text.startswith(mark, self.at)

    def _note(self, path: Path, start: int) -> None:
        self.found.setdefault(path, self._place(start))

    def _place(self, start: int) -> Place:
        line_start = self.text.rfind("\n", 0, start) + 1
        return Place(self.text.count("\n", 0, start) + 1, start - line_start + 1)


def _unquoted(string: str) -> str:
    inner = string[1:-1]
    if string[0] == "'":
        return inner
    return _ESCAPE.sub(lambda m: chr(int(m[1] or m[2], 16)) if m[1] or m[2] else _ESCAPED.get(m[3], m[3]), inner)
