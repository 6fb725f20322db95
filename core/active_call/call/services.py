"""What a call takes from the process."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from active_call.guard.paths import PathPolicy
from active_call.media.clock import MediaClock
from active_call.plugin.values import Samples
from active_call.protocol.events import Event
from active_call.providers.pool import ProviderPool

from .directory import Directory
from .keeping import Archive
from .reporter import Times


@dataclass(frozen=True, kw_only=True)
class Services:
    pool: ProviderPool
    clock: MediaClock
    directory: Directory
    playbooks: PathPolicy
    media: PathPolicy
    environ: Mapping[str, str]
    times: Times = field(default_factory=Times)
    archive: Archive | None = None
    """Where recordings, dump files and records go; None: calls leave nothing."""
    reattach_grace_s: float = 0.0
    """How long a call outlives its controller's socket."""
    observers: list[Callable[[str, Event], None]] = field(default_factory=list)
    """Called with the call's type and each event of every call: they count, and must not fail or wait."""
    _loops: WeakValueDictionary[str, Samples] = field(default_factory=WeakValueDictionary)

    async def loop(self, name: str, read: Callable[[str], Awaitable[Samples]]) -> Samples:
        """Background sound (16 kHz), read once for all calls that have it at the same time."""
        samples = self._loops.get(name)
        if samples is None:
            samples = await read(name)
            self._loops[name] = samples
        return samples
