"""Keeps numpy's matrix products on the calling thread.

OpenBLAS hands even a 1 x 256 by 256 x 512 product to its pool. For products this small that gains nothing, and the
pool's threads then spin on the cores that calls need.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

_lock = Lock()
_users = 0
_limit: Any = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """While at least one such context is open, the process's BLAS uses one thread.

    The setting belongs to the whole process (BLAS has no other), so it is made once for the life of a detector and not
    around each call. Contexts may overlap in any order; the last one to close restores what was set before the first.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _users, _limit
    with _lock:
        if _users == 0:
            _limit = ThreadpoolController().limit(limits=1, user_api="blas")
        _users += 1


def _leave() -> None:
    global _users, _limit
    with _lock:
        _users -= 1
        if _users == 0:
            _limit.restore_original_limits()
            _limit = None
