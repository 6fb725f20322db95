"""The one monotonic clock that all turn timing is read from."""

import time
from typing import Protocol


class Clock(Protocol):
    """Milliseconds that only grow. The zero point means nothing; only differences do."""

    def now_ms(self) -> int: ...


class MonotonicClock:
    """The clock of a running call."""

    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000


class FakeClock:
    """A clock that stands still until it is told to move; for tests and simulations."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def advance(self, ms: int) -> int:
        """Move forward by `ms` and return the new time. Raises ValueError for a negative step."""
        if ms < 0:
            raise ValueError(f"a monotonic clock cannot go back: advance({ms})")
        self._now_ms += ms
        return self._now_ms
