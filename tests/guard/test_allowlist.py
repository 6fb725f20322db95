import ipaddress

import pytest

from active_call.guard.allowlist import AllowList


@pytest.mark.parametrize(
    ("entry", "host", "port", "fits"),
    [
        ("pbx.lan", "pbx.lan", 5060, True),
        ("PBX.lan.", "pbx.LAN.", 80, True),
        ("pbx.lan", "a.pbx.lan", 80, False),
        ("pbx.lan:5060", "pbx.lan", 5060, True),
        ("pbx.lan:5060", "pbx.lan", 80, False),
        ("*.lan", "pbx.lan", 80, True),
        ("*.lan", "lan", 80, False),
        ("*.lan", ".lan", 80, False),
        ("*.lan", "evil-lan", 80, False),
        ("*.lan:8080", "a.b.lan", 8080, True),
        ("*.lan:8080", "a.b.lan", 80, False),
    ],
)
def test_names(entry: str, host: str, port: int, fits: bool) -> None:
    assert AllowList([entry]).has_name(host, port) is fits


@pytest.mark.parametrize(
    ("entry", "address", "port", "fits"),
    [
        ("10.1.0.0/16", "10.1.9.9", 80, True),
        ("10.1.0.0/16", "10.2.0.1", 80, False),
        ("10.1.2.3", "10.1.2.3", 80, True),
        ("10.1.2.3:8080", "10.1.2.3", 8080, True),
        ("10.1.2.3:8080", "10.1.2.3", 80, False),
        ("fd00::/8", "fd12::1", 80, True),
        ("::1", "::1", 80, True),
        ("[::1]:9000", "::1", 9000, True),
        ("[::1]:9000", "::1", 80, False),
        ("10.0.0.0/8", "::ffff:10.0.0.1", 80, False),
        ("pbx.lan", "10.1.2.3", 80, False),
    ],
)
def test_addresses(entry: str, address: str, port: int, fits: bool) -> None:
    assert AllowList([entry]).has_address(ipaddress.ip_address(address), port) is fits


@pytest.mark.parametrize("entry", ["", "*", "*.", "http://pbx.lan", "10.1.0.1/16", "pbx lan", "pbx.lan:99999", "a*b"])
def test_an_entry_that_means_nothing_is_an_error(entry: str) -> None:
    with pytest.raises(ValueError, match="write"):
        AllowList([entry])
