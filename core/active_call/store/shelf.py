"""A directory of files that may be made again, with a limit: what was not used for longest goes first.

Several processes may share one. The time of use is the file's modification time.
"""

import os
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

KEEP_S = 60.0
"""Whatever was used this recently stays: somebody may be about to open it."""
ORPHAN_S = 3600.0
"""An unfinished file this old was left by a process that died."""
ROOM = 0.9
"""Down to this part of the limit, so that not every write has to make room."""
RESCAN = 0.1
"""After so much of the limit was written the directory is counted again: other processes write too."""


@dataclass
class _Group:
    """The files of one entry: same name up to the suffix."""

    size: int = 0
    used_at: float = 0.0
    paths: list[Path] = field(default_factory=list)


class Shelf:
    """Blocking and safe between threads: use it in one, off the event loop."""

    def __init__(self, directory: Path, max_bytes: int) -> None:
        if max_bytes <= 0:
            raise ValueError(f"a cache of {max_bytes} bytes holds nothing; give a limit above 0")
        self.directory = directory
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._estimate: int | None = None
        self._since_count = 0

    def path(self, name: str) -> Path:
        return self.directory / name

    def used(self, name: str) -> None:
        """It counts as new again."""
        with suppress(OSError):  # gone meanwhile, or a directory that cannot be written
            os.utime(self.path(name))

    def fresh(self) -> IO[bytes]:
        """A file for writing beside the others and invisible to readers, until `place` gives it a name."""
        self.directory.mkdir(parents=True, exist_ok=True)
        return NamedTemporaryFile(dir=self.directory, prefix=".", suffix=".part", delete=False)

    def place(self, part: Path, name: str) -> Path:
        """Put a finished file in its place, at once for every reader, and make room for it."""
        size = part.stat().st_size
        # NamedTemporaryFile makes files that nobody else can read; a cache may be shared between users.
        part.chmod(0o644)
        part.replace(self.path(name))
        with self._lock:
            self._since_count += size
            if self._estimate is not None:
                self._estimate += size
            if self._estimate is None or self._since_count > RESCAN * self.max_bytes or self._full:
                self._make_room()
        return self.path(name)

    @property
    def _full(self) -> bool:
        return self._estimate is not None and self._estimate > self.max_bytes

    def _make_room(self) -> None:
        groups = sorted(self._groups(), key=lambda group: group.used_at)
        total = sum(group.size for group in groups)
        target = ROOM * self.max_bytes if total > self.max_bytes else total
        for group in groups:
            if total <= target or group.used_at > time.time() - KEEP_S:
                break
            for path in group.paths:
                path.unlink(missing_ok=True)
            total -= group.size
        self._estimate, self._since_count = total, 0

    def _groups(self) -> list[_Group]:
        groups: dict[str, _Group] = defaultdict(_Group)
        for entry in os.scandir(self.directory):
            with suppress(FileNotFoundError):  # another process removed it
                if not entry.is_file(follow_symlinks=False):
                    continue
                info = entry.stat(follow_symlinks=False)
                if entry.name.startswith("."):
                    if entry.name.endswith(".part") and info.st_mtime < time.time() - ORPHAN_S:
                        os.unlink(entry.path)
                    continue
                group = groups[Path(entry.name).stem]
                group.size += info.st_size
                group.used_at = max(group.used_at, info.st_mtime)
                group.paths.append(Path(entry.path))
        return list(groups.values())
