"""Cuts a client's byte stream into WebSocket frames (RFC 6455 section 5.2) and unmasks whole binary messages.

The sans-io parser of `websockets` costs 25 us per message, most of it in generators. A call's audio is always the same
simple case, a complete masked binary message; this takes that case and leaves every other frame, whole, to the parser.
"""

from collections.abc import Callable

from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

try:
    from websockets.speedups import apply_mask
except ImportError:  # no wheel for this platform
    from websockets.utils import apply_mask

BINARY_MESSAGE = 0x82
"""First byte of a binary message in one frame: FIN, no reserved bits, opcode 2."""
MASKED = 0x80
SHORTEST_HEADER = 6
"""Two bytes and the mask."""
LONGEST_HEADER = 14
"""The same with 8 bytes of length."""


class FrameCutter:
    """One connection's stream from its first frame on.

    `on_binary` takes whole binary messages; `on_other` takes bytes for the parser, always whole frames, unless a frame
    is longer than `max_size`: the parser then refuses it, and gets everything that follows.
    """

    __slots__ = ("_max_size", "_need", "_on_binary", "_on_other", "_refused", "_rest", "_simple")

    def __init__(
        self,
        on_binary: Callable[[bytes], None],
        on_other: Callable[[bytes], None],
        *,
        simple: Callable[[], bool],
        max_size: int,
    ) -> None:
        """`simple()` says that the connection is open and no fragmented message is under way."""
        self._on_binary = on_binary
        self._on_other = on_other
        self._simple = simple
        self._max_size = max_size
        self._refused = False
        self._rest = bytearray()
        self._need = 0
        """How long `_rest` must be before it is looked at again: a long frame may come in many small pieces."""

    def feed(self, data: bytes) -> None:
        """The next bytes of the connection, cut by TCP wherever it likes."""
        if self._refused:
            self._on_other(data)
            return
        if self._rest:
            self._rest += data
            if len(self._rest) < self._need:
                return
            data = bytes(self._rest)
            self._rest.clear()
        used = self._cut(data)
        if used < len(data) and not self._refused:
            self._rest += data[used:]

    def _cut(self, data: bytes) -> int:
        """Deliver the whole frames of `data`; how many bytes they are."""
        at, size = 0, len(data)
        while size - at >= SHORTEST_HEADER:
            length = data[at + 1] & 0x7F
            start = at + 6
            if length == 126:
                length, start = data[at + 2] << 8 | data[at + 3], at + 8
            elif length == 127:
                if size - at < LONGEST_HEADER:
                    self._need = LONGEST_HEADER
                    return at
                length, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + LONGEST_HEADER
            end = start + length
            if not data[at + 1] & MASKED or length > self._max_size:
                # For the parser to refuse: it ends the connection.
                self._refused = True
                self._on_other(data[at:])
                return size
            if end > size:
                self._need = end - at
                return at
            if data[at] == BINARY_MESSAGE and self._simple():
                self._on_binary(apply_mask(data[start:end], data[start - 4 : start]))
            else:
                self._on_other(data[at:end])
            at = end
        self._need = SHORTEST_HEADER
        return at


def usable() -> bool:
    """Whether the parser of the installed `websockets` still is what the short cut stands on; checked at import."""
    try:
        parser = ServerProtocol(state=State.OPEN)
        parser.receive_data(Frame(Opcode.TEXT, b"text").serialize(mask=True))
        parser.receive_data(Frame(Opcode.BINARY, b"begun", fin=False).serialize(mask=True))
        begun = parser.current_size
        parser.receive_data(Frame(Opcode.CONT, b"done").serialize(mask=True))
        frames = [
            (int(event.opcode), bytes(event.data)) for event in parser.events_received() if isinstance(event, Frame)
        ]
        return (
            frames == [(1, b"text"), (2, b"begun"), (0, b"done")]
            and begun == len(b"begun")
            and parser.current_size is None
            and apply_mask(b"\1\2\3\4\5", b"abcd") == b"````d"
        )
    except Exception:
        return False


USABLE = usable()
