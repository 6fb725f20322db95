"""What a call takes from the process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from active_call.guard.outbound import OutboundPolicy
from active_call.guard.paths import PathPolicy
from active_call.media.clock import MediaClock
from active_call.protocol.events import Event
from active_call.protocol.options import AmbianceOption
from active_call.providers.files import AudioFiles
from active_call.providers.pool import ProviderPool
from active_call.store.fetch import MediaCache

from .directory import Directory
from .keeping import Archive
from .reporter import Times
from .spoken import KeptSpeech


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
    outbound: OutboundPolicy = field(default_factory=OutboundPolicy)
    """Judges every address that a client, a caller or a model names."""
    media_cache: MediaCache | None = None
    """Files fetched by URL; None: URLs cannot be played."""
    speech: KeptSpeech | None = None
    """Speech kept for the next time; None: it is made anew each time."""
    ambiance: AmbianceOption | None = None
    """Background sound of every call, over which a call or a playbook lays its own."""
    reattach_grace_s: float = 0.0
    """How long a call outlives its controller's socket."""
    observers: list[Callable[[str, Event], None]] = field(default_factory=list)
    """Called with the call's type and each event of every call: they count, and must not fail or wait."""

    @cached_property
    def audio_files(self) -> AudioFiles:
        """Decoded once for all calls."""
        return AudioFiles(self.pool)
