"""Providers of this process: each is opened once, on first use or at start, and shared by all calls."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from active_call.plugin.errors import ErrorKind, ProviderError
from active_call.plugin.registry import Kind, Offer, Registry

from .errors import classify
from .host import CoreHost
from .trust import Trust, act_for

log = logging.getLogger(__name__)

CLOSE_S = 5.0


class ProviderPool:
    """`open` is safe to call from many calls at once; a failed opening is not remembered."""

    def __init__(
        self, registry: Registry, host: CoreHost, settings: Callable[[str], Mapping[str, Any]] = lambda plugin: {}
    ) -> None:
        """`settings(plugin)` gives what the operator set for a plugin, by its entry-point name."""
        self.registry = registry
        self.host = host
        self._settings = settings
        self._opened: dict[tuple[Kind, str, str], asyncio.Task[None]] = {}
        self._ready: dict[tuple[Kind, str, str], asyncio.Future[Any]] = {}
        self._stop = asyncio.Event()

    async def open(self, kind: Kind, name: str, settings: Mapping[str, Any] | None = None) -> Any:
        """The provider. Raises `UnknownPlugin` or `ProviderError` (a missing model names the command that gets it)."""
        offer = self.registry.find(kind, name)
        told = {**self._settings(offer.plugin), **(settings or {})}
        key = (kind, name, json.dumps(told, sort_keys=True, default=str))
        ready = self._ready.get(key)
        if ready is None:
            ready = self._ready[key] = asyncio.get_running_loop().create_future()
            keeper = self._keep(offer, told, ready, key)
            self._opened[key] = asyncio.create_task(keeper, name=f"{kind} {name}")
        # A caller that goes away must not cancel the opening for the others.
        return await asyncio.shield(ready)

    async def _keep(
        self, offer: Offer, settings: dict[str, Any], ready: asyncio.Future[Any], key: tuple[Kind, str, str]
    ) -> None:
        """Enters and leaves the provider's context in one task, as anyio-style contexts require."""
        # Whoever's call opens it first: what it reaches by itself stands in the operator's settings.
        act_for(Trust.OPERATOR)
        began = time.monotonic()
        try:
            host = self.host.for_offer(offer)
            factory = await self.host.run(offer.load)
            async with factory(host, settings) as provider:
                log.info("%s %s ready in %.0f ms", offer.kind, offer.name, (time.monotonic() - began) * 1000)
                ready.set_result(provider)
                await self._stop.wait()
        except Exception as error:
            failure = classify(error)
            if ready.done():
                log.warning("%s %s did not close cleanly: %s", offer.kind, offer.name, failure)
                return
            self._fail(key, ready, ProviderError(failure.kind, f"{offer.kind} {offer.name}: {failure}"))
        finally:
            if not ready.done():  # cancelled while it opened: nobody may wait for it for ever
                closing = ProviderError(ErrorKind.UNREACHABLE, f"{offer.kind} {offer.name}: the server is closing")
                self._fail(key, ready, closing)

    def _fail(self, key: tuple[Kind, str, str], ready: asyncio.Future[Any], error: ProviderError) -> None:
        self._ready.pop(key, None)
        self._opened.pop(key, None)
        ready.set_exception(error)
        ready.exception()  # retrieved: nobody may be waiting any more

    async def aclose(self) -> None:
        """Close every provider; all at once, and no longer than `CLOSE_S`."""
        self._stop.set()
        tasks = list(self._opened.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSE_S)
            for task in late:
                log.warning("%s did not close in time", task.get_name())
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._opened.clear()
        self._ready.clear()

    async def __aenter__(self) -> "ProviderPool":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
