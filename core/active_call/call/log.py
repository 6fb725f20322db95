"""The ordered log of a call: events, and the commands it was given, in one numbering; each reader at its own pace."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from heapq import merge
from itertools import takewhile
from typing import Generic, TypeVar

from active_call.protocol.commands import Command, Tts
from active_call.protocol.events import Event

KEPT = 1000
"""A reader that falls further behind has lost entries and is told so; events and commands are counted apart."""

T = TypeVar("T")
Entry = Event | Command


class Lagged(Exception):
    """The reader asked for entries that are no longer kept."""

    def __init__(self, first: int, last: int) -> None:
        super().__init__(f"entries {first} to {last} are no longer all kept")
        self.lost = last
        """Number of the newest entry that is gone: what may be read begins after it."""


class EventLog:
    """Audio never enters it."""

    def __init__(self, kept: int = KEPT) -> None:
        self.last = 0
        """Sequence number of the newest entry; the first has 1."""
        self.closed = False
        self._events: _Ring[Event] = _Ring(kept)
        self._commands: _Ring[Command] = _Ring(kept)
        self._news = asyncio.Event()

    def append(self, event: Event) -> int:
        """Raises RuntimeError once the log is closed: nothing follows the last event."""
        if self.closed:
            raise RuntimeError("the call has ended; no event follows its hangup")
        return self._add(self._events, event)

    def command(self, command: Command) -> None:
        """A command that was taken, before it is carried out; one that comes too late leaves no trace."""
        if not self.closed:
            self._add(self._commands, _without_audio(command))

    def _add(self, ring: "_Ring[T]", item: T) -> int:
        self.last += 1
        ring.append(self.last, item)
        self._wake()
        return self.last

    def number_of(self, received: int) -> int:
        """The sequence number of the `received`-th event, for a reader that only counts what it got."""
        return self._events.number_of(received)

    def close(self) -> None:
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def read(self, after: int = 0) -> AsyncIterator[tuple[int, Event]]:
        """Events after that sequence number, until the log is closed. Raises `Lagged`."""
        return self._follow(self._events.newer, after)

    def timeline(self, after: int = 0) -> AsyncIterator[tuple[int, Entry]]:
        """Events and commands after that sequence number, in order, until the log is closed. Raises `Lagged`."""
        return self._follow(self._both, after)

    def _both(self, after: int) -> list[tuple[int, Entry]]:
        return list(merge(self._events.newer(after), self._commands.newer(after), key=lambda entry: entry[0]))

    async def _follow(self, newer: Callable[[int], list[tuple[int, T]]], after: int) -> AsyncIterator[tuple[int, T]]:
        while True:
            fresh = newer(after)
            for after, item in fresh:  # where the reader stands is the point
                yield after, item
            if fresh:
                continue
            if self.closed:
                return
            await self._news.wait()


class _Ring(Generic[T]):
    """The newest items with their numbers."""

    def __init__(self, kept: int) -> None:
        self._items: deque[tuple[int, T]] = deque(maxlen=kept)
        self._lost = 0
        """Number of the newest item that was dropped."""
        self._total = 0

    def append(self, number: int, item: T) -> None:
        if len(self._items) == self._items.maxlen:
            self._lost = self._items[0][0]
        self._items.append((number, item))
        self._total += 1

    def number_of(self, count: int) -> int:
        """The number of the `count`-th item since the beginning; before the kept ones that of the newest lost."""
        index = count - 1 - (self._total - len(self._items))
        if index < 0 or not self._items:
            return self._lost if count > 0 else 0
        return self._items[min(index, len(self._items) - 1)][0]

    def newer(self, after: int) -> list[tuple[int, T]]:
        if after < self._lost:
            raise Lagged(after + 1, self._lost)
        return list(takewhile(lambda entry: entry[0] > after, reversed(self._items)))[::-1]


def _without_audio(command: Command) -> Command:
    if isinstance(command, Tts) and command.base64:
        return command.model_copy(update={"text": f"({len(command.text)} characters of audio)"})
    return command
