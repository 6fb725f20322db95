"""The durable outbox: what must reach somebody else (call records, posthooks) is on disk before it is sent.

An entry is delivered at least once. It is delivered twice only when the process dies between the other side's yes and
the deletion of the file; every attempt carries the same key, so the other side can tell.
"""

import asyncio
import contextlib
import heapq
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from active_call.plugin.errors import ProviderError

from .backoff import Backoff
from .spool import BadEntry, Claim, Entry, Spool, Tried, kind_of

log = logging.getLogger(__name__)

T = TypeVar("T")
Deliver = Callable[[Entry], Awaitable[None]]
"""Returns when the other side has confirmed; raises when not: `ProviderError` when it knows why, or anything else."""

RESCAN_S = 60.0
"""How soon entries are found that another process has left behind."""
DISK_THREADS = 4


@dataclass(eq=False)
class _Lane:
    """The entries of one kind: a dead receiver of one kind does not hold up the others."""

    deliver: Deliver
    slots: asyncio.Semaphore
    timeout_s: float
    due: list[tuple[float, str]] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    busy: set[asyncio.Task[float | None]] = field(default_factory=set)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, name: str, due: float) -> None:
        if name not in self.known:
            self.known.add(name)
            heapq.heappush(self.due, (due, name))
            self.news.set()

    async def next(self) -> str:
        """The name of the next entry, once it is due."""
        while True:
            self.news.clear()
            wait = self.due[0][0] - time.time() if self.due else None
            if wait is not None and wait <= 0:
                return heapq.heappop(self.due)[1]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self.news.wait()

    @property
    def active(self) -> bool:
        return bool(self.busy) or bool(self.due and self.due[0][0] <= time.time())


class Outbox:
    """One per process; processes may share a directory. Use: `register` each kind, then `async with outbox`."""

    def __init__(self, root: Path, *, backoff: Backoff | None = None) -> None:
        """Makes the directory. Raises OSError."""
        self._spool = Spool(root)
        self._backoff = backoff or Backoff()
        self._disk = ThreadPoolExecutor(DISK_THREADS, thread_name_prefix="outbox")
        self._lanes: dict[str, _Lane] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._moved = asyncio.Event()

    def register(self, kind: str, deliver: Deliver, *, concurrency: int = 8, timeout_s: float = 60.0) -> None:
        """`deliver` gets every entry of that kind, at most `concurrency` at once, each for `timeout_s` at most."""
        self._lanes[kind] = _Lane(deliver, asyncio.Semaphore(concurrency), timeout_s)

    async def put(self, kind: str, key: str, payload: Mapping[str, Any], files: Sequence[Path] = ()) -> None:
        """Durable when it returns; delivered later. The same kind and key again, while it is pending, changes nothing.

        Raises OSError when the disk refuses, and TypeError or ValueError for a payload that is not JSON.
        """
        name = await self._on_disk(self._spool.add, kind, key, payload, files)
        if kind in self._lanes:
            self._lanes[kind].offer(name, 0.0)

    async def hold(self, kind: str, key: str, payload: Mapping[str, Any], files: Sequence[Path] = ()) -> "Held":
        """As `put`, but it is not delivered before it is released, or this process dies: then as it is here."""
        claim = await self._on_disk(self._spool.hold, kind, key, payload, files)
        return Held(self, kind, key, claim)

    async def _replace(self, kind: str, key: str, payload: Mapping[str, Any], files: Sequence[Path]) -> None:
        name = await self._on_disk(self._spool.replace, kind, key, payload, files)
        if kind in self._lanes:
            self._lanes[kind].offer(name, 0.0)

    @property
    def waiting(self) -> int:
        """Entries that this process knows of and has not delivered."""
        return sum(len(lane.known) for lane in self._lanes.values())

    # ------------------------------------------------------------ life

    async def __aenter__(self) -> "Outbox":
        await self._scan()
        self._tasks = [asyncio.create_task(self._dispatch(lane), name=f"outbox {k}") for k, lane in self._lanes.items()]
        self._tasks.append(asyncio.create_task(self._rescan(), name="outbox scan"))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def drain(self, deadline_s: float) -> int:
        """Let what is due be delivered, for so long at most. How many entries stay on disk."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                while any(lane.active for lane in self._lanes.values()):
                    self._moved.clear()
                    await self._moved.wait()
        return self.waiting

    async def aclose(self) -> None:
        """Stop at once; what is not delivered stays on disk for the next start."""
        tasks: list[asyncio.Task[Any]] = [*self._tasks, *(task for lane in self._lanes.values() for task in lane.busy)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._disk.shutdown(wait=False)
        if self.waiting:
            log.info("outbox: %d entries wait on disk for the next start", self.waiting)

    # ------------------------------------------------------------ delivery

    async def _dispatch(self, lane: _Lane) -> None:
        while True:
            await lane.slots.acquire()
            name = await lane.next()
            task = asyncio.create_task(self._attempt(lane, name))
            lane.busy.add(task)
            task.add_done_callback(partial(self._attempted, lane, name))

    def _attempted(self, lane: _Lane, name: str, task: asyncio.Task[float | None]) -> None:
        lane.busy.discard(task)
        lane.slots.release()
        self._moved.set()
        if task.cancelled():
            return
        lane.known.discard(name)
        if (error := task.exception()) is not None:
            # The disk, not the receiver. The entry is found again by the next scan.
            log.error("outbox: %s: %s: %s", name, type(error).__name__, error)
        elif (due := task.result()) is not None:
            lane.offer(name, due)

    async def _attempt(self, lane: _Lane, name: str) -> float | None:
        """When to try again; None: never."""
        claim = await self._on_disk(self._spool.claim, name)
        if claim is None:
            return None
        try:
            if claim.tried.due > time.time():  # another process has tried it meanwhile
                return claim.tried.due
            return await self._deliver(lane, name, claim)
        finally:
            claim.close()

    async def _deliver(self, lane: _Lane, name: str, claim: Claim) -> float | None:
        try:
            entry = await self._on_disk(claim.read)
        except BadEntry as error:
            await self._park(name, claim, Tried(attempts=claim.tried.attempts, error=str(error)))
            return None
        try:
            async with asyncio.timeout(lane.timeout_s):
                await lane.deliver(entry)
        except Exception as error:
            return await self._failed(entry, claim, error)
        await self._on_disk(claim.delivered)
        log.debug("outbox: %s delivered", name)
        return None

    async def _failed(self, entry: Entry, claim: Claim, error: Exception) -> float | None:
        attempts = claim.tried.attempts + 1
        why = str(error) if isinstance(error, ProviderError) else f"{type(error).__name__}: {error}"
        wait = self._backoff.wait_s(attempts, asked_s=error.retry_after_s if isinstance(error, ProviderError) else None)
        tried = Tried(attempts=attempts, due=time.time() + wait, error=why)
        if self._backoff.hopeless(attempts, time.time() - entry.created):
            await self._park(entry.name, claim, tried)
            return None
        # A receiver that is down for a day must not fill the log.
        level = logging.WARNING if attempts == 1 or attempts % 10 == 0 else logging.DEBUG
        log.log(level, "outbox: %s: attempt %d failed (%s); again in %.0f s", entry.name, attempts, why, wait)
        await self._on_disk(claim.postpone, tried)
        return tried.due

    async def _park(self, name: str, claim: Claim, tried: Tried) -> None:
        path = await self._on_disk(claim.park, tried)
        log.error(
            "outbox: gave up on %s after %d attempts (%s); it is kept in %s: move it back to `pending` to try again",
            *(name, tried.attempts, tried.error, path.parent),
        )

    # ------------------------------------------------------------ the directory

    async def _rescan(self) -> None:
        while True:
            await asyncio.sleep(RESCAN_S)
            try:
                await self._scan()
            except OSError as error:
                log.error("outbox: cannot be read: %s", error)

    async def _scan(self) -> None:
        orphans: dict[str, int] = {}
        for name, tried in await self._on_disk(lambda: list(self._spool.pending())):
            kind = kind_of(name)
            if kind in self._lanes:
                self._lanes[kind].offer(name, tried.due)
            else:
                orphans[kind] = orphans.get(kind, 0) + 1
        for kind, count in orphans.items():
            log.warning("outbox: %d entries of kind %r wait; nothing here delivers that kind", count, kind)

    async def _on_disk(self, function: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, function, *arguments)


class Held:
    """An entry that is durable and not finished yet."""

    def __init__(self, outbox: Outbox, kind: str, key: str, claim: Claim | None) -> None:
        self._outbox, self._kind, self._key = outbox, kind, key
        self._claim = claim

    async def release(self, payload: Mapping[str, Any], files: Sequence[Path] = ()) -> None:
        """Now deliver it, with this in the place of what was held. Durable when it returns. Raises like `put`."""
        try:
            await self._outbox._replace(self._kind, self._key, payload, files)
        finally:
            if self._claim is not None:
                self._claim.close()
                self._claim = None
