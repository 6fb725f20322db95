"""Who may use the API: bearer tokens (RFC 6750), networks without one, and the Origin check before both.

Pure: the server hands in what it knows of a request and answers with what comes out.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from .addresses import Network
from .origins import Origins, rebound

Mode = Literal["auto", "on", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approach:
    """A request or a WebSocket handshake. Header names are lower case."""

    client: str | None
    """The peer's address; None: unknown, such as a Unix socket's."""
    headers: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    websocket: bool = False


@dataclass(frozen=True, slots=True)
class Admitted:
    """`principal` is who it is, for limits and logs: `token:1a2b3c4d`, `client:10.0.0.7`. It reveals no token."""

    principal: str


@dataclass(frozen=True, slots=True)
class Denied:
    """An HTTP answer; `text` is for the client."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


class TokenStore:
    """Knows tokens by their SHA-256, compared in constant time, each of them whether or not one has matched."""

    def __init__(self, tokens: Iterable[str] = ()) -> None:
        self._digests = tuple({_digest(token): None for token in tokens if token})

    def __bool__(self) -> bool:
        return bool(self._digests)

    def principal(self, token: str) -> str | None:
        """Who the holder of that token is; None: nobody."""
        shown, found = _digest(token), None
        for digest in self._digests:
            if hmac.compare_digest(digest, shown):
                found = f"token:{digest.hex()[:8]}"
        return found


class Authenticator:
    """Made from the settings: `auth.*`, and whether the server is bound to loopback."""

    def __init__(
        self,
        tokens: Iterable[str] = (),
        *,
        mode: Mode = "auto",
        loopback: bool,
        networks: Iterable[str] = (),
        origins: Iterable[str] = (),
    ) -> None:
        self._tokens = TokenStore(tokens)
        self._networks: tuple[Network, ...] = tuple(ipaddress.ip_network(network) for network in networks)
        self._origins = Origins(origins)
        self._mode = mode
        self.required = mode == "on" or (mode == "auto" and not loopback)
        """Whether a client that is in none of the networks must show a token."""

    def admit(self, approach: Approach) -> Admitted | Denied:
        """Ask before anything else is done for a request, pages and health checks excepted."""
        problem = self._origins.problem(approach.headers)
        if problem is not None:
            return Denied(403, problem)
        shown = list(_shown(approach))
        for token in shown:
            if (principal := self._tokens.principal(token)) is not None:
                return Admitted(principal)
        if self.required and not self._in_network(approach.client):
            return _unauthorised(approach, wrong=bool(shown))
        host = approach.headers.get("host", "")
        if self._mode != "off" and rebound(host, self._origins.hosts):
            return Denied(
                403,
                "without a token this server is used by its address; show a token, or let the operator add "
                f"'http://{host[:100]}' to the setting `auth.origins`",
            )
        return Admitted(f"client:{approach.client or 'local'}")

    def _in_network(self, client: str | None) -> bool:
        try:
            address = ipaddress.ip_address(client or "")
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            # How a server bound to `::` sees its IPv4 clients.
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _shown(approach: Approach) -> Iterable[str]:
    scheme, _, value = approach.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        yield value.strip()
    if key := approach.headers.get("x-api-key", "").strip():
        yield key
    # A browser cannot give a WebSocket headers. Elsewhere a token in a URL only ends up in logs.
    if approach.websocket and (token := approach.query.get("token", "")):
        yield token


def _unauthorised(approach: Approach, *, wrong: bool) -> Denied:
    ways = "Authorization: Bearer, or X-API-Key" + (", or ?token=" if approach.websocket else "")
    text = "that token is not known" if wrong else f"a token is needed: {ways}"
    challenge = 'Bearer realm="active-call"' + (', error="invalid_token"' if wrong else "")
    return Denied(401, text, {"WWW-Authenticate": challenge})
