"""The commands that wait for one call: any burst is kept and carried out in order, a little at a time."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from active_call.protocol.commands import Command

BURST = 10_000
"""So many commands may wait; more are read only when half of these are done."""
SLICE_S = 0.002
"""After working for so long the event loop gets its turn: a burst must not hold up the media clock."""


class Inbox:
    def __init__(self, carry_out: Callable[[Command], None], *, on_full: Callable[[], None]) -> None:
        """`carry_out` does one command and does not raise; `on_full` is called when reading should stop."""
        self._carry_out = carry_out
        self._on_full = on_full
        self._waiting: deque[Command] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False

    def put(self, command: Command) -> None:
        if self._closed:
            return
        self._waiting.append(command)
        self._news.set()
        if len(self._waiting) >= BURST and self._room.is_set():
            self._room.clear()
            self._on_full()

    async def room(self) -> None:
        """Returns when more may be put; at once unless very many wait."""
        await self._room.wait()

    async def run(self) -> None:
        """Carry out what comes, until cancelled."""
        while True:
            began = time.perf_counter()
            while self._waiting:
                self._carry_out(self._waiting.popleft())
                if len(self._waiting) <= BURST // 2:
                    self._room.set()
                if time.perf_counter() - began > SLICE_S:
                    await asyncio.sleep(0)
                    began = time.perf_counter()
            self._news.clear()
            await self._news.wait()

    def close(self) -> None:
        """What still waits is not done any more, and nobody has to wait."""
        self._closed = True
        self._waiting.clear()
        self._room.set()
