"""Doing something again whenever files change; the disk is asked twice a second, which works on every file system."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

EVERY_S = 0.5


def watch(
    files: Callable[[], Iterable[Path]],
    work: Callable[[], object],
    *,
    sleep: Callable[[float], None] = time.sleep,
    on: Callable[[], bool] = lambda: True,
) -> None:
    """`work` now and after every change, until interrupted. `files` is asked each time, so new ones count."""
    before: dict[Path, tuple[int, int]] | None = None
    while on():
        now = stamps(files())
        if now != before:
            before = now
            work()
        sleep(EVERY_S)


def stamps(files: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """Time of change and size of those that are there."""
    found = {}
    for file in files:
        try:
            status = file.stat()
        except OSError:
            continue
        found[file] = (status.st_mtime_ns, status.st_size)
    return found
