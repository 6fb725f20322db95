"""An httpx transport that connects only to addresses the policy has checked, which is what defeats DNS rebinding.

The checked address stands in the URL that is connected to; `Host` and the name in the TLS handshake (RFC 6066
section 3), and with it the certificate that must match, stay those of the URL that was asked for.
"""

import ssl
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx

from .targets import OutboundFailed, Target, Trust

Check = Callable[[str, Trust], Awaitable[Target]]
HOSTS = 64
"""Hosts whose connections are kept open. One pool each: httpcore would share a pool's TLS connection to an address
between two names, of which it has verified only the first."""
RECHECK_S = 30.0
"""A name is looked up again after this long; until then its checked addresses are used, so a busy host costs no DNS."""
TRUSTED_LIMITS = httpx.Limits(max_connections=500, max_keepalive_connections=50)
"""For all targets of the operator together: every call has a stream to the same language model."""
ATTEMPTS = 3
"""Addresses tried per request."""
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=10, keepalive_expiry=20.0)


@dataclass(slots=True)
class _Pool:
    transport: httpx.AsyncHTTPTransport
    addresses: tuple[str, ...] = ()
    checked_at: float = 0.0
    busy: int = 0


class PolicyTransport(httpx.AsyncBaseTransport):
    """For any `httpx.AsyncClient(transport=...)`; each redirect that the client follows is checked again.

    `trust` is a callable where one client serves several: it is asked for each request. Trusted requests honour the
    environment's proxies; others never use one, since a proxy would look the name up for itself. Untrusted answers
    are asked for, and accepted, only uncompressed. Raises `OutboundRefused`, and httpx's own errors.
    """

    def __init__(
        self, check: Check, trust: Trust | Callable[[], Trust], *, verify: ssl.SSLContext | None = None
    ) -> None:
        self._check = check
        self._trust = trust
        self._verify = verify
        self._pools: OrderedDict[tuple[str, str, int], _Pool] = OrderedDict()
        self._trusted: dict[str | None, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        trust = self._trust if isinstance(self._trust, Trust) else self._trust()
        if trust.trusted:
            return await self._through(_proxy(request.url)).handle_async_request(request)
        pool = await self._checked(request, trust)
        pool.busy += 1
        try:
            await self._close_idle()
            response = await _connected(pool, request)
            encoding = response.headers.get("content-encoding", "identity").strip().lower()
            if encoding not in ("", "identity"):
                await response.aclose()
                raise httpx.RemoteProtocolError(f"answered in {encoding!r} although only plain bytes were asked for")
        except BaseException:
            pool.busy -= 1
            raise
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_Watched(response, pool),
            extensions=response.extensions,
        )

    async def _checked(self, request: httpx.Request, trust: Trust) -> _Pool:
        url = request.url
        key = (url.scheme, url.host, url.port or 0)
        pool = self._pools.get(key)
        if pool is None or time.monotonic() - pool.checked_at > RECHECK_S or url.userinfo:
            try:
                target = await self._check(str(url), trust)
            except OutboundFailed as error:
                raise httpx.ConnectError(str(error)) from error
            # Somebody may have asked for the same host meanwhile.
            pool = self._pools.setdefault(key, self._pools.get(key) or self._pool())
            pool.addresses, pool.checked_at = target.addresses, time.monotonic()
        self._pools.move_to_end(key)
        return pool

    def _pool(self) -> _Pool:
        return _Pool(httpx.AsyncHTTPTransport(verify=self._tls(), limits=LIMITS, trust_env=False))

    def _tls(self) -> ssl.SSLContext:
        # One for all: reading the certificates takes 10 ms and more.
        self._verify = self._verify or httpx.create_ssl_context()
        return self._verify

    async def _close_idle(self) -> None:
        surplus = len(self._pools) - HOSTS
        if surplus > 0:
            *older, _ = self._pools
            for key in [key for key in older if not self._pools[key].busy][:surplus]:
                await self._pools.pop(key).transport.aclose()

    def _through(self, proxy: str | None) -> httpx.AsyncHTTPTransport:
        if proxy not in self._trusted:
            self._trusted[proxy] = httpx.AsyncHTTPTransport(verify=self._tls(), limits=TRUSTED_LIMITS, proxy=proxy)
        return self._trusted[proxy]

    async def aclose(self) -> None:
        transports = [*self._trusted.values(), *(pool.transport for pool in self._pools.values())]
        self._trusted.clear()
        self._pools.clear()
        for transport in transports:
            await transport.aclose()


def _proxy(url: httpx.URL) -> str | None:
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(url.host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


async def _connected(pool: _Pool, request: httpx.Request) -> httpx.Response:
    """The answer of the first address that accepts a connection."""
    addresses = pool.addresses[:ATTEMPTS]
    for address in addresses[:-1]:
        try:
            return await pool.transport.handle_async_request(_pinned(request, address))
        except (httpx.ConnectError, httpx.ConnectTimeout):
            continue  # nothing was sent yet: the next address gets the whole request
    return await pool.transport.handle_async_request(_pinned(request, addresses[-1]))


def _pinned(request: httpx.Request, address: str) -> httpx.Request:
    headers = request.headers.copy()
    headers["accept-encoding"] = "identity"
    extensions: dict[str, Any] = {**request.extensions, "sni_hostname": request.url.raw_host.decode("ascii")}
    url = request.url.copy_with(host=address)
    return httpx.Request(request.method, url, headers=headers, stream=request.stream, extensions=extensions)


class _Watched(httpx.AsyncByteStream):
    """Frees the pool once the answer was read or dropped."""

    def __init__(self, response: httpx.Response, pool: _Pool) -> None:
        self._response, self._pool = response, pool
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._response.stream, httpx.AsyncByteStream)
        async for chunk in self._response.stream:
            yield chunk

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._pool.busy -= 1
        await self._response.aclose()
