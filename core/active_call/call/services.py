"""What a call takes from the process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from active_call.guard.paths import PathPolicy
from active_call.media.clock import MediaClock
from active_call.protocol.events import Event
from active_call.providers.pool import ProviderPool

from .directory import Directory
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
    observers: list[Callable[[str, Event], None]] = field(default_factory=list)
    """Called with the call's type and each event of every call: they count, and must not fail or wait."""
