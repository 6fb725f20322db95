"""Call records: their JSON, their names, where they go, and what is deleted when."""

import datetime as dt
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from active_call.protocol.options import CallOption, dump
from active_call.protocol.reasons import reason_in_record
from active_call.store.records import (
    CallRecord,
    Media,
    events_name,
    idempotency_key,
    media_name,
    record_name,
)

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
