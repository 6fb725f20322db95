"""Call records: their JSON, their names, where they go, and what is deleted when."""

import asyncio
import datetime as dt
import email
import email.policy
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from active_call.guard.paths import PathPolicy, PathRefused
from active_call.plugin.errors import ErrorKind, ProviderError
from active_call.plugin.host import Host
from active_call.protocol.options import CallOption, dump
from active_call.protocol.reasons import reason_in_record
from active_call.store.backoff import Backoff
from active_call.store.delivery import RecordDelivery
from active_call.store.dump import DumpFile, dump_path
from active_call.store.outbox import Outbox
from active_call.store.records import (
    CallRecord,
    Media,
    events_name,
    idempotency_key,
    media_name,
    record_name,
)
from active_call.store.sinks import HttpSink, LocalSink, open_http, open_local

START_MS = 1795414532533


@pytest.fixture(autouse=True)
def timezone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Far from UTC, and on another day."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def finished(**changes: Any) -> CallRecord:
    fields: dict[str, Any] = {
        "call_type": "webSocket",
        "call_id": "s.1",
        "option": {"callee": "sip:b@x"},
        "start_ms": START_MS,
        "end_ms": START_MS + 3151,
        "hangup_reason": "bySystem",
    }
    return CallRecord(**(fields | changes))


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
    track = Media(track_id="t1", path=recording, size=recording.stat().st_size)
    return finished(recorder=(track,), dump_event_file=events).as_json()


# ---------------------------------------------------------------- the JSON


def test_f181_the_record_of_a_websocket_call_is_the_references() -> None:
    record = finished(
        answer_ms=START_MS + 1,
        caller="sip:a@x",
        callee="sip:b@x",
        status_code=200,
        recorder=(Media(track_id="s.1", path=Path("/rec/s.1.wav"), size=209964),),
        extras={"session_id": "s.1", "call_type": "websocket"},
        dump_event_file=Path("/rec/s.1.events.jsonl"),
    ).as_json()
    assert json.dumps(record) == json.dumps(
        {
            "callType": "webSocket",
            "option": {"callee": "sip:b@x"},
            "callId": "s.1",
            "startTime": "2026-11-23T06:15:32.533Z",
            "answerTime": "2026-11-23T06:15:32.534Z",
            "endTime": "2026-11-23T06:15:35.684Z",
            "caller": "sip:a@x",
            "callee": "sip:b@x",
            "statusCode": 200,
            "hangupReason": "bySystem",
            "recorder": [{"trackId": "s.1", "path": "/rec/s.1.wav", "size": 209964}],
            "extras": {"session_id": "s.1", "call_type": "websocket"},
            "dumpEventFile": "/rec/s.1.events.jsonl",
        }
    )


def test_what_is_absent_is_left_out_and_what_is_always_there_stays() -> None:
    assert set(finished().as_json()) == {
        *("callType", "option", "callId", "startTime", "endTime", "caller", "callee", "statusCode", "hangupReason")
    }


@pytest.mark.parametrize(
    ("reason", "written"),
    [("by_caller", "byCaller"), ("inactivityTimeout", "inactivityTimeout"), ("no money", {"other": "no money"})],
)
def test_f181_the_reason_is_the_enum_or_other(reason: str, written: object) -> None:
    assert finished(hangup_reason=reason_in_record(reason)).as_json()["hangupReason"] == written


def test_a_transferred_leg_is_a_record_inside_the_record() -> None:
    inner = finished(call_type="b2bua", call_id="s.2", ring_ms=START_MS + 50)
    record = finished(refer_callrecord=inner).as_json()
    assert record["referCallrecord"]["callType"] == "b2bua"
    assert record["referCallrecord"]["ringTime"] == "2026-11-23T06:15:32.583Z"


def test_secrets_are_hidden_by_type_and_by_value_and_numbers_stay_numbers() -> None:
    option = CallOption.model_validate(
        {"asr": {"provider": "x", "secretKey": "k-123456"}, "sip": {"username": "u", "password": "1795"}}
    )
    record = finished(
        option=dump(option), extras={"note": "the key k-123456, pin 1795", "n": 17950}, status_code=1795
    ).as_json(secrets=["k-123456", "1795"])
    assert record["option"]["asr"]["secretKey"] == "***"
    assert record["option"]["sip"]["password"] == "***"
    assert record["extras"] == {"note": "the key ***, pin ***", "n": 17950}
    assert record["statusCode"] == 1795


def test_a_variable_that_is_no_json_does_not_lose_the_record() -> None:
    assert finished(extras={"when": dt.date(2026, 11, 23)}).as_json()["extras"] == {"when": "2026-11-23"}


# ---------------------------------------------------------------- names


def test_f181_names_are_in_local_time(record: dict[str, Any]) -> None:
    assert record_name(record) == "20261123/20261123-151532_s.1.json"
    late = finished(start_ms=START_MS + 9 * 3600_000).as_json()
    assert record_name(late) == "20261124/20261124-001532_s.1.json"


def test_f183_media_and_events_have_names_of_their_own(record: dict[str, Any]) -> None:
    assert media_name(record, "t1", Path("/rec/s.1.wav")) == "20261123/s.1_t1_s.1.wav"
    assert events_name(record) == "20261123/s.1.jsonl"


@pytest.mark.parametrize("hostile", ["../../x", "a/b", "..", "a\0b", "a\nb"])
def test_no_name_leads_out_of_its_directory(hostile: str) -> None:
    record = finished(call_id=hostile).as_json()
    for name in (record_name(record), events_name(record), media_name(record, hostile, Path(f"/{hostile}/f.wav"))):
        day, slash, file = name.partition("/")
        assert (day, slash) == ("20261123", "/")
        assert "/" not in file
        assert not file.startswith(".")
        assert file.isprintable()


def test_the_key_is_the_same_at_every_attempt_and_of_no_other_call(record: dict[str, Any]) -> None:
    assert idempotency_key(record) == idempotency_key(json.loads(json.dumps(record)))
    assert idempotency_key(record) != idempotency_key(finished(start_ms=START_MS + 1).as_json())
    assert idempotency_key(record) != idempotency_key(finished(call_id="s.2").as_json())


# ---------------------------------------------------------------- the local directory


async def test_f181_the_local_sink_writes_where_the_reference_does(tmp_path: Path, record: dict[str, Any]) -> None:
    async with open_local(cast(Host, None), {"root": str(tmp_path / "cdr")}) as sink:
        await sink.deliver(record)
        await sink.deliver(record)
    assert [str(path.relative_to(tmp_path / "cdr")) for path in (tmp_path / "cdr").rglob("*.*")] == [
        "20261123/20261123-151532_s.1.json"
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


# ---------------------------------------------------------------- dump files


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_dump_has_the_references_lines_complete_and_in_order(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    file = DumpFile(dump_path("s.1", PathPolicy([tmp_path]).resolve), pool)
    for n in range(2000):
        if n % 3:
            file.event(n, json.dumps({"event": "custom", "n": n}))
        else:
            file.command(n, json.dumps({"command": "tts", "text": "schöne Grüße"}, ensure_ascii=False))
    file.close().result(5)
    file.event(9999, "{}")
    file.close().result(5)
    lines = lines_of(tmp_path / "s.1.events.jsonl")
    assert [line["timestamp"] for line in lines] == list(range(2000))
    assert lines[0] == {"type": "command", "timestamp": 0, "content": '{"command": "tts", "text": "schöne Grüße"}'}
    assert lines[1] == {"type": "event", "timestamp": 1, "content": '{"event": "custom", "n": 1}'}


def test_a_dump_is_appended_to(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    for n in range(2):
        file = DumpFile(tmp_path / "d" / "s.events.jsonl", pool)
        file.event(n, "{}")
        file.close().result(5)
    assert len(lines_of(tmp_path / "d" / "s.events.jsonl")) == 2


def test_no_known_secret_is_in_a_dump_and_its_lines_stay_json(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    file = DumpFile(tmp_path / "s.events.jsonl", pool)
    file.hide(["k-123456", "1795"])
    file.event(1795, '{"timestamp":1795000,"error":"bad key k-123456, pin 1795"}')
    file.close().result(5)
    (line,) = lines_of(tmp_path / "s.events.jsonl")
    assert line["timestamp"] == 1795
    assert json.loads(line["content"]) == {"timestamp": 1795000, "error": "bad key ***, pin ***"}


def test_a_dump_without_a_line_makes_no_file(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    file = DumpFile(tmp_path / "s.events.jsonl", pool)
    file.close().result(5)
    assert not file.path.exists()


def test_a_disk_that_refuses_is_one_error(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    (tmp_path / "file").write_bytes(b"")
    errors: list[str] = []
    file = DumpFile(tmp_path / "file" / "s.events.jsonl", pool, on_error=errors.append)
    for n in range(100):
        file.event(n, "{}")
    file.close().result(5)
    assert len(errors) == 1
    assert str(tmp_path) not in errors[0]


def test_a_session_id_cannot_lead_a_dump_astray(tmp_path: Path) -> None:
    with pytest.raises(PathRefused):
        dump_path("../x", PathPolicy([tmp_path]).resolve)
