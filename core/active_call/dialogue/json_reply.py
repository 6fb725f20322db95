"""Replies that are JSON instead of text with tags: `{"text": ..., "waitInputTimeout": ..., "tools": [...]}`.

`docs/reference/json-replies.md` has the format. What begins with `{` or a code fence is held back until it is complete
and is never spoken as it stands.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from active_call.playbook.acts import Malformed
from active_call.playbook.tags import TagParser

from .tools import Request, Step, read_tool

LONGEST = 65_536
"""Characters of a reply; a longer one is not read."""
WAIT_INPUT_MS = 10_000
"""`waitInputTimeout` when the reply has none."""
ROUNDS = 3
"""How often the brain is asked within one turn; what tools it asks for the last time is not run."""

FENCE = re.compile(r"`+[ \t]*[A-Za-z0-9_+-]*\s*")
BLANKS = " \t\r\n\f\v\u00a0\u3000\ufeff"


class Mode(StrEnum):
    UNDECIDED = "undecided"
    """Nothing but blanks and backticks so far."""
    SPEECH = "speech"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class JsonReply:
    steps: tuple[Step, ...]
    """What to say first, then what to do, in the order of the reply; with a `Malformed` for each that cannot be."""
    wait_input_ms: int = WAIT_INPUT_MS

    @property
    def text(self) -> str:
        """What is spoken."""
        return "".join(step for step in self.steps if isinstance(step, str))

    @property
    def requests(self) -> tuple[Request, ...]:
        """The brain is asked again with their results, at most `ROUNDS` times in all."""
        return tuple(step for step in self.steps if isinstance(step, Request))


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The reply is not to be spoken, and nothing can be done with it: ask once more, then say the fallback line."""

    problem: str


class JsonReader:
    """Stands before the tag parser: text passes through unless the reply turns out to be JSON."""

    def __init__(self, tools: Collection[str] = ()) -> None:
        """`tools`: further names, of the playbook's and of plugins' functions."""
        self.mode = Mode.UNDECIDED
        self._tools = tools
        self._held: list[str] = []
        self._length = 0

    def feed(self, text: str) -> str:
        """What of it is no JSON and can be handed on at once."""
        if self.mode is Mode.SPEECH:
            return text
        self._length += len(text)
        if self.mode is Mode.UNDECIDED or self._length <= LONGEST:
            self._held.append(text)
        if self.mode is Mode.UNDECIDED:
            self.mode = _mode("".join(self._held))
        return self._take() if self.mode is Mode.SPEECH else ""

    def close(self) -> str | JsonReply | Unreadable:
        """The reply is complete: the JSON that it was, or else the text that was still held back."""
        if self.mode is not Mode.JSON:
            return self._take()
        if self._length > LONGEST:
            return Unreadable(f"a JSON reply of {self._length} characters is too long")
        return read_reply(self._take(), self._tools)

    def _take(self) -> str:
        held = "".join(self._held)
        self._held.clear()
        return held


def _mode(text: str) -> Mode:
    """By the first character that is not blank. A backtick that opens neither a fence nor `{` quotes a word."""
    start = text.lstrip(BLANKS)
    inner = start.lstrip("`")
    ticks = len(start) - len(inner)
    if inner.lstrip().startswith("{") or (ticks >= 3 and inner):
        return Mode.JSON
    return Mode.SPEECH if inner.strip() else Mode.UNDECIDED


def read_reply(text: str, tools: Collection[str] = ()) -> JsonReply | Unreadable:
    """A complete reply, with or without a fence. One bad tool does not void the rest."""
    text = text.lstrip(BLANKS)
    fence = FENCE.match(text)
    body = text[fence.end() :] if fence else text
    try:
        # Raw line breaks within strings are what models write most often wrong, and mean what they look like.
        found, end = json.JSONDecoder(strict=False).raw_decode(body)
    except (ValueError, RecursionError) as error:
        return Unreadable(f"a JSON reply cannot be read: {_reason(error)}")
    if not isinstance(found, dict):
        return Unreadable("a JSON reply must be an object: {...}")
    steps, problems = _speech(found.get("text"))
    steps += _tools(found.get("tools"), tools)
    if not steps and not problems:
        return Unreadable('a JSON reply has neither "text" nor "tools"')
    wait_ms, wait_problems = _wait_ms(found.get("waitInputTimeout", found.get("wait_input_timeout")))
    problems += wait_problems
    if body[end:].strip(" \t\r\n`"):
        problems.append("what stands behind a JSON reply is left out")
    return JsonReply((*steps, *(Malformed("", problem) for problem in problems)), wait_ms)


def _speech(text: Any) -> tuple[list[Step], list[str]]:
    """Tags within the text work as they do in any reply."""
    if text is None or text == "":
        return [], []
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        return [], ['"text" of a JSON reply must be a text']
    parser = TagParser()
    return [*parser.feed(str(text)), *parser.close()], []


def _tools(entries: Any, known: Collection[str]) -> list[Step]:
    if entries is None:
        return []
    return [read_tool(entry, known) for entry in (entries if isinstance(entries, list) else [entries])]


def _wait_ms(value: Any) -> tuple[int, list[str]]:
    if value is None:
        return WAIT_INPUT_MS, []
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**32:
        return round(value), []
    return WAIT_INPUT_MS, ['"waitInputTimeout" must be a number of milliseconds']


def _reason(error: Exception) -> str:
    """Without what the model wrote."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} (line {error.lineno}, column {error.colno})"
    return "it is nested too deeply" if isinstance(error, RecursionError) else "a number in it is too long"
