"""Makes calls and runs them; at shutdown it lets them end."""

import asyncio
import logging
from itertools import islice
from typing import Any

from active_call.plugin.leg import Wire
from active_call.protocol.reasons import HangupReason, Initiator

from .call import Call, Services
from .directory import CallHandle, Directory

log = logging.getLogger(__name__)

TICKS = 200
"""Of the media clock, in a second."""


class TooManyCalls(Exception):
    """The cap on calls is reached; try again later."""


class Manager:
    def __init__(self, services: Services, *, limit: int = 1000, lag_limit_ms: float = 50.0) -> None:
        """`limit` is the hard cap; no call is taken either while the media clock is `lag_limit_ms` late."""
        self.services = services
        self.limit = limit
        self.lag_limit_ms = lag_limit_ms
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False

    @property
    def directory(self) -> Directory:
        return self.services.directory

    def create(
        self,
        call_id: str,
        call_type: str,
        *,
        wire: Wire | None = None,
        server_track: str | None = None,
        dumps: bool = True,
    ) -> CallHandle:
        """A running call without a leg yet. Raises `IdTaken` or `TooManyCalls`."""
        if self._draining:
            raise TooManyCalls("the server is shutting down")
        if len(self.directory) >= self.limit:
            raise TooManyCalls(f"{self.limit} calls are running")
        late_ms = self.lag_ms()
        if late_ms > self.lag_limit_ms:
            raise TooManyCalls(f"this server is overloaded: its media clock is {late_ms:.0f} ms late")
        extra: dict[str, Any] = {"server_track": server_track} if server_track else {}
        call = Call(call_id, call_type, self.services, wire=wire, dumps=dumps, **extra)
        self.directory.add(call)
        task = asyncio.create_task(call.run(self.directory.take_staged(call_id)), name=f"call {call_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return call

    def lag_ms(self) -> float:
        """The media clock's lateness: the median of its last second; 0 when nobody needs it."""
        clock = self.services.clock
        recent = sorted(islice(reversed(clock.late_ms), TICKS)) if clock.channels else []
        return recent[len(recent) // 2] if recent else 0.0

    async def shut_down(self, deadline_s: float = 5.0) -> None:
        """End every call, take no new ones; what is not down by the deadline is cancelled."""
        self._draining = True
        for call in self.directory.all():
            call.end(HangupReason.BY_SYSTEM, Initiator.SYSTEM)
        tasks = set(self._tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=deadline_s)
            for task in late:
                log.warning("%s did not end in time", task.get_name())
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
