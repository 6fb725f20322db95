"""Opens what a call needs of its providers and keeps it open, each in a task of its own.

One that hangs keeps nobody waiting, and a session's context is left in the task that entered it, as contexts with
cancel scopes inside require.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from active_call.plugin.errors import ErrorKind, ProviderError
from active_call.plugin.registry import Kind
from active_call.providers.errors import classify
from active_call.providers.pool import ProviderPool
from active_call.providers.trust import Trust, act_for

from .reports import Reports

log = logging.getLogger(__name__)

OPEN_S = 30.0
"""So long may loading a model and connecting to a vendor take."""

MakeSession = Callable[[Any], AbstractAsyncContextManager[Any]]


class Sessions:
    """One per call; what it keeps is closed when the call's tasks are cancelled."""

    def __init__(self, pool: ProviderPool, reports: Reports) -> None:
        self._pool = pool
        self._reports = reports

    def keep(
        self,
        sender: str,
        kind: Kind,
        name: str,
        *,
        ready: Callable[[Any], None],
        failed: Callable[[], None] = lambda: None,
        session: MakeSession = contextlib.nullcontext,
        settings: Mapping[str, Any] | None = None,
        trust: Trust = Trust.OPERATOR,
    ) -> None:
        """Call `ready` with the session (without `session`: the provider); on failure report it and call `failed`.

        `trust`: who wrote the addresses in the session's options.
        """
        self._reports.spawn(f"{kind} {name}", self._keep(sender, kind, name, ready, failed, session, settings, trust))

    async def _keep(
        self,
        sender: str,
        kind: Kind,
        name: str,
        ready: Callable[[Any], None],
        failed: Callable[[], None],
        session: MakeSession,
        settings: Mapping[str, Any] | None,
        trust: Trust,
    ) -> None:
        act_for(trust)
        handed_over = False
        timer = asyncio.timeout(OPEN_S)
        try:
            async with timer:
                provider = await self._pool.open(kind, name, settings)
                async with session(provider) as opened:
                    timer.reschedule(None)
                    ready(opened)
                    handed_over = True
                    await asyncio.Event().wait()
        except Exception as error:  # a provider can raise anything; the call goes on with what works
            problem = classify(error)
            if handed_over:
                log.warning("%s %s did not close cleanly: %s", kind, name, problem)
                return
            if timer.expired():
                problem = ProviderError(ErrorKind.TIMEOUT, f"{kind} {name} was not ready within {OPEN_S:.0f} s")
            self._reports.error(sender, str(problem), 500)
            failed()
