"""What the HTTP side takes from the settings, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from active_call.guard.tokens import Mode

if TYPE_CHECKING:
    from active_call.config.settings import Settings


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """The defaults are those of a server on loopback that has no files."""

    auth: Mode = "auto"
    loopback: bool = True
    """Whether only this machine can connect."""
    tokens: tuple[str, ...] = field(default=(), repr=False)
    networks: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    requests_per_s: float | None = None
    """Of one token; None: any number."""
    message_bytes: int = 1 << 20
    """Longest body of a request."""
    playbooks: Path | None = None
    """The directory behind `/api/playbooks`."""
    records: Path | None = None
    """The directory of dump files."""
    pages: Path | None = None
    """The directory behind `/` and `/static`."""
    ice_servers: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    """Ready for a browser: `urls`, `username`, `credential`, `credential_type`; none: a public STUN server."""
    peers: tuple[str, ...] = ()
    """Other nodes: `host:port`, or a URL with ws, wss, http or https."""

    @property
    def peer_token(self) -> str | None:
        """What we show to other nodes for a client that needed no token here: a cluster shares its tokens."""
        return self.tokens[0] if self.tokens else None


def options_from(settings: "Settings", *, pages: Path | None = None) -> ServerOptions:
    return ServerOptions(
        auth=settings.auth.mode,
        loopback=settings.on_loopback,
        tokens=tuple(token.get_secret_value() for token in settings.auth.tokens),
        networks=settings.auth.networks,
        origins=settings.auth.origins,
        requests_per_s=settings.limits.requests_per_s,
        message_bytes=settings.limits.message_bytes,
        playbooks=settings.playbooks,
        records=settings.recording.path,
        pages=pages,
        ice_servers=tuple(
            {
                "urls": list(server.urls),
                "username": server.username,
                "credential": server.credential.get_secret_value() if server.credential else None,
                "credential_type": server.credential_type,
            }
            for server in settings.ice_servers
        ),
        peers=settings.peers,
    )
