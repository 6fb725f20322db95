"""What the core lends to providers: a bounded pool for blocking work, one HTTP client, the model store, a logger."""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import httpx

from active_call.plugin.host import Models
from active_call.plugin.registry import Offer

T = TypeVar("T")
LIMITS = httpx.Limits(max_connections=500, max_keepalive_connections=50)


class CoreHost:
    """Owned by the process; `for_offer` gives a plugin its own view."""

    def __init__(
        self,
        models: Models,
        *,
        environ: Mapping[str, str] | None = None,
        threads: int | None = None,
        http: Callable[[], httpx.AsyncClient] = lambda: httpx.AsyncClient(limits=LIMITS),
    ) -> None:
        """`http` makes the shared client; a server gives one that the outbound policy sits inside."""
        self.models = models
        self.threads = threads or max(2, os.cpu_count() or 2)
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self.log = logging.getLogger("active_call.host")
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="inference")
        self._make_http = http
        self._http: httpx.AsyncClient | None = None

    @property
    def http(self) -> httpx.AsyncClient:
        if self._http is None:
            self._http = self._make_http()
        return self._http

    async def run(self, function: Callable[..., T], /, *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)

    def for_offer(self, offer: Offer) -> "PluginHost":
        return PluginHost(self, offer)

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.aclose()
        self._pool.shutdown(wait=False, cancel_futures=True)


class PluginHost:
    """One plugin's view: its own logger, and only the environment that its traits name."""

    def __init__(self, core: CoreHost, offer: Offer) -> None:
        self._core = core
        self.models = core.models
        self.log = logging.getLogger(f"active_call.plugins.{offer.kind}.{offer.name}")
        names = {*offer.traits.needs, *offer.traits.reads}
        self.environ: Mapping[str, str] = {name: core.environ[name] for name in names if name in core.environ}

    @property
    def http(self) -> httpx.AsyncClient:
        return self._core.http

    async def run(self, function: Callable[..., T], /, *args: object) -> T:
        return await self._core.run(function, *args)
