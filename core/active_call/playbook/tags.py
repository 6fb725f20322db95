"""The streaming parser of reply tags: text comes in pieces of any size, speech and acts come out in order."""

from enum import Enum, auto

from .acts import Act, Malformed
from .grammar import ACTS, read

LONGEST = 4096
"""Characters of a tag; a longer one is malformed."""
PATIENCE = 128
"""Characters held back of something that may be no tag at all, and of a broken tag that waits for its `>`."""

Piece = str | Act | Malformed


class _State(Enum):
    """What the reader has just read."""

    SPEECH = auto()
    OPEN = auto()  # `<`
    NAME = auto()
    GAP = auto()  # the blanks between attributes, or a closing quote
    KEY = auto()
    KEY_END = auto()  # a blank after an attribute's name
    EQUALS = auto()
    QUOTED = auto()
    SLASH = auto()  # the `/` that closes the tag
    DONE = auto()  # `>`
    BROKEN = auto()  # certainly a tag, but not a readable one: its `>` is waited for
    OVERLONG = auto()  # reported already, its rest is dropped
    OVERLONG_QUOTED = auto()


PROBLEMS = {
    _State.GAP: "an attribute or /> was expected",
    _State.KEY: 'an attribute needs ="a value"',
    _State.KEY_END: 'an attribute needs ="a value"',
    _State.EQUALS: "a value needs quotes",
    _State.SLASH: "> was expected after /",
}


class TagParser:
    """Splits replies into speech and acts.

    A tag is never spoken and never lost, however the reply is cut into pieces. Text is held back only while it can
    still be a tag: `3 < 5` and `<3` pass at the next character. Well-formed tags that are not ours are stripped and
    reported. A character is looked at once; what turned out to be no tag (at most `PATIENCE` of it) is passed on.
    """

    def __init__(self) -> None:
        self._out: list[Piece] = []
        self._speech: list[str] = []
        self._opened = ""
        self._reset()

    def feed(self, text: str) -> list[Piece]:
        """What can be said and done now; no two strings follow each other, none is empty."""
        at, end = 0, len(text)
        while at < end:
            if self._state is _State.SPEECH:
                found = text.find("<", at)
                self._speech.append(text[at:] if found < 0 else text[at:found])
                if found < 0:
                    break
                self._hold("<", _State.OPEN)
                at = found + 1
            elif self._state is _State.QUOTED and text[at] != self._quote:
                # Straight to the closing quote, so that long values cost no step per character.
                found = text.find(self._quote, at)
                stop = min(end if found < 0 else found, at + LONGEST + 1 - self._length)
                self._hold(text[at:stop], _State.QUOTED)
                at = stop
            elif self._state in (_State.OVERLONG, _State.OVERLONG_QUOTED):
                self._skip(text[at])
                at += 1
            else:
                at += self._step(text[at])
        return self._take()

    def close(self) -> list[Piece]:
        """What is left when the reply is complete; the parser is then as new."""
        if self._state not in (_State.SPEECH, _State.OVERLONG, _State.OVERLONG_QUOTED):
            if self._sure or (self._name and _may_be_ours(self._name)):
                self._report("the reply ended within this tag")
            else:
                self._speech.extend(self._held)
        self._reset()
        self._opened = ""
        return self._take()

    def _reset(self) -> None:
        self._state = _State.SPEECH
        self._held: list[str] = []
        self._length = 0
        self._name = ""
        self._spaced = False  # `< name`: only a full, well-formed tag of ours counts
        self._closer = False  # `</name`
        self._sure = False  # this is a tag, whatever may be wrong with it
        self._quote = ""
        self._problem = ""
        self._patience = PATIENCE

    def _hold(self, text: str, state: _State) -> None:
        self._held.append(text)
        self._length += len(text)
        self._state = state
        if self._length > LONGEST:
            self._report(f"longer than {LONGEST} characters")
            quote = self._quote
            self._reset()
            if state is not _State.DONE:
                self._state = _State.OVERLONG_QUOTED if state is _State.QUOTED else _State.OVERLONG
                self._quote = quote
        elif self._length > PATIENCE and not self._sure:
            self._speech.extend(self._held)
            self._reset()

    def _step(self, char: str) -> int:
        """Take one character of a possible tag; returns 0 if it has to be read again in the new state."""
        after = self._after(char)
        if after is None:
            self._refuse()
            return 0
        if after is _State.QUOTED and self._state is not _State.QUOTED:
            self._quote = char
            self._sure = True
        self._hold(char, after)
        if self._state is _State.DONE:
            self._finish()
        return 1

    def _after(self, char: str) -> _State | None:
        """The state after this character, or None if it does not belong here."""
        match self._state:
            case _State.OPEN:
                return self._after_open(char)
            case _State.NAME:
                return self._after_name(char)
            case _State.GAP:
                if char.isspace():
                    return _State.GAP
                return _State.KEY if char.isalpha() or char == "_" else ENDS.get(char)
            case _State.KEY | _State.KEY_END:
                if char == "=":
                    return _State.EQUALS
                if char.isspace():
                    return _State.KEY_END
                return _State.KEY if self._state is _State.KEY and (char.isalnum() or char in "_:-") else None
            case _State.EQUALS:
                if char.isspace():
                    return _State.EQUALS
                return _State.QUOTED if char in "\"'" else None
            case _State.QUOTED:
                return _State.GAP
            case _State.SLASH:
                if char.isspace():
                    return _State.SLASH
                return _State.DONE if char == ">" else None
            case _:  # BROKEN
                self._patience -= 1
                if char == ">":
                    return _State.DONE
                return None if char in "<\n" or self._patience < 0 else _State.BROKEN

    def _after_open(self, char: str) -> _State | None:
        if char == "/" and self._length == 1:
            self._closer = True
            return _State.OPEN
        if char.isspace():
            self._spaced = True
            return _State.OPEN
        if not (char.isascii() and char.isalpha()):
            return None
        return self._after_name(char)

    def _after_name(self, char: str) -> _State | None:
        if char.isascii() and (char.isalnum() or char in "_:-"):
            self._name += char.lower()
            return None if self._spaced and not _may_be_ours(self._name) else _State.NAME
        ours = self._name in ACTS
        if self._spaced and not ours:
            return None
        after = _State.GAP if char.isspace() else ENDS.get(char)
        self._sure = ours and not self._spaced and after is not None
        return after

    def _refuse(self) -> None:
        if self._state is _State.BROKEN:
            self._report(self._problem)
            self._reset()
        elif self._sure:
            self._problem = PROBLEMS[self._state]
            self._state = _State.BROKEN
        else:
            self._speech.extend(self._held)
            self._reset()

    def _skip(self, char: str) -> None:
        """The rest of a tag that was too long, up to the `>` that is in no quotes."""
        if self._state is _State.OVERLONG_QUOTED:
            if char == self._quote:
                self._state = _State.OVERLONG
        elif char == ">":
            self._reset()
        elif char in "\"'":
            self._quote, self._state = char, _State.OVERLONG_QUOTED

    def _finish(self) -> None:
        tag = "".join(self._held)
        if self._problem:
            self._report(self._problem)
        elif self._name not in ACTS:
            self._report("not one of the tags of a playbook")
        elif not self._closer:
            self._emit(read(self._name, tag))
            self._opened = "" if tag.rstrip("> \t\r\n").endswith("/") else self._name
        elif self._name == self._opened:
            self._opened = ""
        else:
            self._report("closes a tag that was not opened")
        self._reset()

    def _report(self, problem: str) -> None:
        self._emit(Malformed("".join(self._held), problem, self._name if self._name in ACTS else ""))

    def _emit(self, piece: Act | Malformed) -> None:
        self._flush()
        self._out.append(piece)

    def _flush(self) -> None:
        speech = "".join(self._speech)
        self._speech.clear()
        if speech:
            self._out.append(speech)

    def _take(self) -> list[Piece]:
        self._flush()
        out, self._out = self._out, []
        return out


ENDS = {"/": _State.SLASH, ">": _State.DONE}


def _may_be_ours(name: str) -> bool:
    return any(ours.startswith(name) for ours in ACTS)
