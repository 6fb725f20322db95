"""Sinks, and what reaches them through the outbox; what is deleted when."""

import asyncio
import email
import email.policy
import json
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from active_call.plugin.errors import ErrorKind, ProviderError
from active_call.plugin.host import Host
from active_call.store.backoff import Backoff
from active_call.store.delivery import RecordDelivery
from active_call.store.outbox import Outbox
from active_call.store.records import CallRecord, Media, idempotency_key, record_name
from active_call.store.sinks import HttpSink, LocalSink, open_http, open_local


@pytest.fixture
def media(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "rec").mkdir()
    recording, events = tmp_path / "rec" / "s.1.wav", tmp_path / "rec" / "s.1.events.jsonl"
    recording.write_bytes(b"RIFF" + bytes(range(256)) * 3000)
    events.write_text('{"type":"event"}\n')
    return recording, events


@pytest.fixture
def record(media: tuple[Path, Path]) -> dict[str, Any]:
    recording, events = media
    return CallRecord(
        call_type="webSocket",
        call_id="s.1",
        option={},
        start_ms=1795414532533,
        end_ms=1795414535684,
        hangup_reason="bySystem",
        recorder=(Media(track_id="t1", path=recording, size=recording.stat().st_size),),
        dump_event_file=events,
    ).as_json()


# ---------------------------------------------------------------- the local directory


async def test_f181_the_local_sink_writes_where_the_reference_does(tmp_path: Path, record: dict[str, Any]) -> None:
    async with open_local(cast(Host, None), {"root": str(tmp_path / "cdr")}) as sink:
        await sink.deliver(record)
        await sink.deliver(record)
    assert [str(path.relative_to(tmp_path / "cdr")) for path in (tmp_path / "cdr").rglob("*.*")] == [
        record_name(record)
    ]
    assert json.loads((tmp_path / "cdr" / record_name(record)).read_text()) == record


# ---------------------------------------------------------------- HTTP


class Server(ThreadingHTTPServer):
    """Keeps what is POSTed, and answers with `answers`, one by one, then 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.seen: list[tuple[dict[str, str], dict[str, EmailMessage]]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/cdr?token=in-the-url"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        form = email.message_from_bytes(head + body, policy=email.policy.HTTP)
        parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append((headers, cast(dict[str, EmailMessage], parts)))
        status, extra = self.server.answers.pop(0) if self.server.answers else (200, {})
        self.send_response(status)
        for name, value in extra.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def http(server: Server, **settings: Any) -> Any:
    return open_http(cast(Host, SimpleNamespace()), {"url": server.url, **settings})


async def test_f182_the_http_sink_posts_a_form_with_media_and_headers(
    server: Server, record: dict[str, Any], media: tuple[Path, Path]
) -> None:
    async with http(server, with_media=True, headers=[("X-Tenant", "blue")]) as sink:
        await sink.deliver(record)
    ((headers, parts),) = server.seen
    assert headers["x-tenant"] == "blue"
    assert headers["idempotency-key"] == idempotency_key(record)
    assert set(parts) == {"calllog.json", "media_t1", "dump_events_s.1.events.jsonl"}
    log = parts["calllog.json"]
    assert json.loads(log.get_payload(decode=True)) == record  # type: ignore[arg-type]
    assert log.get_filename() is None
    assert parts["media_t1"].get_payload(decode=True) == bytes_of(media[0])
    assert parts["media_t1"].get_filename() == "s.1.wav"
    assert parts["media_t1"].get_content_type() == "audio/wav"
    assert parts["dump_events_s.1.events.jsonl"].get_payload(decode=True) == bytes_of(media[1])


def bytes_of(path: Path) -> bytes:
    return path.read_bytes()


async def test_without_media_the_form_has_the_record_alone(server: Server, record: dict[str, Any]) -> None:
    async with http(server) as sink:
        await sink.deliver(record)
    assert set(server.seen[0][1]) == {"calllog.json"}
    assert server.seen[0][0]["content-type"].startswith("multipart/form-data; boundary=")


@pytest.mark.parametrize(
    ("status", "kind"), [(500, ErrorKind.INTERNAL), (401, ErrorKind.AUTH), (429, ErrorKind.QUOTA), (302, "internal")]
)
async def test_whatever_is_not_2xx_is_a_failure_that_does_not_tell_the_url(
    server: Server, record: dict[str, Any], status: int, kind: str
) -> None:
    server.answers = [(status, {"Retry-After": "77", "Location": "/elsewhere"})]
    async with http(server) as sink:
        with pytest.raises(ProviderError) as raised:
            await sink.deliver(record)
    assert raised.value.kind == kind
    assert raised.value.retry_after_s == 77
    assert "token" not in str(raised.value)
    assert len(server.seen) == 1


async def test_a_server_that_is_not_there_is_a_failure_that_does_not_tell_the_url(record: dict[str, Any]) -> None:
    async with open_http(cast(Host, None), {"url": "http://127.0.0.1:1/?token=in-the-url"}) as sink:
        with pytest.raises(ProviderError, match="no answer") as raised:
            await sink.deliver(record)
    assert "token" not in str(raised.value)


async def test_a_recording_that_is_gone_does_not_hold_back_the_record(
    server: Server, record: dict[str, Any], media: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    remove(media[0])
    async with http(server, with_media=True) as sink:
        await sink.deliver(record)
    assert set(server.seen[0][1]) == {"calllog.json", "dump_events_s.1.events.jsonl"}
    assert "s.1.wav" in caplog.text


def remove(path: Path) -> None:
    path.unlink()


# ---------------------------------------------------------------- through the outbox


@pytest.fixture
def delivered(tmp_path: Path, server: Server) -> Callable[..., Any]:
    async def run(record: dict[str, Any], **settings: bool) -> None:
        outbox = Outbox(tmp_path / "outbox", backoff=Backoff(first_s=0.01, longest_s=0.01))
        async with http(server, with_media=settings.get("with_media", False)) as sink:
            records = RecordDelivery(outbox, cast(HttpSink, sink), **settings)
            async with outbox:
                await records.put(record)
                for _ in range(500):  # a refused entry is not due at once, so draining is not enough
                    if await outbox.drain(5) == 0:
                        return
                    await asyncio.sleep(0.005)
                pytest.fail("it was not delivered")

    return run


@pytest.mark.parametrize(
    ("with_media", "keep_media_copy", "kept"),
    [(True, True, True), (False, True, True), (False, False, True), (True, False, False)],
)
async def test_f184_and_c2_only_an_uploaded_recording_is_deleted_and_never_one_to_keep(
    delivered: Callable[..., Any],
    record: dict[str, Any],
    media: tuple[Path, Path],
    with_media: bool,
    keep_media_copy: bool,
    kept: bool,
) -> None:
    await delivered(record, with_media=with_media, keep_media_copy=keep_media_copy)
    assert media[0].exists() is kept
    assert media[1].exists(), "dump files stay: they are listed by /api/records"


async def test_c2_nothing_is_deleted_before_the_upload_is_confirmed(
    delivered: Callable[..., Any], record: dict[str, Any], media: tuple[Path, Path], server: Server
) -> None:
    server.answers = [(503, {}), (500, {})]
    await delivered(record, with_media=True, keep_media_copy=False)
    assert len(server.seen) == 3
    assert all("media_t1" in parts for _, parts in server.seen), "it was still there at every attempt"
    assert len({headers["idempotency-key"] for headers, _ in server.seen}) == 1
    assert not media[0].exists()


async def test_a_record_waits_on_disk_while_its_server_is_down(
    tmp_path: Path, record: dict[str, Any], media: tuple[Path, Path]
) -> None:
    class Down:
        async def deliver(self, record: Any) -> None:
            raise ProviderError("unreachable", "down")

    outbox = Outbox(tmp_path / "outbox", backoff=Backoff(first_s=3600))
    records = RecordDelivery(outbox, Down(), with_media=True, keep_media_copy=False)
    async with outbox:
        await records.put(record)
        await outbox.drain(5)
    assert media[0].exists()
    again = Outbox(tmp_path / "outbox")
    RecordDelivery(again, LocalSink(tmp_path / "cdr"))
    async with again:
        assert again.waiting == 1
