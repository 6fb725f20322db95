"""Server-sent events from bytes, as they come: WHATWG HTML, section 9.2 "Server-sent events".

Lines are cut in bytes and decoded whole, so a character split between two reads is never damaged.
"""

from dataclasses import dataclass

MAX_EVENT_BYTES = 4_000_000
_BOM = b"\xef\xbb\xbf"


class EventTooLong(ValueError):
    """One event exceeds `MAX_EVENT_BYTES`: this is no chat stream."""


@dataclass(frozen=True, slots=True)
class Event:
    data: str
    type: str = "message"


class EventParser:
    """`feed` takes any piece of the body and returns the events that it completes."""

    def __init__(self) -> None:
        self._unread = bytearray()
        self._data: list[str] = []
        self._type = ""
        self._size = 0
        self._first_line = True
        self._after_cr = False

    def feed(self, piece: bytes) -> list[Event]:
        """Raises `EventTooLong`."""
        events: list[Event] = []
        if self._after_cr and piece:
            self._after_cr = False
            piece = piece.removeprefix(b"\n")  # the second half of a CRLF
        searched = len(self._unread)
        self._unread += piece
        while (end := self._line_end(searched)) >= 0:
            line = bytes(self._unread[:end])
            self._drop(end)
            searched = 0
            self._line(line, events)
        if self._size + len(self._unread) > MAX_EVENT_BYTES:
            raise EventTooLong(f"an event of the stream is longer than {MAX_EVENT_BYTES} bytes")
        return events

    def close(self) -> list[Event]:
        """The last event of a server that forgot the blank line behind it."""
        events: list[Event] = []
        if self._unread:
            self._line(bytes(self._unread), events)
            self._unread.clear()
        self._line(b"", events)
        return events

    def _line_end(self, searched: int) -> int:
        ends = [at for at in (self._unread.find(b"\n", searched), self._unread.find(b"\r", searched)) if at >= 0]
        return min(ends, default=-1)

    def _drop(self, end: int) -> None:
        """Take the line and its end away; a CR at the very end may be half of a CRLF."""
        after = end + 1
        if self._unread[end] == 0x0D:
            if after == len(self._unread):
                self._after_cr = True
            elif self._unread[after] == 0x0A:
                after += 1
        del self._unread[:after]

    def _line(self, line: bytes, events: list[Event]) -> None:
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(_BOM)
        if not line:
            if self._data:
                events.append(Event("\n".join(self._data), self._type or "message"))
            self._data, self._type, self._size = [], "", 0
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value.decode("utf-8", "replace"))
            self._size += len(value)
        elif name == b"event":
            self._type = value.decode("utf-8", "replace")
