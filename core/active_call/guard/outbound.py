"""The outbound policy: where a client, a caller or a model may make this server connect to, or whom they may call."""

import asyncio
import ipaddress
import os
import socket
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from .addresses import Address, literal, special_use
from .allowlist import AllowList
from .fetching import CONNECT_S, Answer, Ask, Fetched, opened
from .resolver import Resolver, SystemResolver, resolve
from .sip_targets import SipPatterns, SipTarget, parse_sip
from .targets import WEB, WEB_SOCKET, OutboundFailed, OutboundRefused, Target, Trust, parse_url
from .transport import PolicyTransport

__all__ = [
    "Answer",
    "Fetched",
    "OutboundFailed",
    "OutboundPolicy",
    "OutboundRefused",
    "SipTarget",
    "Target",
    "Trust",
]

SIP_PORTS = {"sip": 5060, "sips": 5061}
LOWEST_PORT = 1024
WEB_PORTS = frozenset({80, 443})
BAD_PORTS = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697}
)
"""Above 1023: where no browser sends HTTP either (WHATWG Fetch, section 2.9 "Port blocking")."""


class OutboundPolicy:
    """One for the process. `allow`: `outbound.allow`; `allow_sip`: whom callers and models may have called.

    `loopback`: the server itself can be reached from this machine alone, so its users may reach what else is on it.
    """

    def __init__(
        self,
        allow: Iterable[str] = (),
        *,
        allow_sip: Iterable[str] = (),
        loopback: bool = False,
        resolver: Resolver | None = None,
    ) -> None:
        self._allow = AllowList(allow)
        self._allow_sip = SipPatterns(allow_sip)
        self._loopback = loopback
        self._system = SystemResolver()
        self._resolver: Resolver = resolver or self._system
        self._transports: dict[bool, httpx.AsyncBaseTransport] = {}

    # ------------------------------------------------------------ judging

    async def check(self, url: str, trust: Trust, *, schemes: Collection[str] = WEB) -> Target:
        """A URL that may be used, with the addresses to connect to. Raises `OutboundRefused`, `OutboundFailed`."""
        target = parse_url(url, trust, schemes)
        if trust.trusted:
            return target
        addresses = await self._addresses(target.host, target.port)
        for address in addresses:
            self.check_address(address, target.port, trust, host=target.host)
            self._check_port(target.host, target.port, address)
        return replace(target, addresses=tuple(map(str, addresses)))

    def check_address(self, address: str | Address, port: int, trust: Trust, *, host: str = "") -> None:
        """An address by itself: for a SIP stack that found it by SRV or NAPTR for `host`. Raises `OutboundRefused`."""
        plain = ipaddress.ip_address(address)
        if trust.trusted or self._opened(host, plain, port):
            return
        what = special_use(plain)
        if what is None or (self._loopback and plain.is_loopback):
            return
        name = host or str(plain)
        problem = f"it is {what}" if literal(name) else f"it leads to {what}"
        raise OutboundRefused(
            f"connection to {name}", problem, f"the operator can add {name!r} to the setting `outbound.allow`"
        )

    def _opened(self, host: str, address: Address, port: int) -> bool:
        return self._allow.has_address(address, port) or (bool(host) and self._allow.has_name(host, port))

    def _check_port(self, host: str, port: int, address: Address) -> None:
        allowed = port in WEB_PORTS or (port >= LOWEST_PORT and port not in BAD_PORTS)
        if not allowed and not self._opened(host, address, port):
            raise OutboundRefused(
                f"connection to {host}",
                f"port {port} is not one of the web",
                f"the operator can add '{host}:{port}' to the setting `outbound.allow`",
            )

    async def check_sip(self, target: str, trust: Trust, *, written: Collection[str] = ()) -> SipTarget:
        """A `sip:`, `sips:` or `tel:` target that may be called. Raises `OutboundRefused`.

        `written`: targets that stand in the operator's own playbook or settings (`sip_targets_in`); they are trusted
        whoever chooses among them. Beyond them, a client may call any host that is not internal; a caller or a model
        only what `allow_sip` fits, for each call costs somebody money. When `addresses` is empty the transport has to
        pass what it finds to `check_address`.
        """
        parsed = parse_sip(target, trust)
        if trust.trusted or parsed.key in {parse_sip(known, Trust.OPERATOR).key for known in written}:
            return parsed
        addresses = await self._sip_addresses(parsed, trust)
        here = self._loopback and bool(addresses) and all(address.is_loopback for address in addresses)
        if trust is not Trust.CLIENT and not here and not self._allow_sip.fit(parsed):
            shown = parsed.host or "a telephone number"
            raise OutboundRefused(
                f"call to {shown}",
                f"a {trust.value} chose it, and it stands neither in the playbook nor in `outbound.allow_sip`",
                "the operator can write it in the playbook, or a pattern such as '*@pbx.example' in that setting",
            )
        return replace(parsed, addresses=tuple(map(str, addresses)))

    async def _sip_addresses(self, target: SipTarget, trust: Trust) -> tuple[Address, ...]:
        if not target.host:
            return ()
        port = target.port or SIP_PORTS[target.scheme]
        try:
            addresses = await self._addresses(target.host, port)
        except OutboundFailed:
            return ()  # a domain may have SRV records alone
        for address in addresses:
            self.check_address(address, port, trust, host=target.host)
        return addresses

    async def _addresses(self, host: str, port: int) -> tuple[Address, ...]:
        known = literal(host)
        return (known,) if known is not None else await resolve(self._resolver, host, port, CONNECT_S)

    # ------------------------------------------------------------ connecting

    def transport(self, trust: Trust | Callable[[], Trust]) -> PolicyTransport:
        """For an `httpx.AsyncClient` of your own; close it with that client."""
        return PolicyTransport(self.check, trust)

    def client(self, trust: Trust | Callable[[], Trust]) -> httpx.AsyncClient:
        """An HTTP client that goes through the policy, follows no redirects by itself and keeps no cookies."""
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        return httpx.AsyncClient(transport=self.transport(trust), cookies=no_cookies)

    async def connect(
        self, url: str, trust: Trust, *, schemes: Collection[str] = WEB_SOCKET, timeout_s: float = CONNECT_S
    ) -> socket.socket:
        """A TCP connection to a checked address: `websockets.connect(url, sock=...)`.

        Raises `OutboundRefused`, `OutboundFailed`.
        """
        target = await self.check(url, trust, schemes=schemes)
        addresses = target.addresses or tuple(map(str, await self._addresses(target.host, target.port)))
        problem = "no answer"
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            connection = socket.socket(family, socket.SOCK_STREAM)
            connection.setblocking(False)
            try:
                async with asyncio.timeout(timeout_s):
                    await asyncio.get_running_loop().sock_connect(connection, (address, target.port))
            except OSError as error:  # TimeoutError is one
                connection.close()
                problem = os.strerror(error.errno).lower() if error.errno else "no answer"
            except BaseException:
                connection.close()
                raise
            else:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connection
        raise OutboundFailed(f"{target.host}: {problem}")

    # ------------------------------------------------------------ fetching

    @asynccontextmanager
    async def stream(
        self,
        url: str,
        trust: Trust,
        *,
        max_bytes: int,
        timeout_s: float,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> AsyncIterator[Answer]:
        """One request; at most five redirects, each checked. Raises `OutboundRefused`, `OutboundFailed`."""
        parse_url(url, trust)
        ask = Ask(
            url=url,
            trust=trust,
            max_bytes=max_bytes,
            timeout_s=timeout_s,
            method=method,
            headers=headers,
            content=content,
        )
        async with opened(self._fetchers(), ask) as answer:
            yield answer

    async def fetch(
        self,
        url: str,
        trust: Trust,
        *,
        max_bytes: int,
        timeout_s: float,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Fetched:
        """As `stream`, with the whole body."""
        opening: AbstractAsyncContextManager[Answer] = self.stream(
            url, trust, max_bytes=max_bytes, timeout_s=timeout_s, method=method, headers=headers, content=content
        )
        async with opening as answer:
            return Fetched(answer.url, answer.status, answer.headers, await answer.read())

    def _fetchers(self) -> Mapping[bool, httpx.AsyncBaseTransport]:
        if not self._transports:
            self._transports = {True: self.transport(Trust.OPERATOR), False: self.transport(Trust.CLIENT)}
        return self._transports

    async def aclose(self) -> None:
        """Close what `fetch` and `stream` keep open."""
        transports, self._transports = self._transports, {}
        for transport in transports.values():
            await transport.aclose()
        self._system.close()
