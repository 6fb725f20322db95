import asyncio
import ssl
import subprocess
from pathlib import Path
from shutil import which

import httpx
import pytest
from tests.guard.conftest import LocalServer, Names, answer

from active_call.guard import transport as transports
from active_call.guard.outbound import OutboundPolicy, OutboundRefused, Trust
from active_call.guard.transport import PolicyTransport

HERE = ["127.0.0.1"]


def client(names: Names, trust: Trust = Trust.CLIENT, verify: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    policy = OutboundPolicy(loopback=True, resolver=names)
    return httpx.AsyncClient(transport=PolicyTransport(policy.check, trust, verify=verify))


async def test_a_name_that_changes_its_mind_after_the_check_is_not_asked_again(server: LocalServer) -> None:
    """The classic rebinding: the first look-up passes the check, the second would connect somewhere else."""
    server.pages["/a%2Fb?c=%20d"] = answer(b"ok")
    names = Names(media_example=[HERE, ["10.0.0.1"]])
    async with client(names) as http:
        assert (await http.get(server.url("/a%2Fb?c=%20d", host="media.example"))).text == "ok"
    assert names.asked == ["media.example"]
    assert f"Host: media.example:{server.port}" in server.requests[0]


async def test_a_name_is_checked_again_after_a_while(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.pages["/"] = answer(b"ok")
    names = Names(media_example=[HERE, ["10.0.0.1"]])
    async with client(names) as http:
        for _ in range(3):
            await http.get(server.url(host="media.example"))
        assert server.connections == 1
        monkeypatch.setattr(transports, "RECHECK_S", -1.0)
        with pytest.raises(OutboundRefused, match="private"):
            await http.get(server.url(host="media.example"))


async def test_redirects_that_a_client_follows_by_itself_are_checked_too(server: LocalServer) -> None:
    server.pages["/"] = answer(status=302, location="http://169.254.169.254/latest/")
    async with client(Names(media_example=HERE)) as http:
        with pytest.raises(OutboundRefused, match="link-local"):
            await http.get(server.url(host="media.example"), follow_redirects=True)


async def test_a_password_in_a_url_is_refused_also_where_the_host_is_known(server: LocalServer) -> None:
    server.pages["/"] = answer(b"ok")
    async with client(Names(media_example=HERE)) as http:
        await http.get(server.url(host="media.example"))
        with pytest.raises(OutboundRefused, match="password"):
            await http.get(server.url(host="me:pw@media.example"))


async def test_the_next_address_is_tried_when_one_does_not_answer(server: LocalServer) -> None:
    server.pages["/"] = answer(b"ok")
    async with client(Names(media_example=["127.0.0.2", *HERE])) as http:
        response = await http.post(server.url(host="media.example"), content=b"whole")
    assert response.text == "ok"


async def test_a_missing_name_and_a_closed_port_are_errors_that_httpx_users_know(server: LocalServer) -> None:
    async with client(Names(media_example=["127.0.0.2"])) as http:
        with pytest.raises(httpx.ConnectError, match="no such host"):
            await http.get("http://nowhere.example/")
        with pytest.raises(httpx.ConnectError):
            await http.get(server.url(host="media.example"))


async def test_the_environments_proxy_serves_trusted_requests_only(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{server.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    server.pages["http://vendor.example/v1"] = answer(b"by proxy")
    names = Names(vendor_example=["127.0.0.2"])
    async with client(names, Trust.OPERATOR) as http:
        assert (await http.get("http://vendor.example/v1")).text == "by proxy"
    async with client(names) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"http://vendor.example:{server.port}/v1")


async def test_a_packed_answer_is_refused_before_it_is_unpacked(server: LocalServer) -> None:
    server.pages["/"] = answer(b"\x1f\x8b" + bytes(100), content_encoding="gzip, gzip")
    async with client(Names(media_example=HERE)) as http:
        with pytest.raises(httpx.RemoteProtocolError, match="gzip"):
            await http.get(server.url(host="media.example"))
    assert "Accept-Encoding: identity" in server.requests[0] or "accept-encoding: identity" in server.requests[0]


async def test_idle_hosts_are_closed_beyond_a_number_and_busy_ones_stay(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transports, "HOSTS", 2)
    more = asyncio.Event()

    async def slow(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab")
        await writer.drain()
        await more.wait()
        writer.write(b"cd")

    server.pages |= {"/slow": slow, "/": answer(b"ok")}
    names = Names(busy=HERE, one=HERE, two=HERE, three=HERE)
    async with client(names) as http, http.stream("GET", server.url("/slow", host="busy")) as response:
        for host in ("one", "two", "three", "one"):
            assert (await http.get(server.url(host=host))).text == "ok"
        more.set()
        assert await response.aread() == b"abcd"
    assert names.asked == ["busy", "one", "two", "three", "one"]


def make_certificate(directory: Path, name: str) -> tuple[Path, Path]:
    key, certificate = directory / "key", directory / "certificate"
    how = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    what = ["-subj", "/CN=x", "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", certificate]
    subprocess.run(["openssl", *how, *what], check=True, capture_output=True)
    return key, certificate


@pytest.mark.skipif(which("openssl") is None, reason="needs the openssl command to make a certificate")
async def test_a_certificate_must_fit_the_name_and_a_connection_is_not_lent_to_another_name(tmp_path: Path) -> None:
    key, certificate = make_certificate(tmp_path, "voice.example")
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate, key)
    server = LocalServer()
    await server.start(own)
    server.pages["/"] = answer(b"private")
    try:
        trusting = ssl.create_default_context(cafile=certificate)
        async with client(Names(voice_example=HERE, evil_example=HERE), verify=trusting) as http:
            assert (await http.get(server.url(host="voice.example", scheme="https"))).text == "private"
            with pytest.raises(httpx.ConnectError, match="evil"):
                await http.get(server.url(host="evil.example", scheme="https"))
            assert (await http.get(server.url(host="voice.example", scheme="https"))).text == "private"
    finally:
        await server.close()
    assert len(server.requests) == 2
