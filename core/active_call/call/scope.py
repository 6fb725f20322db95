"""The live scope of a call: its tasks. A failing one becomes a report, never the end of its siblings."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Scope:
    def __init__(self, name: str, on_failure: Callable[[str, Exception], None]) -> None:
        """`on_failure(task_name, error)` is called for every task that raises."""
        self._name = name
        self._on_failure = on_failure
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"{self._name}: {name}")
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._done(name, done))
        if self._closed:
            task.cancel()
        return task

    def _done(self, name: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, Exception):
            log.error("%s: %s failed", self._name, name, exc_info=error)
            self._on_failure(name, error)
        elif error is not None:
            raise error

    async def close(self, deadline_s: float = 2.0) -> None:
        """Cancel what is left and wait for it; what does not stop in time is named in the log."""
        self._closed = True
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=deadline_s)
            for task in late:
                log.warning("%s did not stop in time", task.get_name())
