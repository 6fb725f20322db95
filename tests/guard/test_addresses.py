import ipaddress

import pytest

from active_call.guard.addresses import literal, special_use


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("0.0.0.0", "no network"),
        ("10.1.2.3", "private"),
        ("100.100.100.200", "carrier"),
        ("127.8.8.8", "loopback"),
        ("168.63.129.16", "metadata"),
        ("169.254.169.254", "link-local"),
        ("172.31.255.255", "private"),
        ("192.0.0.192", "protocol"),
        ("192.168.0.1", "private"),
        ("198.19.0.1", "benchmarking"),
        ("203.0.113.9", "documentation"),
        ("239.1.1.1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("::", "reserved"),
        ("::1", "loopback"),
        ("::127.0.0.1", "reserved"),
        ("::ffff:8.8.8.8", "IPv4-mapped"),
        ("64:ff9b::a00:1", "NAT64"),
        ("64:ff9b:1::1", "NAT64"),
        ("100::1", "reserved"),
        ("2001::1", "protocol"),
        ("2001:db8::1", "documentation"),
        ("2002:7f00:1::", "6to4"),
        ("3fff::1", "documentation"),
        ("fd00:ec2::254", "private"),
        ("fe80::1%eth0", "link-local"),
        ("fec0::1", "reserved"),
        ("ff02::1", "multicast"),
    ],
)
def test_an_address_inside_says_what_it_is(address: str, what: str) -> None:
    assert what in (special_use(ipaddress.ip_address(address)) or "")


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "192.0.1.1", "100.128.0.1", "2606:4700::1111", "2a00::1"])
def test_a_host_on_the_internet_is_nothing_special(address: str) -> None:
    assert special_use(ipaddress.ip_address(address)) is None


def test_a_name_is_no_address() -> None:
    assert literal("[::1]") == ipaddress.ip_address("::1")
    assert literal("localhost") is None
    assert literal("127.1") is None
