"""The process: registry, model store, providers, clock and calls, put together once for `serve` and `talk`."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from active_call.call.call import Services
from active_call.call.directory import Directory
from active_call.call.keeping import Archive
from active_call.call.manager import Manager
from active_call.call.spoken import KeptSpeech
from active_call.guard.outbound import OutboundPolicy
from active_call.guard.paths import PathPolicy
from active_call.media.clock import MediaClock
from active_call.playbook.model import PlaybookConfig
from active_call.plugin.discovery import discover
from active_call.plugin.errors import PluginError, ProviderError
from active_call.plugin.registry import Kind, Registry
from active_call.protocol import warm_up
from active_call.protocol.options import AmbianceOption
from active_call.providers.choice import best, lacks
from active_call.providers.host import CoreHost
from active_call.providers.pool import ProviderPool
from active_call.providers.trust import current_trust
from active_call.store.cache import AudioCache
from active_call.store.fetch import MAX_BYTES, MediaCache
from active_call.store.models import ModelStore, default_root

EMBEDDED = (Kind.VAD, Kind.TURN, Kind.ASR, Kind.TTS)


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Where files may be."""

    playbooks: Sequence[Path]
    media: Sequence[Path]
    allow: Sequence[Path] = ()


@dataclass(frozen=True, kw_only=True)
class Cache:
    """Where speech and fetched files are kept for the next time."""

    directory: Path
    max_bytes: int
    lasts: bool = True
    """Longer than the process."""


@contextlib.asynccontextmanager
async def _given(cache: Cache | None) -> AsyncIterator[Cache]:
    """That cache, or one that is gone afterwards."""
    if cache is not None:
        yield cache
        return
    with TemporaryDirectory(prefix="active-call-") as directory:
        yield Cache(directory=Path(directory), max_bytes=MAX_BYTES, lasts=False)


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
        outbound: Callable[[], OutboundPolicy] = lambda: OutboundPolicy(loopback=True),
        cache: Cache | None = None,
        ambiance: AmbianceOption | None = None,
        keep: Callable[[ProviderPool], AbstractAsyncContextManager[Archive]] | None = None,
    ) -> None:
        """`keep` opens what calls leave behind is put into; None: they leave nothing.

        Without a `cache` speech is not kept, and what is fetched only as long as the process runs.
        """
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self.registry = registry or discover()
        self.store = ModelStore(models_dir or default_root(self.environ), self.registry.models)
        self._paths = paths
        self._threads = inference_threads
        self._calls = calls
        self._loop_lag_ms = loop_lag_ms
        self._reattach_grace_s = reattach_grace_s
        self._plugin_settings = plugin_settings
        self._outbound = outbound
        self._cache = cache
        self._ambiance = ambiance
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
        policy = self._outbound()
        host = CoreHost(
            self.store, environ=self.environ, threads=self._threads, http=lambda: policy.client(current_trust)
        )
        async with (
            contextlib.aclosing(policy),
            contextlib.aclosing(host),
            MediaClock() as clock,
            ProviderPool(self.registry, host, self._plugin_settings) as pool,
            self._keep(pool) if self._keep is not None else contextlib.nullcontext() as kept,
            _given(self._cache) as cache,
        ):
            services = Services(
                pool=pool,
                clock=clock,
                directory=Directory(),
                playbooks=PathPolicy(self._paths.playbooks, self._paths.allow),
                media=PathPolicy(self._paths.media, self._paths.allow),
                environ=self.environ,
                outbound=policy,
                media_cache=MediaCache(cache.directory, policy, max_bytes=cache.max_bytes),
                speech=KeptSpeech(AudioCache(cache.directory, max_bytes=cache.max_bytes), pool)
                if cache.lasts
                else None,
                ambiance=self._ambiance,
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
