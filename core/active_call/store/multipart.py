"""multipart/form-data (RFC 7578) whose files are read in a thread, piece by piece, while they are sent."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

PIECE = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A text, or a file."""

    name: str
    content: str | Path
    type: str | None = None


class Form:
    """Sent once: `headers` and `body()`. A file that has grown since is sent as long as it was."""

    def __init__(self, parts: Sequence[Part]) -> None:
        """Raises OSError for a file that is not there. Blocking: it asks the disk for the sizes."""
        self._boundary = uuid.uuid4().hex
        self._parts: list[tuple[bytes, bytes | Path, int]] = []
        for part in parts:
            head = self._head(part)
            if isinstance(part.content, Path):
                self._parts.append((head, part.content, part.content.stat().st_size))
            else:
                content = part.content.encode()
                self._parts.append((head, content, len(content)))
        self._end = f"--{self._boundary}--\r\n".encode()

    @property
    def headers(self) -> dict[str, str]:
        length = sum(len(head) + size + 2 for head, _, size in self._parts) + len(self._end)
        return {
            "Content-Type": f"multipart/form-data; boundary={self._boundary}",
            "Content-Length": str(length),
        }

    async def body(self) -> AsyncIterator[bytes]:
        """Raises OSError when a file has become shorter."""
        for head, content, size in self._parts:
            yield head
            if isinstance(content, Path):
                async for piece in _read(content, size):
                    yield piece
            else:
                yield content
            yield b"\r\n"
        yield self._end

    def _head(self, part: Part) -> bytes:
        lines = [f"--{self._boundary}", f"Content-Disposition: form-data; name={_quoted(part.name)}"]
        if isinstance(part.content, Path):
            lines[1] += f"; filename={_quoted(part.content.name)}"
        if part.type:
            lines.append(f"Content-Type: {part.type}")
        return "\r\n".join([*lines, "", ""]).encode()


async def _read(path: Path, size: int) -> AsyncIterator[bytes]:
    file: BinaryIO = await asyncio.to_thread(path.open, "rb")
    try:
        while size:
            piece = await asyncio.to_thread(file.read, min(PIECE, size))
            if not piece:
                raise OSError(f"{path.name} has become shorter while it was sent")
            size -= len(piece)
            yield piece
    finally:
        file.close()


def _quoted(name: str) -> str:
    """As browsers do (HTML, "multipart form data"): `"`, CR and LF percent-encoded."""
    return '"' + name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A") + '"'
