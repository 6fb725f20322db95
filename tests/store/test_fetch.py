import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.guard.conftest import LocalServer, Names, answer

from active_call.guard.outbound import OutboundPolicy, OutboundRefused, Trust
from active_call.store.fetch import FetchFailed, Media, MediaCache

CLIENT = Trust.CLIENT


@pytest.fixture
async def server() -> AsyncIterator[LocalServer]:
    local = LocalServer()
    await local.start()
    yield local
    await local.close()


@pytest.fixture
async def media(tmp_path: Path) -> AsyncIterator[MediaCache]:
    policy = OutboundPolicy(loopback=True)
    yield MediaCache(tmp_path / "media", policy, max_file_bytes=1000, timeout_s=5)
    await policy.aclose()


def read(media: Media) -> bytes:
    return media.path.read_bytes()


async def test_a_file_is_fetched_once_and_then_only_asked_for(server: LocalServer, media: MediaCache) -> None:
    server.pages["/moh.wav"] = answer(b"RIFF", etag='"1"', content_type="Audio/X-Wav; q=1")
    first = await media.get(server.url("/moh.wav"), CLIENT)
    assert (read(first), first.path.suffix, first.content_type) == (b"RIFF", ".wav", "audio/x-wav")
    server.pages["/moh.wav"] = answer(status=304)
    assert await media.get(server.url("/moh.wav"), CLIENT) == first
    assert 'if-none-match: "1"' in server.requests[1].lower()
    server.pages["/moh.wav"] = answer(b"RIFF2", etag='"2"')
    assert read(await media.get(server.url("/moh.wav"), CLIENT)) == b"RIFF2"


async def test_a_date_serves_where_there_is_no_etag(server: LocalServer, media: MediaCache) -> None:
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    server.pages["/a.mp3"] = answer(b"ID3", last_modified=date)
    await media.get(server.url("/a.mp3"), CLIENT)
    server.pages["/a.mp3"] = answer(status=304)
    assert read(await media.get(server.url("/a.mp3"), CLIENT)) == b"ID3"
    assert f"if-modified-since: {date}".lower() in server.requests[1].lower()


@pytest.mark.parametrize(
    ("control", "requests"),
    [("max-age=60", 1), ("public, max-age=60", 1), ("max-age=0", 2), ("no-cache, max-age=60", 2), ("no-store", 2)],
)
async def test_the_server_says_how_long_it_need_not_be_asked(
    server: LocalServer, media: MediaCache, control: str, requests: int
) -> None:
    server.pages["/a"] = answer(b"ab", cache_control=control)
    for _ in range(2):
        assert read(await media.get(server.url("/a"), CLIENT)) == b"ab"
    assert len(server.requests) == requests


async def test_a_kept_file_outlives_a_restart(server: LocalServer, tmp_path: Path) -> None:
    server.pages["/a"] = answer(b"ab", cache_control="max-age=60")
    for _ in range(2):
        policy = OutboundPolicy(loopback=True)
        assert read(await MediaCache(tmp_path, policy).get(server.url("/a"), CLIENT)) == b"ab"
        await policy.aclose()
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [201, 204, 206, 304, 401, 404, 410])
async def test_anything_but_200_is_no_audio(server: LocalServer, media: MediaCache, status: int) -> None:
    server.pages["/a"] = answer(status=status) if status in (204, 304) else answer(b"oops", status=status)
    with pytest.raises(FetchFailed, match=f"127.0.0.1 answered {status}"):
        await media.get(server.url("/a"), CLIENT)


async def test_a_file_that_is_gone_is_gone_though_it_was_kept(server: LocalServer, media: MediaCache) -> None:
    server.pages["/a"] = answer(b"ab")
    await media.get(server.url("/a"), CLIENT)
    server.pages["/a"] = answer(status=404)
    with pytest.raises(FetchFailed, match="404"):
        await media.get(server.url("/a"), CLIENT)


@pytest.mark.parametrize("broken", [answer(status=503), b"garbage\r\n\r\n"])
async def test_a_kept_file_is_played_while_its_server_is_broken(
    server: LocalServer, media: MediaCache, broken: bytes
) -> None:
    server.pages["/a"] = answer(b"ab")
    await media.get(server.url("/a"), CLIENT)
    server.pages["/a"] = broken
    kept = await media.get(server.url("/a"), CLIENT)
    assert (read(kept), kept.stale) == (b"ab", True)
    with pytest.raises(FetchFailed):
        await media.get(server.url("/never-seen"), CLIENT)


async def test_a_kept_file_is_played_while_its_name_is_lost(server: LocalServer, tmp_path: Path) -> None:
    names = Names(media_example=["127.0.0.1"])
    policy = OutboundPolicy(loopback=True, resolver=names)
    cache = MediaCache(tmp_path, policy)
    server.pages["/a"] = answer(b"ab")
    await cache.get(server.url("/a", "media.example"), CLIENT)
    names.names.clear()
    assert (await cache.get(server.url("/a", "media.example"), CLIENT)).stale
    with pytest.raises(FetchFailed, match="no such host"):
        await cache.get(server.url("/b", "media.example"), CLIENT)
    await policy.aclose()


async def test_an_empty_file_is_no_audio(server: LocalServer, media: MediaCache) -> None:
    server.pages["/a"] = answer(b"")
    with pytest.raises(FetchFailed, match="empty"):
        await media.get(server.url("/a"), CLIENT)


async def test_a_file_that_is_too_large_or_breaks_off_leaves_nothing(
    server: LocalServer, media: MediaCache, tmp_path: Path
) -> None:
    server.pages["/large"] = answer(b"x" * 1001)

    async def broken(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
        writer.close()
        raise ConnectionError

    server.pages["/broken"] = broken
    for path, says in (("/large", "1000 bytes"), ("/broken", "127.0.0.1")):
        with pytest.raises(FetchFailed, match=says):
            await media.get(server.url(path), CLIENT)
    assert list((tmp_path / "media").iterdir()) == []


async def test_what_the_operator_fetched_from_inside_does_not_come_to_others(
    server: LocalServer, tmp_path: Path
) -> None:
    policy = OutboundPolicy()
    cache = MediaCache(tmp_path, policy)
    server.pages["/a"] = answer(b"secret", cache_control="max-age=60")
    assert read(await cache.get(server.url("/a"), Trust.OPERATOR)) == b"secret"
    with pytest.raises(OutboundRefused):
        await cache.get(server.url("/a"), CLIENT)
    await policy.aclose()


async def test_what_was_allowed_when_it_was_fetched_may_be_refused_today(server: LocalServer, tmp_path: Path) -> None:
    server.pages["/a"] = answer(b"ab", cache_control="max-age=60")
    before, today = OutboundPolicy(loopback=True), OutboundPolicy()
    await MediaCache(tmp_path, before).get(server.url("/a"), CLIENT)
    with pytest.raises(OutboundRefused):
        await MediaCache(tmp_path, today).get(server.url("/a"), CLIENT)
    await before.aclose()


class Gate:
    """A page that waits until a test lets it go on."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self, writer: asyncio.StreamWriter) -> None:
        self.asked.set()
        await self.go.wait()
        writer.write(answer(self.body))
        await writer.drain()


async def test_many_calls_that_want_one_file_download_it_once(server: LocalServer, media: MediaCache) -> None:
    server.pages["/a"] = gate = Gate(b"ab")
    waiting = [asyncio.create_task(media.get(server.url("/a"), CLIENT)) for _ in range(20)]
    await gate.asked.wait()
    waiting[0].cancel()
    gate.go.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert {read(result) for result in results if isinstance(result, Media)} == {b"ab"}
    assert len(server.requests) == 1


async def test_a_download_that_nobody_waits_for_is_given_up_and_can_begin_again(
    server: LocalServer, media: MediaCache, tmp_path: Path
) -> None:
    server.pages["/a"] = gate = Gate(b"ab")
    only = asyncio.create_task(media.get(server.url("/a"), CLIENT))
    await gate.asked.wait()
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    server.pages["/a"] = answer(b"cd")
    assert read(await media.get(server.url("/a"), CLIENT)) == b"cd"
    assert not [path for path in (tmp_path / "media").iterdir() if path.name.startswith(".")]


async def test_a_failure_reaches_everybody_and_is_not_remembered(server: LocalServer, media: MediaCache) -> None:
    server.pages["/a"] = answer(status=404)
    results = await asyncio.gather(*(media.get(server.url("/a"), CLIENT) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(result, FetchFailed) for result in results)
    server.pages["/a"] = answer(b"ab")
    assert read(await media.get(server.url("/a"), CLIENT)) == b"ab"


def make_older(directory: Path, then: float) -> None:
    for path in directory.iterdir():
        os.utime(path, (then, then))


def size_of(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.iterdir())


async def test_the_directory_has_a_limit(server: LocalServer, tmp_path: Path) -> None:
    policy = OutboundPolicy(loopback=True)
    cache = MediaCache(tmp_path, policy, max_bytes=2000, max_file_bytes=1000)
    for number in range(5):
        server.pages[f"/{number}.wav"] = answer(b"x" * 900, cache_control="max-age=600")
        await cache.get(server.url(f"/{number}.wav"), CLIENT)
        make_older(tmp_path, time.time() - 1000 + number)
    assert size_of(tmp_path) <= 2000
    assert read(await cache.get(server.url("/0.wav"), CLIENT)) == b"x" * 900
    await policy.aclose()


@pytest.mark.parametrize("path", ["/a.meta", "/a.part", "/a", "/a.verylongsuffix", "/a.w%2Fv", "/x.tar.gz?y=.exe"])
async def test_an_address_decides_nothing_about_a_file_but_a_plain_suffix(
    server: LocalServer, media: MediaCache, path: str
) -> None:
    server.pages[path] = answer(b"ab")
    got = await media.get(server.url(path), CLIENT)
    assert got.path.suffix in (".media", ".gz")
    assert read(got) == b"ab"


async def test_a_cache_that_cannot_be_written_is_a_failure_of_the_file_alone(
    server: LocalServer, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    policy = OutboundPolicy(loopback=True)
    server.pages["/a"] = answer(b"ab")
    with pytest.raises(FetchFailed, match="cannot keep"):
        await MediaCache(tmp_path / "file" / "media", policy).get(server.url("/a"), CLIENT)
    await policy.aclose()


async def test_a_damaged_record_means_fetching_again(server: LocalServer, media: MediaCache, tmp_path: Path) -> None:
    server.pages["/a"] = answer(b"ab", etag='"1"', cache_control="max-age=60")
    await media.get(server.url("/a"), CLIENT)
    for path in (tmp_path / "media").glob("*.meta"):
        path.write_text("{nonsense")
    assert read(await media.get(server.url("/a"), CLIENT)) == b"ab"
    assert "if-none-match" not in server.requests[1].lower()
