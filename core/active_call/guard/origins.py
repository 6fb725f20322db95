"""Which web pages may use the API: the Origin check (RFC 6454), and the guard against DNS rebinding of this server.

Pure functions over headers with lower-case names. What is no browser sends none of these headers and passes.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from .addresses import literal
from .allowlist import plain_host

_PORTS = {"http": 80, "https": 443}
_FOREIGN = frozenset({"cross-site", "same-site"})
"""`Sec-Fetch-Site` (W3C Fetch Metadata) of a request that another site's page began. `none` is somebody who typed."""


class Origins:
    """The server's own pages, and those of the origins that the operator named (`https://app.example`)."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = frozenset(_configured(origin) for origin in allowed)
        self.hosts = frozenset(host for _, host, _ in self._allowed)

    def problem(self, headers: Mapping[str, str]) -> str | None:
        """Why a request may not go on, for its sender; None: it may."""
        origin = headers.get("origin")
        if origin is None:
            if headers.get("sec-fetch-site", "").lower() in _FOREIGN:
                return "a page of another site made this request"
            # Browsers leave Fetch Metadata out over plain HTTP, and Origin out of simple GETs.
            origin = headers.get("referer") if "sec-fetch-site" not in headers else None
            if origin is None:
                return None
        page = _parsed(origin)
        if page is None:
            return "pages without an origin (files, sandboxes) may not use this API"
        if page in self._allowed or _same(page, headers.get("host", "")):
            return None
        scheme, host, port = page
        shown = f"{scheme}://{host}" + ("" if port == _PORTS[scheme] else f":{port}")
        return f"pages of {shown} may not use this API; the operator can add it to the setting `auth.origins`"


def rebound(host_header: str, known: Iterable[str] = ()) -> bool:
    """Whether `Host` could be a name that an attacker's name server pointed at this machine.

    Then the attacker's page and this server are "the same origin" to the browser. Addresses, names without a dot and
    `localhost` cannot be had from a public name server.
    """
    host = _host_of(host_header)
    return not (literal(host) is not None or "." not in host or host.endswith(".localhost") or host in frozenset(known))


def _host_of(header: str) -> str:
    try:
        return plain_host(urlsplit(f"//{header.strip()}").hostname or "")
    except ValueError:
        return "an.unreadable.name"


def _parsed(origin: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(origin.strip())
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, plain_host(parts.hostname), port or _PORTS[parts.scheme]


def _same(page: tuple[str, str, int], host_header: str) -> bool:
    # Behind a proxy that ends TLS we do not know our own scheme, so a `Host` without a port has the page's default.
    scheme, host, port = page
    own = _parsed(f"{scheme}://{host_header}") if host_header else None
    return own is not None and own[1:] == (host, port)


def _configured(origin: str) -> tuple[str, str, int]:
    parsed = _parsed(origin)
    if parsed is None or urlsplit(origin.strip()).path not in ("", "/"):
        raise ValueError(f"{origin!r} is no origin; write it as 'https://app.example' or 'http://localhost:3000'")
    return parsed
