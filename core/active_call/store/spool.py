"""The outbox on disk: one file per entry, written so that a crash leaves all of it or nothing.

    <root>/pending/<name>.json          the entry, never changed; its flock(2) is the right to deliver it
    <root>/pending/<name>.json.tried    attempts so far, replaced as a whole; losing it costs nothing but patience
    <root>/failed/<name>.json           given up, with `.tried` beside it: move both back to try again
    <root>/new/                         entries that are being written

A name is made of kind and key, so that the same thing cannot be there twice.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TRIED = ".tried"
_FORGOTTEN_S = 3600
"""What lies so long in `new/` belongs to a writer that is dead."""


class BadEntry(ValueError):
    """A file is not an entry; it cannot be delivered, now or later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something to be delivered."""

    name: str
    """Of the file."""
    kind: str
    key: str
    """The same for the same thing, at every attempt."""
    payload: Mapping[str, Any]
    files: tuple[Path, ...] = ()
    """Files that go with it; they stay where they are, and may be gone."""
    created: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What became of an entry so far."""

    attempts: int = 0
    due: float = 0.0
    """Unix seconds of the next attempt."""
    error: str = ""
    """Of the last attempt."""


class Spool:
    """All methods block on the disk. Any number of processes may share a directory of one machine."""

    def __init__(self, root: Path) -> None:
        self._new, self._pending, self._failed = root / "new", root / "pending", root / "failed"
        for directory in (self._new, self._pending, self._failed):
            # 0700: a posthook's headers may hold a token.
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sync(root)
        _sync(root.parent)
        self._sweep()

    def add(self, kind: str, key: str, payload: Mapping[str, Any], files: Sequence[Path] = ()) -> str:
        """The entry's name; once this returns, it survives a crash and a power cut.

        A pending entry of the same kind and key stays as it is. Raises OSError, and TypeError or ValueError for what is
        not JSON.
        """
        name = entry_name(kind, key)
        handle, new = self._write_new(kind, key, payload, files)
        os.close(handle)
        self._publish(new, name)
        return name

    def hold(self, kind: str, key: str, payload: Mapping[str, Any], files: Sequence[Path] = ()) -> "Claim | None":
        """As `add`, and claimed from the first moment: it is delivered when the claim is closed, or this process dies.

        None: such an entry is pending already.
        """
        name = entry_name(kind, key)
        handle, new = self._write_new(kind, key, payload, files)
        _locked(handle)
        if self._publish(new, name):
            return Claim(self._pending / name, self._failed, self._new, handle)
        os.close(handle)
        return None

    def replace(self, kind: str, key: str, payload: Mapping[str, Any], files: Sequence[Path] = ()) -> str:
        """As `add`, but in the place of the pending entry, whoever holds that."""
        name = entry_name(kind, key)
        handle, new = self._write_new(kind, key, payload, files)
        os.close(handle)
        os.replace(new, self._pending / name)
        _sync(self._pending)
        return name

    def _write_new(self, kind: str, key: str, payload: Mapping[str, Any], files: Sequence[Path]) -> tuple[int, Path]:
        body = {
            "kind": kind,
            "key": key,
            "created": time.time(),
            "files": [str(Path(file).absolute()) for file in files],
            "payload": payload,
        }
        new = self._new / f"{uuid.uuid4().hex}.json"
        return _write(new, json.dumps(body, ensure_ascii=False, allow_nan=False)), new

    def _publish(self, new: Path, name: str) -> bool:
        """False: the name is taken."""
        try:
            os.link(new, self._pending / name)
        except FileExistsError:
            return False
        finally:
            new.unlink(missing_ok=True)
            _sync(self._pending)
        return True

    def pending(self) -> Iterator[tuple[str, Tried]]:
        """Names of what is to be delivered, and what became of it so far."""
        for path in self._pending.glob("*.json"):
            yield path.name, tried(path)

    def claim(self, name: str) -> "Claim | None":
        """The exclusive right to deliver an entry, until it is closed; None: somebody else has it, or it is done.

        The kernel frees it when the process dies.
        """
        path = self._pending / name
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        if _locked(handle) and _is(path, handle):
            return Claim(path, self._failed, self._new, handle)
        os.close(handle)
        return None

    def _sweep(self) -> None:
        for path in self._new.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _FORGOTTEN_S:
                    path.unlink()


class Claim:
    """Held while an entry is being delivered. Made by `Spool.claim`."""

    def __init__(self, path: Path, failed: Path, new: Path, handle: int) -> None:
        self.tried = tried(path)
        self._path, self._failed, self._new = path, failed, new
        self._handle = handle

    def read(self) -> Entry:
        """Raises `BadEntry`, OSError."""
        size = os.fstat(self._handle).st_size
        try:
            raw = json.loads(os.pread(self._handle, size, 0))
            return Entry(
                name=self._path.name,
                kind=str(raw["kind"]),
                key=str(raw["key"]),
                payload=dict(raw["payload"]),
                files=tuple(Path(file) for file in raw["files"]),
                created=float(raw["created"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BadEntry(f"not an entry: {type(error).__name__}: {error}") from None

    def delivered(self) -> None:
        self._path.unlink(missing_ok=True)
        _beside(self._path).unlink(missing_ok=True)
        _sync(self._path.parent)

    def postpone(self, tried: Tried) -> None:
        new = self._new / f"{uuid.uuid4().hex}{_TRIED}"
        handle = _write(new, json.dumps({"attempts": tried.attempts, "due": tried.due, "error": tried.error}))
        os.close(handle)
        os.replace(new, _beside(self._path))

    def park(self, tried: Tried) -> Path:
        """Give up. The entry is kept; where."""
        self.postpone(tried)
        target = self._failed / self._path.name
        os.replace(_beside(self._path), _beside(target))
        os.replace(self._path, target)
        _sync(self._failed)
        _sync(self._path.parent)
        return target

    def close(self) -> None:
        os.close(self._handle)


def tried(path: Path) -> Tried:
    """What became of the entry at `path` so far."""
    try:
        raw = json.loads(_beside(path).read_bytes())
        return Tried(attempts=int(raw["attempts"]), due=float(raw["due"]), error=str(raw["error"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Tried()


def _beside(path: Path) -> Path:
    return path.with_name(path.name + _TRIED)


def _is(path: Path, handle: int) -> bool:
    """The file that was opened still has its name: it was not delivered between the opening and the lock."""
    try:
        return path.stat().st_ino == os.fstat(handle).st_ino
    except FileNotFoundError:
        return False


def entry_name(kind: str, key: str) -> str:
    """`<kind>-<what can be read of the key>-<hash>.json`. Raises ValueError for a kind that is not a small word."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", kind):
        raise ValueError(f"{kind!r} is no kind of entry: use small letters, digits and _")
    digest = hashlib.sha256(f"{kind}\0{key}".encode()).hexdigest()[:24]
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", f"{kind}-{key}")[:80]
    return f"{readable}-{digest}.json"


def _write(path: Path, text: str) -> int:
    """An open handle of the new file, whose content is on disk."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(handle, "w", encoding="utf-8", closefd=False) as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
    except OSError:
        os.close(handle)
        path.unlink(missing_ok=True)
        raise
    return handle


def _sync(directory: Path) -> None:
    """A new name is durable only when its directory is."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def kind_of(name: str) -> str:
    return name.partition("-")[0]


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
