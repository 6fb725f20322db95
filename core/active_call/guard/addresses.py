"""Addresses that are not simply a host on the internet: the special-purpose registries of RFC 6890 and its updates.

Written out instead of asking `ipaddress.is_global`, whose answers differ between releases of Python.
"""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SPECIAL_4 = tuple(
    (ipaddress.IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "an address of no network"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier's private address"),  # RFC 6598; also a cloud's metadata service
        ("127.0.0.0/8", "a loopback address"),
        ("168.63.129.16/32", "a cloud's metadata service"),  # Azure: looks public, is inside every machine there
        ("169.254.0.0/16", "a link-local address"),  # the metadata service of most clouds
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a protocol address"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
)
_SPECIAL_6 = tuple(
    (ipaddress.IPv6Network(network), what)
    for network, what in (
        ("::1/128", "a loopback address"),
        ("::ffff:0:0/96", "an IPv4-mapped address"),
        ("64:ff9b::/96", "a NAT64 address"),
        ("64:ff9b:1::/48", "a NAT64 address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("ff00::/8", "a multicast address"),
        ("2001::/23", "a protocol address"),  # Teredo and ORCHID among them
        ("2001:db8::/32", "a documentation address"),
        ("2002::/16", "a 6to4 address"),
        ("3fff::/20", "a documentation address"),
    )
)
_UNICAST_6 = ipaddress.IPv6Network("2000::/3")


def special_use(address: Address) -> str | None:
    """What an address is for, with its article ("a private address"); None: a host on the internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return next((what for network, what in _SPECIAL_4 if address in network), None)
    found = next((what for network, what in _SPECIAL_6 if address in network), None)
    return found or (None if address in _UNICAST_6 else "a reserved address")


def literal(host: str) -> Address | None:
    """The address that `host` is, or None when it is a name."""
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
