"""How many decodes run at once: a door in front of the host's pool, so that waiting decodes do not fill it."""

import asyncio
import contextlib
from collections.abc import Callable
from threading import Event
from typing import TypeVar

from active_call.plugin.host import Host

T = TypeVar("T")


class Lanes:
    """Decodes wait here, in the loop, in order. A lane is taken until its thread is really done, cancelled or not."""

    def __init__(self, host: Host, lanes: int) -> None:
        self._host = host
        self._free = asyncio.Semaphore(lanes)

    @property
    def busy(self) -> bool:
        return self._free.locked()

    async def run(self, work: Callable[[Event], T]) -> T:
        """`work(stop)` in a thread. When the caller is cancelled, `stop` is set and what `work` returns is dropped."""
        await self._free.acquire()
        lane = _Lane(self._free)
        stop = Event()

        def in_thread() -> T:
            lane.began = True
            try:
                return work(stop)
            finally:
                with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                    loop.call_soon_threadsafe(lane.leave)

        loop = asyncio.get_running_loop()
        try:
            return await self._host.run(in_thread)
        except BaseException:
            stop.set()
            if not lane.began:  # the pool never came to it
                lane.leave()
            raise


class _Lane:
    """One use of the door, given back once."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free = free
        self._left = False
        self.began = False

    def leave(self) -> None:
        if not self._left:
            self._left = True
            self._free.release()
