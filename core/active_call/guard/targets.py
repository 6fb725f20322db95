"""What an outgoing connection is judged by: who wrote its target, and what the target says."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import httpx

from .allowlist import plain_host

WEB = frozenset({"http", "https"})
WEB_SOCKET = frozenset({"ws", "wss"})
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_LONGEST = 8192
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
"""Parsers disagree about these, and a policy that reads a URL otherwise than the client that follows it is none."""

_HOST = re.compile(r"[a-z0-9_.-]+|\[?[0-9a-f:.]+\]?")


class Trust(StrEnum):
    """Who wrote a target. Trusted is the operator alone: settings, command line, environment, playbook files."""

    OPERATOR = "operator"
    CLIENT = "client"
    CALLER = "caller"
    MODEL = "model"

    @property
    def trusted(self) -> bool:
        return self is Trust.OPERATOR


class OutboundRefused(PermissionError, ValueError):
    """The policy says no. The text names the host but neither path nor query, so it may go to a client.

    As a `PermissionError` it is a fault of the request, which no provider retries.
    """

    def __init__(self, what: str, problem: str, remedy: str) -> None:
        self.what, self.problem, self.remedy = what, problem, remedy
        super().__init__(f"{what} refused: {problem}; {remedy}")


class OutboundFailed(ConnectionError):
    """The policy said yes, but no whole answer came: no such name, no connection, too slow or too large."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that passed. Connect to one of `addresses` (none for a trusted target: its name is looked up as usual)."""

    url: httpx.URL
    host: str
    port: int
    addresses: tuple[str, ...] = ()


def parse_url(url: str, trust: Trust, schemes: Collection[str] = WEB) -> Target:
    """The form of a URL, without looking anything up. Raises `OutboundRefused`."""
    text = url.strip()
    choice = " or ".join(f"{scheme}://" for scheme in sorted(schemes))
    if len(text) > _LONGEST or _UNSAFE.search(text):
        problem = f"it has blanks, backslashes or control characters, or more than {_LONGEST} characters"
        raise OutboundRefused("URL", problem, "percent-encode or shorten it")
    try:
        parsed = httpx.URL(text)
        port = parsed.port
    except (httpx.InvalidURL, ValueError, TypeError):
        raise OutboundRefused("URL", "it cannot be read", f"write it as {choice}host/path") from None
    if parsed.scheme not in schemes or not parsed.host:
        raise OutboundRefused("URL", f"only {choice} can be used here, with a host", f"write it as {choice}host/path")
    # As it goes over the wire: an international name in its ASCII form.
    host = plain_host(parsed.raw_host.decode("ascii"))
    if not _HOST.fullmatch(host):
        raise OutboundRefused("URL", "its host is no name or address", f"write it as {choice}host/path")
    port = _DEFAULT_PORTS[parsed.scheme] if port is None else port
    if not 0 < port < 65536:
        raise OutboundRefused(f"URL to {host}", f"{port} is not a port", "give one from 1 to 65535")
    if parsed.userinfo and not trust.trusted:
        raise OutboundRefused(f"URL to {host}", "it has a user name or password in it", "send them in a header instead")
    return Target(parsed, host.removeprefix("[").removesuffix("]"), port)
