"""The process: registry, model store, providers, clock and calls, put together once for `serve` and `talk`."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from active_call.call.call import Services
from active_call.call.directory import Directory
from active_call.call.keeping import Archive
from active_call.call.manager import Manager
from active_call.guard.paths import PathPolicy
from active_call.media.clock import MediaClock
from active_call.playbook.model import PlaybookConfig
from active_call.plugin.discovery import discover
from active_call.plugin.errors import PluginError, ProviderError
from active_call.plugin.registry import Kind, Registry
from active_call.protocol import warm_up
from active_call.providers.choice import best, lacks
from active_call.providers.host import CoreHost
from active_call.providers.pool import ProviderPool
from active_call.store.models import ModelStore, default_root

EMBEDDED = (Kind.VAD, Kind.TURN, Kind.ASR, Kind.TTS)


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Where files may be."""

    playbooks: Sequence[Path]
    media: Sequence[Path]
    allow: Sequence[Path] = ()


class Runtime:
    """Everything a process needs to hold calls. Enter it inside the event loop."""

    def __init__(
        self,
        paths: Paths,
        *,
        registry: Registry | None = None,
        models_dir: Path | None = None,
        environ: Mapping[str, str] | None = None,
        inference_threads: int | None = None,
        calls: int = 1000,
        loop_lag_ms: float = 50.0,
        reattach_grace_s: float = 0.0,
        plugin_settings: Callable[[str], Mapping[str, Any]] = lambda plugin: {},
        keep: Callable[[ProviderPool], AbstractAsyncContextManager[Archive]] | None = None,
    ) -> None:
        """`keep` opens what calls leave behind is put into; None: they leave nothing."""
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self.registry = registry or discover()
        self.store = ModelStore(models_dir or default_root(self.environ), self.registry.models)
        self._paths = paths
        self._threads = inference_threads
        self._calls = calls
        self._loop_lag_ms = loop_lag_ms
        self._reattach_grace_s = reattach_grace_s
        self._plugin_settings = plugin_settings
        self._keep = keep

    def missing_models(self) -> list[str]:
        """Models of the engines that a playbook without names would use, and that are not here yet."""
        names: list[str] = []
        for kind in EMBEDDED:
            offer = best(self.registry, kind, self.store, self.environ)
            if offer is not None:
                names += lacks(offer, self.store, self.environ).models
        return names

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Manager]:
        """The clock ticks and providers can be opened; everything is closed at the end."""
        warm_up()
        PlaybookConfig.model_rebuild()
        host = CoreHost(self.store, environ=self.environ, threads=self._threads)
        async with (
            contextlib.aclosing(host),
            MediaClock() as clock,
            ProviderPool(self.registry, host, self._plugin_settings) as pool,
            self._keep(pool) if self._keep is not None else contextlib.nullcontext() as kept,
        ):
            services = Services(
                pool=pool,
                clock=clock,
                directory=Directory(),
                playbooks=PathPolicy(self._paths.playbooks, self._paths.allow),
                media=PathPolicy(self._paths.media, self._paths.allow),
                environ=self.environ,
                archive=kept,
                reattach_grace_s=self._reattach_grace_s,
            )
            manager = Manager(services, limit=self._calls, lag_limit_ms=self._loop_lag_ms)
            try:
                yield manager
            finally:
                await manager.shut_down()

    async def preload(self, pool: ProviderPool) -> list[str]:
        """Open the default engines in parallel, so that the first call does not wait; a line for each that failed."""
        offers = [offer for kind in EMBEDDED if (offer := best(self.registry, kind, self.store, self.environ))]
        settings = {Kind.VAD: {"rate_hz": 16000}}
        opened = await asyncio.gather(
            *(pool.open(offer.kind, offer.name, settings.get(offer.kind)) for offer in offers), return_exceptions=True
        )
        failed = []
        for offer, result in zip(offers, opened, strict=True):
            if isinstance(result, ProviderError | PluginError):
                failed.append(f"{offer.kind} {offer.name} is not available: {result}")
            elif isinstance(result, BaseException):
                raise result
        return failed
