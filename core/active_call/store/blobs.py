"""Files known by their SHA-256: hashing, putting one in place, and remembering which were already hashed."""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from active_call.plugin.models import ModelFile

MARKS = ".verified.json"


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def size_of(path: Path) -> int:
    """Bytes; 0 when there is no such file."""
    return path.stat().st_size if path.is_file() else 0


def intact(path: Path, file: ModelFile) -> bool:
    """Whether `path` holds exactly the bytes of `file`; reads them all."""
    return path.is_file() and path.stat().st_size == file.size and sha256_of(path) == file.sha256


def settle(fresh: Path, blob: Path) -> None:
    """Make a finished download durable, then visible, in that order: a power cut leaves no half blob."""
    with fresh.open("rb") as stream:
        os.fsync(stream.fileno())
    fresh.replace(blob)


def place(blob: Path, target: Path) -> None:
    """Make `target` the same file as `blob`, atomically.

    A hard link first: onnxruntime refuses external data behind a symbolic link that leads out of the model's folder.
    Then a relative symbolic link, then a copy, for file systems that have no such links.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    try:
        try:
            os.link(blob, fresh)
        except OSError:
            try:
                fresh.symlink_to(os.path.relpath(blob.resolve(), target.parent.resolve()))
            except OSError:
                shutil.copyfile(blob, fresh)
        fresh.replace(target)
    finally:
        # rename(2) does nothing when both names are already the same file.
        fresh.unlink(missing_ok=True)


def ours(target: Path) -> bool:
    """Whether `target` was put there by `place` (a link), and not by the user."""
    return target.is_symlink() or (target.is_file() and target.stat().st_nlink > 1)


class Marks:
    """Remembers size and modification time of files that had the right hash, so that `files()` need not read them.

    Kept in memory and, where the directory can be written, in `.verified.json` beside the model's files.
    """

    def __init__(self) -> None:
        self._seen: dict[Path, list[Any]] = {}

    def good(self, path: Path, folder: Path, file: ModelFile) -> bool:
        """Whether `path` (inside the model's `folder`) is `file`; hashes it only if it changed since last time."""
        try:
            mark = _mark(path, file)
        except OSError:
            return False
        if mark[0] != file.size:
            return False
        if self._seen.get(path) == mark:
            return True
        if _read(folder).get(file.name) != mark:
            if not intact(path, file):
                return False
            self._write(folder, file.name, mark)
        self._seen[path] = mark
        return True

    def forget(self, path: Path, folder: Path, file: ModelFile) -> None:
        self._seen.pop(path, None)
        if file.name in _read(folder):
            self._write(folder, file.name, None)

    def _write(self, folder: Path, name: str, mark: list[Any] | None) -> None:
        marks = _read(folder)
        if mark is None:
            marks.pop(name, None)
        else:
            marks[name] = mark
        fresh = folder / f"{MARKS}.{os.getpid()}"
        try:
            fresh.write_text(json.dumps(marks, indent=1))
            fresh.replace(folder / MARKS)
        except OSError:
            # A read-only models directory (a mounted volume) is fine: the hash is computed once per process.
            return


def _mark(path: Path, file: ModelFile) -> list[Any]:
    info = path.stat()
    return [info.st_size, info.st_mtime_ns, file.sha256]


def _read(folder: Path) -> dict[str, Any]:
    try:
        marks = json.loads((folder / MARKS).read_text())
    except (OSError, ValueError):
        return {}
    return marks if isinstance(marks, dict) else {}
