"""A lock between processes (and between tasks): `flock(2)` on a file that is never deleted."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

POLL_S = 0.1
"""A download lasts seconds to minutes, so nobody notices; unlike a blocking `flock`, the wait can be cancelled."""


@asynccontextmanager
async def locked(path: Path, *, waiting: Callable[[], None] | None = None) -> AsyncIterator[None]:
    """Hold the lock at `path`; the kernel frees it when the process dies, so a killed pull blocks nobody.

    `waiting` is called again and again while somebody else holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        while not _taken(handle):
            if waiting is not None:
                waiting()
            await asyncio.sleep(POLL_S)
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
