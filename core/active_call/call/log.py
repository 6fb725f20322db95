"""The one ordered log of a call's events: numbered, read by any number of readers, each at its own pace."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from active_call.protocol.events import Event

KEPT = 1000
"""A reader that falls further behind has lost events and is told so."""


class Lagged(Exception):
    """The reader asked for events that are no longer kept."""


class EventLog:
    """Audio never enters it."""

    def __init__(self, kept: int = KEPT) -> None:
        self.last = 0
        """Sequence number of the newest event; the first has 1."""
        self.closed = False
        self._events: deque[Event] = deque(maxlen=kept)
        self._news = asyncio.Event()

    def append(self, event: Event) -> int:
        """Raises RuntimeError once the log is closed: nothing follows the last event."""
        if self.closed:
            raise RuntimeError("the call has ended; no event follows its hangup")
        self.last += 1
        self._events.append(event)
        self._wake()
        return self.last

    def close(self) -> None:
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def read(self, after: int = 0) -> AsyncIterator[tuple[int, Event]]:
        """Events after that sequence number, until the log is closed. Raises `Lagged`."""
        while True:
            while after < self.last:
                oldest = self.last - len(self._events) + 1
                if after + 1 < oldest:
                    raise Lagged(f"events {after + 1} to {oldest - 1} are no longer kept")
                after += 1
                yield after, self._events[after - oldest]
            if self.closed:
                return
            await self._news.wait()
