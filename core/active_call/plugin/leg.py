"""A leg is how one party is connected; a transport makes legs. The core drives both only through these shapes.

A leg knows its protocol and nothing of agents. It may live in another process. Audio crosses at `rate_hz`
(8000 or 16000) as `int16[n]`; jitter and loss concealment happened before it reaches the core.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from .host import Host
from .traits import TransportTraits
from .values import Samples

# ---------------------------------------------------------------- what a leg reports


@dataclass(frozen=True, slots=True, kw_only=True)
class Ringing:
    early_media: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    sdp: str = ""


@dataclass(frozen=True, slots=True)
class MediaReady:
    """The first audio of the other side arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dtmf:
    digit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """The other side asks to be transferred (SIP REFER)."""

    to: str
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMessage:
    body: str
    content_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Always the last one, and exactly once. `code` is SIP-like: 200 normal, 487 cancelled, 503 worker lost."""

    code: int = 200
    cause: str = ""
    by_remote: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)


LegEvent = Ringing | Answered | MediaReady | Dtmf | Hold | Transfer | TextMessage | Ended


# ---------------------------------------------------------------- the leg


class Leg(Protocol):
    traits: TransportTraits
    rate_hz: int
    caller: str
    callee: str
    headers: Mapping[str, str]

    def attach(self, on_audio: Callable[[Samples], None]) -> None:
        """From now on received audio goes to `on_audio`, a plain call in the loop's thread that only appends."""
        ...

    def send(self, frame: Samples) -> None:
        """One frame of 20 ms at `rate_hz`; called by the media clock, returns at once."""
        ...

    @property
    def unsent_samples(self) -> int:
        """What was sent but is still inside the leg, at `rate_hz`."""
        ...

    def flush(self) -> int:
        """Take back what is still inside the leg; says how many samples."""
        ...

    def events(self) -> AsyncIterator[LegEvent]:
        """Ends after `Ended`."""
        ...

    async def ring(self, *, early_media: bool = False) -> None: ...
    async def answer(self) -> None: ...
    async def reject(self, code: int = 603, reason: str = "") -> None: ...
    async def hang_up(self, cause: str = "", headers: Mapping[str, str] | None = None) -> None:
        """Idempotent; always leads to exactly one `Ended`."""
        ...

    # The following raise `NotSupported`, before any I/O, where the traits say so.
    async def candidate(self, candidate: str, sdp_mid: str | None, sdp_mline_index: int | None) -> None: ...
    async def send_dtmf(self, digits: str) -> None: ...
    async def message(self, body: str, content_type: str, headers: Mapping[str, str]) -> None: ...
    async def refer(self, to: str, headers: Mapping[str, str]) -> None: ...


class Wire(Protocol):
    """The binary half of a controller's socket, lent to the leg of a `carried` transport."""

    def send(self, data: bytes) -> None:
        """Never waits; a reader that is too slow loses its connection, not the call."""
        ...

    @property
    def unsent_bytes(self) -> int: ...

    def attach(self, on_data: Callable[[bytes], None]) -> None: ...


@dataclass(frozen=True, kw_only=True)
class OpenRequest:
    """What is needed to open an outgoing (or browser's) leg: the `option` of the `invite` command."""

    session_id: str
    option: Mapping[str, Any] = field(default_factory=dict)
    """`CallOption` in the wire's camelCase."""
    wire: Wire | None = None


@dataclass(frozen=True, kw_only=True)
class Route:
    """An HTTP route that a transport wants mounted, e.g. WHIP. `endpoint` is a Starlette endpoint."""

    path: str
    methods: Sequence[str]
    endpoint: Callable[..., Awaitable[Any]]


class Transport(Protocol):
    async def open(self, request: OpenRequest) -> Leg:
        """A leg that is not answered yet. Raises `ValueError` with a text for the client when the option is wrong."""
        ...

    def listen(
        self, host: Host, config: Mapping[str, Any], on_leg: Callable[[Leg], None]
    ) -> AbstractAsyncContextManager[None]:
        """Serve incoming calls until the context ends. A transport without inbound calls yields at once."""
        ...

    def routes(self) -> Sequence[Route]: ...
