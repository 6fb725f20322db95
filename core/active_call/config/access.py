"""Settings of who may do what: tokens, outbound targets, files, and how much of everything."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from .values import FilePath, Listed, Names, Network, OneOrMore, Secret, Section, Target


def _auth(value: Any) -> Any:
    """`auth = "off"`, or its tokens alone."""
    if isinstance(value, str):
        return {"mode": value}
    return {"tokens": value} if isinstance(value, list | tuple) else value


class AuthTable(Section):
    """Who may use the HTTP and WebSocket API."""

    mode: Literal["auto", "on", "off"] = "auto"
    """`auto`: a token is needed unless the server is bound to loopback or the client is in one of `networks`."""
    tokens: Annotated[tuple[Secret, ...], Listed] = ()
    """Any of these opens the API: `Authorization: Bearer ...`, or `?token=` for a WebSocket."""
    networks: Annotated[tuple[Network, ...], Listed] = ()
    """Clients from here need no token."""
    origins: Names = ()
    """Pages of other origins that may use the API in a browser, e.g. `https://app.example`."""


Auth = Annotated[
    AuthTable, BeforeValidator(_auth, json_schema_input_type=AuthTable | Literal["auto", "on", "off"] | list[str])
]


class Outbound(Section):
    """Where a client, a caller or a model may make the server connect to; what the operator wrote is always allowed."""

    allow: Annotated[tuple[Target, ...], Listed] = ()
    """Hosts and networks that are allowed although they are private: `pbx.lan`, `pbx.lan:5060`, `10.1.0.0/16`."""
    allow_sip: Names = ()
    """SIP targets that a caller or a model may name though no playbook does: `sip:*@pbx.example.com`, or `*`."""


class Paths(Section):
    """Which files may be played and written."""

    media: Annotated[tuple[FilePath, ...], Field(min_length=1), OneOrMore] = (
        Path("config/media"),
        Path("config/sounds"),
    )
    """Directories in which relative names are looked up, in this order."""
    allow: Annotated[tuple[FilePath, ...], OneOrMore] = ()
    """Directories in which absolute names, and links, may lead."""


class Limits(Section):
    calls: int = Field(1000, ge=1)
    """Calls at a time; the next one is refused with 503."""
    loop_lag_ms: float = Field(50.0, gt=0)
    """While the media clock is later than this (median of a second), new calls are refused with 503."""
    message_bytes: int = Field(1 << 20, ge=1024)
    """Longest message of a WebSocket, and body of a request."""
    media_cache_bytes: int = Field(2 << 30, ge=1 << 20)
    """Of `media_cache_path`; what was not used for longest goes first."""
    requests_per_s: float | None = Field(100.0, gt=0)
    """Requests and WebSockets that one token may begin; the next one is refused with 429. None: any number."""
