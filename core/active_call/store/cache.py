"""Synthesised speech kept for the next time: mono s16le (little endian everywhere) at 16 kHz, without a header."""

import hashlib
import json
import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from .shelf import Shelf

log = logging.getLogger(__name__)

RATE_HZ = 16000
SUFFIX = ".pcm"
MAX_BYTES = 1 << 30
"""About nine hours of speech."""
_DERIVED = re.compile(r"[0-9a-f]{64}(-[a-z0-9-]*)?")
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class BadCacheKey(ValueError):
    """A client's `cacheKey` is no safe name; the text may go to the client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """Everything that decides how a text sounds. What is missing here would be spoken in somebody else's voice."""

    provider: str
    text: str
    model: str | None = None
    voice: str | None = None
    language: str | None = None
    speed: float = 1.0
    volume: int | None = None
    emotion: str | None = None
    rate_hz: int = RATE_HZ
    """What the provider was asked for."""
    endpoint: str | None = None
    """Also because a client that names its own server must not decide what others hear."""
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """SHA-256 in hex, and the provider and voice for whoever looks into the directory. Without dots."""
        # JSON and not a joined text: ("a_b", "c") and ("a", "b_c") are different voices.
        content = json.dumps({**asdict(self), "speed": float(self.speed)}, sort_keys=True, ensure_ascii=True)
        readable = re.sub(r"[^a-z0-9]+", "-", f"{self.provider} {self.voice or ''}".lower()).strip("-")[:40]
        return f"{hashlib.sha256(content.encode('ascii')).hexdigest()}-{readable}"


def cache_key(spoken: Spoken, explicit: str | None = None) -> str:
    """The key under which `spoken` is kept: a client's own `cacheKey` if it gave one. Raises `BadCacheKey`.

    An explicit key that looks like a derived one must be that of this very text: else a client could decide what all
    other calls hear in its place.
    """
    if not explicit:
        return spoken.key
    if not _SAFE.fullmatch(explicit) or ".." in explicit:
        raise BadCacheKey("cacheKey: letters, digits, '.', '_' and '-' only, at most 128, no '..'")
    if _DERIVED.fullmatch(explicit.lower()) and explicit != spoken.key:
        raise BadCacheKey(
            "cacheKey: it is the key of another text or voice; leave it out, or choose a name of your own"
        )
    return explicit


class AudioCache:
    """Blocking and safe between threads: use it in one, off the event loop."""

    def __init__(self, directory: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._shelf = Shelf(directory, max_bytes)

    def size(self, key: str) -> int | None:
        """Bytes kept under `key`; None: nothing usable."""
        try:
            size = self._path(key).stat().st_size
        except FileNotFoundError:
            return None
        return size if size and size % 2 == 0 else None

    def get(self, key: str) -> bytes | None:
        """The samples; None: not there. Half a sample at the end means a damaged file, which is dropped."""
        path = self._path(key)
        try:
            pcm = path.read_bytes()
        except FileNotFoundError:
            return None
        if not pcm or len(pcm) % 2:
            path.unlink(missing_ok=True)
            return None
        self._shelf.used(path.name)
        return pcm

    def put(self, key: str, pcm: bytes) -> bool:
        """Keep whole samples; False: there were none, or more than the cache holds."""
        with self.writer(key) as writer:
            writer.write(pcm)
            return writer.commit()

    def writer(self, key: str) -> "CacheWriter":
        """For audio that comes in pieces: nothing is visible before `commit`, and nothing stays without it."""
        return CacheWriter(self._shelf, self._path(key).name)

    def _path(self, key: str) -> Path:
        if not _SAFE.fullmatch(key) or ".." in key:
            raise BadCacheKey("a key of the audio cache comes from `cache_key`")
        # Appended, never replaced: a key may have dots, and `1.2` is not `1.5`.
        return self._shelf.path(key + SUFFIX)


class CacheWriter:
    """One entry while it is made; use it in a `with`. A disk that fails costs the entry and not the call."""

    def __init__(self, shelf: Shelf, name: str) -> None:
        self._shelf, self._name = shelf, name
        self._bytes = 0
        self._file: IO[bytes] | None = None
        try:
            self._file = shelf.fresh()
        except OSError as error:
            self._give_up(error)

    def write(self, pcm: bytes) -> None:
        """Pieces may be of any length; only their sum has to be whole samples."""
        self._bytes += len(pcm)
        if self._file is not None and self._bytes <= self._shelf.max_bytes:
            try:
                self._file.write(pcm)
            except OSError as error:
                self._give_up(error)

    def commit(self) -> bool:
        """Make it visible. False, and nothing is kept: it is empty, has half a sample, exceeds the cache, disk full."""
        file = self._file
        if file is None or not self._bytes or self._bytes % 2 or self._bytes > self._shelf.max_bytes:
            return False
        try:
            file.close()
            self._shelf.place(Path(file.name), self._name)
        except OSError as error:
            self._give_up(error)
            return False
        return True

    def _give_up(self, error: OSError) -> None:
        log.warning("speech is not kept in %s: %s", self._shelf.directory, error.strerror or error)
        self._discard()

    def _discard(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # what is buffered may not fit either
                file.close()
            with suppress(OSError):  # committed, or the disk is gone
                Path(file.name).unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._discard()
