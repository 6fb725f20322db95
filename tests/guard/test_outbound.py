import asyncio
import socket

import pytest
from tests.guard.conftest import LocalServer, Names, answer
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from active_call.guard.outbound import OutboundFailed, OutboundPolicy, OutboundRefused, Trust

OTHERS = [Trust.CLIENT, Trust.CALLER, Trust.MODEL]
PUBLIC = "93.184.215.14"


@pytest.mark.parametrize("trust", OTHERS)
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.0.0.1:8080/kill/x",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:a00:1]/",
        "http://[fe80::1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://0.0.0.0/",
    ],
)
async def test_what_others_write_does_not_lead_inside(url: str, trust: Trust) -> None:
    with pytest.raises(OutboundRefused, match=r"outbound\.allow"):
        await OutboundPolicy().check(url, trust)


@pytest.mark.parametrize("host", ["localhost", "localhost.", "2130706433", "0x7f.1", "0177.0.0.1", "127.1"])
async def test_every_spelling_of_an_inner_address_is_looked_up_as_a_connection_would(host: str) -> None:
    """By the system's own resolver."""
    policy = OutboundPolicy()
    with pytest.raises((OutboundRefused, OutboundFailed)):
        await policy.check(f"http://{host}/", Trust.CLIENT)
    await policy.aclose()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://media.example/a", "only http"),
        ("file:///etc/passwd", "only http"),
        ("//media.example/a", "only http"),
        ("http:///a", "only http"),
        ("a.wav", "only http"),
        ("http://user:pass@media.example/", "user name or password"),
        ("http://media.example\\@127.0.0.1/", "backslashes"),
        ("http://media.example/a\r\nHost: b", "control"),
        ("http://media.example/a b", "blanks"),
        ("http://media.example/" + "a" * 9000, "8192"),
        ("http://media.example:99999/", "cannot be read|not a port"),
        ("http://media.example:0/", "not a port"),
        ("http://[::1/", "cannot be read"),
        ("http://media.example:22/", "port 22"),
        ("http://media.example:25/", "port 25"),
        ("http://media.example:6667/", "port 6667"),
    ],
)
async def test_odd_urls_are_refused_with_a_reason(url: str, says: str) -> None:
    policy = OutboundPolicy(resolver=Names(media_example=[PUBLIC]))
    with pytest.raises(OutboundRefused, match=says):
        await policy.check(url, Trust.CLIENT)


async def test_a_public_host_passes_with_the_addresses_to_connect_to() -> None:
    policy = OutboundPolicy(resolver=Names(media_example=[PUBLIC, "2606:4700::1111"]))
    target = await policy.check(" https://Media.Example/a.wav?x=1 ", Trust.CLIENT)
    assert (target.host, target.port) == ("media.example", 443)
    assert target.addresses == (PUBLIC, "2606:4700::1111")


async def test_one_inner_address_among_public_ones_is_enough_to_refuse() -> None:
    policy = OutboundPolicy(resolver=Names(media_example=[PUBLIC, "10.0.0.1"]))
    with pytest.raises(OutboundRefused, match="private"):
        await policy.check("http://media.example/", Trust.CLIENT)


async def test_what_the_operator_wrote_is_trusted_and_not_even_looked_up() -> None:
    names = Names()
    target = await OutboundPolicy(resolver=names).check("http://user:pass@10.0.0.1:22/", Trust.OPERATOR)
    assert (target.host, target.addresses, names.asked) == ("10.0.0.1", (), [])


async def test_a_server_on_loopback_reaches_loopback_and_nothing_else_inside() -> None:
    policy = OutboundPolicy(loopback=True, resolver=Names(here=["127.0.0.1", "::1"], lan=["127.0.0.1", "10.0.0.1"]))
    assert (await policy.check("http://127.0.0.1:9000/", Trust.MODEL)).addresses == ("127.0.0.1",)
    assert (await policy.check("http://here/", Trust.MODEL)).addresses == ("127.0.0.1", "::1")
    for url in ("http://lan/", "http://10.0.0.1/", "http://0.0.0.0/", "http://[::ffff:127.0.0.1]/"):
        with pytest.raises(OutboundRefused):
            await policy.check(url, Trust.MODEL)


async def test_the_operator_opens_names_networks_and_ports() -> None:
    names = Names(crm_lan=["10.0.0.1"], other_lan=["10.9.0.1"], media_example=[PUBLIC])
    policy = OutboundPolicy(["crm.lan:8080", "10.9.0.0/16", "media.example:25"], resolver=names)
    for url in ("http://crm.lan:8080/", "http://other.lan/", "http://10.9.1.1:22/", "http://media.example:25/"):
        assert (await policy.check(url, Trust.MODEL)).addresses
    for url in ("http://crm.lan/", "http://10.0.0.1:8080/", "http://media.example:22/"):
        with pytest.raises(OutboundRefused):
            await policy.check(url, Trust.MODEL)


async def test_a_name_that_does_not_exist_is_a_failure_and_no_refusal() -> None:
    with pytest.raises(OutboundFailed, match="no such host"):
        await OutboundPolicy(resolver=Names()).check("http://nowhere.example/", Trust.CLIENT)


async def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr("active_call.guard.outbound.CONNECT_S", 0.01)
    with pytest.raises(OutboundFailed, match="name server"):
        await OutboundPolicy(resolver=silent).check("http://slow.example/", Trust.CLIENT)


async def test_a_refusal_tells_nothing_of_path_query_or_address() -> None:
    policy = OutboundPolicy(resolver=Names(inner_example=["10.4.5.6"]))
    with pytest.raises(OutboundRefused) as caught:
        await policy.check("http://inner.example/secret?token=hunter2", Trust.CLIENT)
    assert "inner.example" in str(caught.value)
    assert not any(word in str(caught.value) for word in ("secret", "hunter2", "10.4.5.6"))


async def test_a_websocket_connects_to_the_address_that_was_checked() -> None:
    async def echo(connection: ServerConnection) -> None:
        assert connection.request is not None
        await connection.send(connection.request.headers["Host"])

    async with serve(echo, "127.0.0.1", 0) as local:
        port = next(iter(local.sockets)).getsockname()[1]
        policy = OutboundPolicy(loopback=True, resolver=Names(voice_example=[["127.0.0.1"], ["10.0.0.1"]]))
        url = f"ws://voice.example:{port}/"
        sock = await policy.connect(url, Trust.CLIENT)
        async with connect(url, sock=sock) as client:
            assert await client.recv() == f"voice.example:{port}"
        with pytest.raises(OutboundRefused):
            await policy.connect(url, Trust.CLIENT)
        with pytest.raises(OutboundRefused, match="only ws:// or wss://"):
            await policy.connect(f"http://127.0.0.1:{port}/", Trust.OPERATOR)


async def test_a_socket_that_nobody_listens_on_is_a_failure() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        policy = OutboundPolicy(loopback=True)
        with pytest.raises(OutboundFailed, match="refused"):
            await policy.connect(f"ws://127.0.0.1:{taken.getsockname()[1]}/", Trust.CLIENT)


async def test_an_http_client_goes_through_the_policy_for_each_request_and_keeps_no_cookies(
    server: LocalServer,
) -> None:
    server.pages["/"] = answer(b"hello", set_cookie="id=1")
    trust = Trust.OPERATOR
    async with OutboundPolicy().client(lambda: trust) as client:
        assert (await client.get(server.url())).text == "hello"
        assert (await client.get(server.url())).text == "hello"
        assert not any("cookie" in head.lower() for head in server.requests)
        trust = Trust.MODEL
        with pytest.raises(OutboundRefused):
            await client.get(server.url())
    assert len(server.requests) == 2
