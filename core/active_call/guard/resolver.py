"""Names to addresses, in threads of its own: a slow name server that an attacker runs must not hold up other work."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from .targets import OutboundFailed

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""`(host, port)` to addresses in the order in which they should be tried; raises `OSError`."""
THREADS = 8


class SystemResolver:
    """The system's `getaddrinfo`, which also reads `/etc/hosts` and forms like `0x7f.1`, as a connection would."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="names")
        found = await asyncio.get_running_loop().run_in_executor(self._pool, _look_up, host, port)
        return tuple(dict.fromkeys(found))

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _look_up(host: str, port: int) -> list[str]:
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


async def resolve(
    resolver: Resolver, host: str, port: int, timeout_s: float
) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, ...]:
    """At least one address. Raises `OutboundFailed`."""
    try:
        async with asyncio.timeout(timeout_s):
            found = await resolver(host, port)
        addresses = tuple(ipaddress.ip_address(address) for address in found)
    except TimeoutError:
        raise OutboundFailed(f"{host}: its name server did not answer within {timeout_s:g} s") from None
    except (OSError, UnicodeError, ValueError):
        addresses = ()
    if not addresses:
        raise OutboundFailed(f"{host}: there is no such host; check the name")
    return addresses
