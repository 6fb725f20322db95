"""Playbooks as they are on disk now: a changed file counts for the next call, an unchanged one is not read again."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .load import load_file
from .model import Playbook
from .problems import PlaybookError

log = logging.getLogger(__name__)

Stamp = tuple[int, int, int]
Load = Callable[[Path], Playbook]


@dataclass(frozen=True, slots=True)
class _Entry:
    stamp: Stamp | None
    playbook: Playbook | None
    error: PlaybookError | None


class Library:
    """A small cache, by time of change, size and inode. A file that is broken by an edit leaves the line up.

    Until it is mended, calls get the last version that could be read, and the log says so, once per edit.
    """

    def __init__(self, environ: Mapping[str, str], *, load: Load | None = None) -> None:
        """`load` reads a file; the operator's playbooks (`load_file`) if it is not given."""
        self._load = load or (lambda path: load_file(path, environ=environ))
        self._entries: dict[Path, _Entry] = {}

    def get(self, path: str | Path) -> Playbook:
        """The playbook for a new call. Raises `PlaybookError` when there never was a version that could be read."""
        entry = self._current(Path(path).absolute())
        if entry.playbook is None:
            assert entry.error is not None
            raise entry.error
        return entry.playbook

    def error(self, path: str | Path) -> PlaybookError | None:
        """What is wrong with the file as it is now, though an older version may still answer."""
        return self._current(Path(path).absolute()).error

    def _current(self, path: Path) -> _Entry:
        before = self._entries.get(path)
        stamp = _stamp(path)
        if before is not None and before.stamp == stamp and stamp is not None:
            return before
        try:
            entry = _Entry(stamp, self._load(path), None)
        except PlaybookError as error:
            # A file that was taken away is meant to be gone.
            last = before.playbook if before is not None and stamp is not None else None
            if last is not None:
                log.error("the last readable version of %s goes on answering: %s", path.name, error)
            entry = _Entry(stamp, last, error)
        self._entries[path] = entry
        return entry


def _stamp(path: Path) -> Stamp | None:
    """None: the file cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
