import pytest
from tests.guard.conftest import Names

from active_call.guard.outbound import OutboundPolicy, OutboundRefused, Trust
from active_call.guard.sip_targets import SipPatterns, parse_sip, sip_targets_in

PUBLIC = ["93.184.215.14"]
TRUNK = Names(trunk_example=PUBLIC, pbx_lan=["10.0.0.5"])
CHOOSERS = [Trust.CALLER, Trust.MODEL]


@pytest.mark.parametrize(
    ("target", "scheme", "user", "host", "port"),
    [
        ("sip:alice@PBX.example", "sip", "alice", "pbx.example", None),
        ("SIPS:alice@pbx.example:5061;transport=tls", "sips", "alice", "pbx.example", 5061),
        ("sip:pbx.example", "sip", "", "pbx.example", None),
        ("sip:%2B4930@[2001:db8::1]:5070", "sip", "+4930", "[2001:db8::1]", 5070),
        ('"Alice" <sip:alice@pbx.example;lr>', "sip", "alice", "pbx.example", None),
        ("<sip:alice@pbx.example>", "sip", "alice", "pbx.example", None),
        ("tel:+49-30-(12).34", "tel", "+49301234", "", None),
    ],
)
def test_targets_are_read(target: str, scheme: str, user: str, host: str, port: int | None) -> None:
    parsed = parse_sip(target, Trust.CLIENT)
    assert (parsed.scheme, parsed.user, parsed.host, parsed.port) == (scheme, user, host, port)


@pytest.mark.parametrize(
    "target",
    [
        "",
        "not a uri",
        "+4930123",
        "http://pbx.example",
        "sip:",
        "sip:a@b@c",
        "sip:a@pbx.example:0",
        "sip:a@pbx.example:99999",
        "sip:a@pbx.example\r\nX-Evil: 1",
        "sip:a%0d%0aX-Evil:1@pbx.example",
        "sip:a b@pbx.example",
        "tel:abc xyz",
        "sip:" + "a" * 2000 + "@pbx.example",
    ],
)
@pytest.mark.parametrize("trust", [Trust.OPERATOR, Trust.CLIENT])
def test_what_is_no_target_is_refused_whoever_wrote_it(target: str, trust: Trust) -> None:
    with pytest.raises(OutboundRefused, match="target"):
        parse_sip(target, trust)


@pytest.mark.parametrize(
    "target", ["sip:a@trunk.example;maddr=10.0.0.1", "sip:a@trunk.example;lr;MADDR=x", "sip:a@trunk.example?Route=x"]
)
def test_parameters_that_lead_elsewhere_are_for_the_operator(target: str) -> None:
    assert parse_sip(target, Trust.OPERATOR).host == "trunk.example"
    with pytest.raises(OutboundRefused, match=r"maddr|headers"):
        parse_sip(target, Trust.CLIENT)


async def test_a_client_calls_whom_it_likes_but_nobody_inside() -> None:
    policy = OutboundPolicy(resolver=TRUNK)
    assert (await policy.check_sip("sip:+1900@trunk.example", Trust.CLIENT)).addresses == tuple(PUBLIC)
    assert (await policy.check_sip("tel:+1900", Trust.CLIENT)).user == "+1900"
    for target in ("sip:1000@pbx.lan", "sip:1000@10.0.0.5", "sip:1000@127.0.0.1:5070", "sips:1000@[::1]"):
        with pytest.raises(OutboundRefused, match=r"outbound\.allow"):
            await policy.check_sip(target, Trust.CLIENT)
    opened = OutboundPolicy(["pbx.lan:5060"], resolver=TRUNK)
    assert (await opened.check_sip("sip:1000@pbx.lan", Trust.CLIENT)).addresses == ("10.0.0.5",)
    with pytest.raises(OutboundRefused):
        await opened.check_sip("sips:1000@pbx.lan", Trust.CLIENT)


async def test_a_domain_with_srv_records_alone_is_checked_by_whoever_looks_them_up() -> None:
    policy = OutboundPolicy(resolver=TRUNK)
    assert (await policy.check_sip("sip:1@srv.example", Trust.CLIENT)).addresses == ()
    with pytest.raises(OutboundRefused, match="private"):
        policy.check_address("10.0.0.9", 5060, Trust.CLIENT, host="srv.example")


@pytest.mark.parametrize("trust", CHOOSERS)
async def test_a_model_or_caller_calls_only_whom_the_operator_named(trust: Trust) -> None:
    policy = OutboundPolicy(allow_sip=["+4930*@trunk.example", "tel:+4930*"], resolver=TRUNK)
    for target in ("sip:+49301@trunk.example", "sips:+49301@TRUNK.example:5071;user=phone", "tel:+49-30-1"):
        assert await policy.check_sip(target, trust)
    for target in ("sip:+1900@trunk.example", "sip:+49301@evil.example", "tel:+1900", "tel:+4", "sip:trunk.example"):
        with pytest.raises(OutboundRefused, match=r"outbound\.allow_sip|outbound\.allow|neither"):
            await policy.check_sip(target, trust)


@pytest.mark.parametrize("trust", CHOOSERS)
async def test_what_stands_in_the_operators_playbook_may_be_chosen(trust: Trust) -> None:
    written = sip_targets_in('Transfer with <refer to="sip:sales@pbx.lan"/> or call tel:+49-30-1.')
    policy = OutboundPolicy(resolver=TRUNK)
    for target in ("sip:sales@pbx.lan", "sips:sales@PBX.lan;transport=tcp", "tel:+49301"):
        assert await policy.check_sip(target, trust, written=written)
    for target in ("sip:boss@pbx.lan", "sip:sales@pbx.lan:5070", "sip:sales@pbx.lan;maddr=10.0.0.1", "tel:+49302"):
        with pytest.raises(OutboundRefused):
            await policy.check_sip(target, trust, written=written)


async def test_an_open_host_does_not_open_every_number_behind_it_to_a_model() -> None:
    policy = OutboundPolicy(["pbx.lan"], resolver=TRUNK)
    with pytest.raises(OutboundRefused, match="allow_sip"):
        await policy.check_sip("sip:+1900@pbx.lan", Trust.MODEL)


async def test_a_pattern_does_not_open_inner_addresses() -> None:
    policy = OutboundPolicy(allow_sip=["*"], resolver=TRUNK)
    assert await policy.check_sip("sip:x@trunk.example", Trust.MODEL)
    with pytest.raises(OutboundRefused, match="private"):
        await policy.check_sip("sip:x@pbx.lan", Trust.MODEL)


async def test_on_loopback_a_model_may_try_a_local_phone() -> None:
    policy = OutboundPolicy(loopback=True, resolver=TRUNK)
    assert await policy.check_sip("sip:a@127.0.0.1:5070", Trust.MODEL)
    with pytest.raises(OutboundRefused):
        await policy.check_sip("tel:+1900", Trust.MODEL)


async def test_what_the_operator_wrote_is_not_looked_up() -> None:
    names = Names()
    assert (await OutboundPolicy(resolver=names).check_sip("sip:1@10.0.0.5", Trust.OPERATOR)).host == "10.0.0.5"
    assert names.asked == []


@pytest.mark.parametrize(
    ("pattern", "target", "fits"),
    [
        ("*@pbx.example", "sip:anyone@pbx.example", True),
        ("*@pbx.example", "sip:anyone@pbx.example:5070", True),
        ("*@pbx.example:5060", "sip:anyone@pbx.example:5070", False),
        ("*@pbx.example", "sip:pbx.example@evil.example", False),
        ("*@pbx.example", "sip:a@xpbx.example", False),
        ("*@*.pbx.example", "sip:a@b.pbx.example", True),
        ("sips:a@pbx.example", "sip:a@pbx.example", True),
        ("A@PBX.example", "sip:a@pbx.example", True),
        ("a.c@pbx.example", "sip:abc@pbx.example", False),
        ("*", "tel:+1", True),
        ("*@pbx.example", "tel:+1", False),
    ],
)
def test_patterns(pattern: str, target: str, fits: bool) -> None:
    assert SipPatterns([pattern]).fit(parse_sip(target, Trust.CLIENT)) is fits


@pytest.mark.parametrize("pattern", ["", " ", "a\nb"])
def test_a_pattern_that_means_nothing_is_an_error(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        SipPatterns([pattern])


def test_targets_are_found_in_a_text_and_templates_are_not() -> None:
    text = """- transfer: sip:sales@pbx.example, or 'sip:help@pbx.example;transport=tcp'.
    Say (sip:boss@pbx.example)! Never sip:{{ caller }}@pbx.example. gossip:x@y.example"""
    assert sip_targets_in(text) == {
        "sip:sales@pbx.example",
        "sip:help@pbx.example;transport=tcp",
        "sip:boss@pbx.example",
    }
