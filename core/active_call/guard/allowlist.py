"""What the operator opened by hand: hosts, `host:port`, `*.domain` and networks (the setting `outbound.allow`)."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from .addresses import Address, Network, literal

_NAME = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list; `network` for addresses, else `name`, perhaps beginning with `*.`."""

    name: str = ""
    network: Network | None = None
    port: int | None = None

    def fits_port(self, port: int) -> bool:
        return self.port is None or self.port == port

    def fits_name(self, host: str) -> bool:
        if self.name.startswith("*."):
            return host.endswith(self.name[1:]) and len(host) > len(self.name) - 1
        return bool(self.name) and host == self.name


class AllowList:
    """Immutable. A name opens every address that it leads to; `*.domain` is not `domain` itself."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self.entries = tuple(parse_entry(entry) for entry in entries)

    def has_name(self, host: str, port: int) -> bool:
        host = plain_host(host)
        return any(entry.fits_name(host) and entry.fits_port(port) for entry in self.entries)

    def has_address(self, address: Address, port: int) -> bool:
        return any(
            entry.network is not None and entry.fits_port(port) and address in entry.network for entry in self.entries
        )


def plain_host(host: str) -> str:
    """Lower case, without the dot that ends a fully qualified name."""
    return host.lower().removesuffix(".")


def parse_entry(text: str) -> Entry:
    """Raises `ValueError` that says what was wrong."""
    plain = text.strip().lower()
    host, port = _split_port(plain)
    try:
        return Entry(network=ipaddress.ip_network(host.removeprefix("[").removesuffix("]")), port=port)
    except ValueError as error:
        if "/" in host or literal(host) is not None:
            raise ValueError(f"{text!r} is not a network ({error}); write it as '10.1.0.0/16'") from None
    host = plain_host(host)
    if not _NAME.fullmatch(host):
        raise ValueError(f"{text!r} is no host or network; write 'pbx.lan', 'pbx.lan:5060', '*.lan' or '10.1.0.0/16'")
    return Entry(name=host, port=port)


def _split_port(text: str) -> tuple[str, int | None]:
    match = re.fullmatch(r"(\[[^\]]*\]|[^:]*):(\d{1,5})", text)
    if match is None or not 0 < int(match[2]) < 65536:
        return text, None
    return match[1], int(match[2])
