"""An event loop whose time jumps: a call of a minute is over in a moment, and every timer is exact."""

import asyncio
import functools
import inspect
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
STUCK_S = 5.0
"""Real seconds after which a test in which nothing can happen any more is given up."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time stands still while anything can run and jumps to the next timer when nothing can.

    Threads are not waited for: what runs in them must not be part of the test.
    """

    def __init__(self) -> None:
        self._now = 1000.0
        super().__init__(_Jump(self._advance))

    def time(self) -> float:
        return self._now

    def now_ms(self) -> int:
        """For `MediaClock` and other clocks of the code under test."""
        return round(self._now * 1000)

    def _advance(self, seconds: float) -> None:
        self._now += seconds


class _Jump(selectors.DefaultSelector):
    def __init__(self, advance: Callable[[float], None]) -> None:
        super().__init__()
        self._advance = advance

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            ready = super().select(STUCK_S)
            if not ready:
                raise RuntimeError("everything waits for something that will not come")
            return ready
        ready = super().select(0)
        if not ready and timeout > 0:
            self._advance(timeout)
        return ready


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Decorates an `async def` test; `asyncio.sleep(60)` in it takes no time."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(test(*args, **kwargs))

    # It is a plain function, with the arguments (fixtures) of the test.
    del run.__wrapped__
    run.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    return run
