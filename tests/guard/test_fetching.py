import asyncio
import gzip
import time
from collections.abc import AsyncIterator

import pytest
from tests.guard.conftest import LocalServer, Names, answer

from active_call.guard.outbound import Fetched, OutboundFailed, OutboundPolicy, OutboundRefused, Trust

HERE = ["127.0.0.1"]


@pytest.fixture
async def policy() -> AsyncIterator[OutboundPolicy]:
    made = OutboundPolicy(loopback=True, resolver=Names(one=HERE, two=HERE, lan=["10.0.0.1"]))
    yield made
    await made.aclose()


async def fetch(
    policy: OutboundPolicy, url: str, trust: Trust = Trust.CLIENT, *, max_bytes: int = 1000, timeout_s: float = 5.0
) -> Fetched:
    return await policy.fetch(url, trust, max_bytes=max_bytes, timeout_s=timeout_s)


async def test_a_whole_answer_whatever_its_status(server: LocalServer, policy: OutboundPolicy) -> None:
    server.pages["/x"] = answer(b"gone", status=410, x_why="moved")
    got = await fetch(policy, server.url("/x", "one"))
    assert (got.status, got.body, got.headers["x-why"], got.url) == (410, b"gone", "moved", server.url("/x", "one"))


@pytest.mark.parametrize("trust", [Trust.CLIENT, Trust.OPERATOR])
async def test_redirects_in_a_circle_end(server: LocalServer, policy: OutboundPolicy, trust: Trust) -> None:
    server.pages |= {"/a": answer(status=302, location="/b"), "/b": answer(status=307, location="/a")}
    with pytest.raises(OutboundFailed, match="circle"):
        await fetch(policy, server.url("/a"), trust)
    assert len(server.requests) == 6


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed_and_each_is_checked(
    server: LocalServer, policy: OutboundPolicy, status: int
) -> None:
    server.pages |= {
        "/a": answer(status=status, location=server.url("/b", "two")),
        "/b": answer(b"here"),
        "/in": answer(status=status, location="http://lan/"),
        "/out": answer(status=status, location="ftp://two/"),
        "/pw": answer(status=status, location=server.url("/b", "me:pw@two")),
    }
    got = await fetch(policy, server.url("/a", "one"))
    assert (got.body, got.url) == (b"here", server.url("/b", "two"))
    for path in ("/in", "/out", "/pw"):
        with pytest.raises(OutboundRefused):
            await fetch(policy, server.url(path, "one"))
    assert len(server.requests) == 5


async def test_a_redirect_from_where_the_operator_sent_us_is_trusted_no_further_than_that_host(
    server: LocalServer,
) -> None:
    strict = OutboundPolicy(resolver=Names())
    server.pages |= {"/a": answer(status=302, location="/b"), "/b": answer(b"ok")}
    assert (await fetch(strict, server.url("/a"), Trust.OPERATOR)).body == b"ok"
    server.pages["/a"] = answer(status=302, location=f"http://127.0.0.2:{server.port}/b")
    with pytest.raises(OutboundRefused, match="loopback"):
        await fetch(strict, server.url("/a"), Trust.OPERATOR)
    await strict.aclose()


async def test_no_credentials_go_to_another_host(server: LocalServer, policy: OutboundPolicy) -> None:
    server.pages |= {"/a": answer(status=302, location=server.url("/b", "two")), "/b": answer(b"ok")}
    headers = {"Authorization": "Bearer s3cret", "X-Api-Key": "s3cret", "Cookie": "s=s3cret", "Accept": "audio/wav"}
    await policy.fetch(server.url("/a", "one"), Trust.CLIENT, max_bytes=9, timeout_s=5, headers=headers)
    assert server.requests[0].count("s3cret") == 3
    assert "s3cret" not in server.requests[1]
    assert "audio/wav" in server.requests[1]


async def test_a_password_the_operator_wrote_into_a_url_stays_with_its_host(
    server: LocalServer, policy: OutboundPolicy
) -> None:
    server.pages |= {"/a": answer(status=302, location=server.url("/b", "two")), "/b": answer(b"ok")}
    await fetch(policy, server.url("/a", "me:pw@127.0.0.1"), Trust.OPERATOR)
    assert "authorization: basic bwu6chc=" in server.requests[0].lower()
    assert "authorization" not in server.requests[1].lower()


async def test_the_body_of_a_post_is_not_redirected_to_another_host(
    server: LocalServer, policy: OutboundPolicy
) -> None:
    server.pages |= {"/a": answer(status=307, location=server.url("/b", "two")), "/b": answer(b"ok")}
    with pytest.raises(OutboundRefused, match="body"):
        await policy.fetch(
            server.url("/a", "one"), Trust.CLIENT, max_bytes=9, timeout_s=5, method="POST", content=b"{}"
        )
    server.pages["/a"] = answer(status=303, location=server.url("/b", "two"))
    got = await policy.fetch(
        server.url("/a", "one"), Trust.CLIENT, max_bytes=9, timeout_s=5, method="POST", content=b"{}"
    )
    assert (got.body, server.requests[-1].split()[0]) == (b"ok", "GET")


async def test_no_cookies_are_kept(server: LocalServer, policy: OutboundPolicy) -> None:
    server.pages["/"] = answer(b"ok", set_cookie="caller=4711")
    await fetch(policy, server.url("/", "one"))
    await fetch(policy, server.url("/", "one"))
    assert "cookie" not in server.requests[1].lower()


async def test_too_much_is_refused_when_announced_and_when_it_comes(
    server: LocalServer, policy: OutboundPolicy
) -> None:
    server.pages["/announced"] = b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n"
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 1000)
            sent += 1000
            await writer.drain()

    server.pages["/endless"] = endless
    for path in ("/announced", "/endless"):
        with pytest.raises(OutboundFailed, match="1000 bytes"):
            await fetch(policy, server.url(path, "one"))
    await asyncio.sleep(0.05)
    assert sent < 50_000_000
    server.pages["/just"] = answer(b"x" * 1000)
    assert len((await fetch(policy, server.url("/just", "one"))).body) == 1000


async def test_a_few_kilobytes_that_unpack_to_gigabytes_are_not_unpacked(
    server: LocalServer, policy: OutboundPolicy
) -> None:
    bomb = gzip.compress(gzip.compress(bytes(10_000_000)))
    server.pages["/"] = answer(bomb, content_encoding="gzip, gzip")
    for trust, host in ((Trust.CLIENT, "one"), (Trust.OPERATOR, "127.0.0.1")):
        with pytest.raises(OutboundFailed, match="plain bytes"):
            await fetch(policy, server.url("/", host), trust, max_bytes=1_000_000)


async def drip(writer: asyncio.StreamWriter) -> None:
    """Never slow enough for a time-out between two reads."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
    for _ in range(100):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(100):
        writer.write(b"x-%d: y\r\n" % number)
        await writer.drain()
        await asyncio.sleep(0.02)


async def silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


@pytest.mark.parametrize("page", [drip, drip_headers, silent])
async def test_the_time_limit_is_for_everything_together(
    server: LocalServer, policy: OutboundPolicy, page: object
) -> None:
    assert callable(page)
    server.pages["/"] = page
    began = time.monotonic()
    with pytest.raises(OutboundFailed, match=r"0\.15 s|too slow"):
        await fetch(policy, server.url("/", "one"), timeout_s=0.15)
    assert time.monotonic() - began < 1.8


async def test_a_connection_that_breaks_is_a_failure_with_the_host_in_it(
    server: LocalServer, policy: OutboundPolicy
) -> None:
    server.pages["/"] = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"

    async def broken(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
        writer.close()
        raise ConnectionError

    server.pages["/"] = broken
    with pytest.raises(OutboundFailed, match=r"^one: "):
        await fetch(policy, server.url("/", "one"))


async def test_a_time_out_of_the_reader_itself_stays_what_it_is(server: LocalServer, policy: OutboundPolicy) -> None:
    server.pages["/"] = answer(b"ok")

    async def read() -> None:
        async with policy.stream(server.url("/", "one"), Trust.CLIENT, max_bytes=9, timeout_s=5):
            raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await read()


@pytest.mark.parametrize(("location", "says"), [("http://[", "no name"), ("http://a:b/", "not a URL"), ("", "circle")])
async def test_a_redirect_to_nonsense_leads_nowhere(
    server: LocalServer, policy: OutboundPolicy, location: str, says: str
) -> None:
    server.pages["/"] = answer(status=302, location=location)
    with pytest.raises((OutboundFailed, OutboundRefused), match=says):
        await fetch(policy, server.url("/", "one"))
