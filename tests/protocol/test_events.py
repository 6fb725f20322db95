import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from active_call.protocol import events, warm_up
from active_call.protocol.events import (
    AddHistory,
    Answer,
    AsrDelta,
    AsrFinal,
    Attendee,
    Custom,
    Eou,
    Error,
    Event,
    Hangup,
    HangupReason,
    Initiator,
    Interrupt,
    Interruption,
    Metrics,
    Reject,
    Silence,
    TrackEnd,
    TrackStart,
    event_from,
    hangup_reason,
    reason_in_record,
    to_json,
    to_wire,
)

T: dict[str, Any] = {"trackId": "s.1", "timestamp": 1795414450045}
WIRE: list[dict[str, Any]] = [
    {"event": "incoming", **T, "caller": "sip:a@x", "callee": "sip:b@x", "sdp": "v=0", "headers": {"X-A": "b"}},
    {"event": "incoming", **T, "caller": "sip:a@x", "callee": "sip:b@x", "sdp": "v=0"},
    {"event": "answer", **T, "sdp": "", "refer": False},
    {"event": "mediaReady", **T},
    {"event": "reject", **T, "reason": "no pending call", "code": 486},
    {"event": "reject", **T, "reason": "486 Busy Here", "refer": False, "code": 486},
    {"event": "ringing", **T, "earlyMedia": False, "refer": False},
    {
        "event": "hangup",
        **T,
        "reason": "byCallee",
        "initiator": "callee",
        "startTime": "2026-11-23T06:22:47.940+00:00",
        "hangupTime": "2026-11-23T06:22:54.252+00:00",
        "answerTime": "2026-11-23T06:22:48.448+00:00",
        "ringingTime": "2026-11-23T06:22:47.945+00:00",
        "from": {"username": "desk", "realm": "example.com", "source": "sip:desk@example.com"},
        "to": {"username": "bob", "realm": "127.0.0.1", "source": "sip:bob@127.0.0.1:5060"},
        "extra": {"call_type": "sip"},
        "refer": False,
    },
    {"event": "answerMachineDetection", **T, "startTime": 1, "endTime": 2, "text": "leave a message"},
    {"event": "interrupt", "receiver": "r"},
    {"event": "interrupt"},
    {"event": "functionCall", **T, "callId": "c", "name": "f", "arguments": "{}"},
    {"event": "speaking", **T, "startTime": 5, "confidence": 1.0},
    {"event": "silence", **T, "startTime": 5, "duration": 1440},
    {"event": "silence", **T, "startTime": 5, "duration": 10000, "refer": False},
    {"event": "eou", **T, "completed": True, "complete": True, "text": "yes"},
    {"event": "inactivity", **T},
    {"event": "dtmf", **T, "digit": "#"},
    {"event": "hold", **T, "onHold": True, "refer": False},
    {"event": "transferRequest", **T, "referTo": "<sip:c@x>", "referredBy": "<sip:a@x>", "refer": False},
    {"event": "message", **T, "body": "hi", "contentType": "text/plain", "refer": False},
    {"event": "trackStart", **T},
    {"event": "trackStart", **T, "playId": "p"},
    {"event": "trackEnd", **T, "duration": 1141, "ssrc": 3610641943, "playId": "p"},
    {
        "event": "interruption",
        **T,
        "playId": "p",
        "subtitle": "so far",
        "position": 6,
        "totalDuration": 9,
        "current": 4,
    },
    {"event": "asrFinal", **T, "index": 1, "startTime": 3, "endTime": 4, "text": "hello"},
    {"event": "asrDelta", **T, "index": 0, "startTime": 3, "endTime": 4, "text": "h", "confidence": 0.9, "taskId": "t"},
    {"event": "metrics", "timestamp": 1, "key": "llm_call_start", "duration": 0, "data": {"playId": None}},
    {"event": "error", **T, "sender": "tts", "error": "refused", "code": 500},
    {"event": "addHistory", "sender": "llm", "timestamp": 1, "speaker": "assistant", "text": "Sorry."},
    {"event": "custom", "timestamp": 1, "sender": "me", "data": {"a": [1, None]}},
    {"event": "other", **T, "sender": "x", "extra": {"a": "b"}},
    {"event": "ringbackState", **T, "state": "ringing", "stateIndex": 3, "confidence": 0.8, "isFinal": False},
    {"event": "ping", "timestamp": 1, "payload": "2026-11-23T06:15:32.533+00:00"},
]


@pytest.mark.parametrize("wire", WIRE, ids=lambda wire: wire["event"])
def test_every_event_has_the_shape_of_the_wire(wire: dict[str, Any]) -> None:
    event = event_from(wire)
    assert to_wire(event) == wire
    assert json.loads(to_json(event)) == wire
    assert next(iter(to_wire(event))) == "event"
    assert next(iter(json.loads(to_json(event)))) == "event"


def test_every_event_of_the_protocol_is_in_that_list() -> None:
    assert {wire["event"] for wire in WIRE} == {kind.model_fields["event"].default for kind in get_args(Event)}


def test_optional_fields_are_left_out_never_null() -> None:
    assert to_wire(TrackStart(track_id="t", timestamp=5)) == {"event": "trackStart", "trackId": "t", "timestamp": 5}
    assert to_json(Interrupt()) == '{"event":"interrupt"}'
    assert "null" not in to_json(Error(track_id="t", timestamp=5, sender="command", error="no"))


def test_answers_say_whose_they_are() -> None:
    assert to_wire(Answer(track_id="t", timestamp=5))["refer"] is False
    assert to_wire(Answer(track_id="t", timestamp=5, refer=True))["refer"] is True
    assert "refer" not in to_wire(Reject(track_id="t", timestamp=5, reason="no pending call", code=486))


@pytest.mark.parametrize("kind", [AsrFinal, AsrDelta])
def test_a_transcript_without_times_cannot_be_made(kind: type[AsrFinal | AsrDelta]) -> None:
    with pytest.raises(ValidationError):
        kind.model_validate({"trackId": "t", "timestamp": 1, "index": 0, "text": "x"})
    wire = to_wire(kind(track_id="t", timestamp=1, index=0, text="x", start_time=0, end_time=0))
    assert (wire["startTime"], wire["endTime"]) == (0, 0)


@given(st.floats(-1e12, 1e12) | st.integers(-(10**12), 10**12))
def test_numbers_that_clients_decode_as_unsigned_are_whole_and_not_negative(number: float) -> None:
    for event in (
        AsrFinal.model_validate({"trackId": "t", "timestamp": number, "index": 0, "text": "x"} | _times(number)),
        TrackEnd.model_validate({"trackId": "t", "timestamp": number, "duration": number, "ssrc": 1}),
        Silence.model_validate({"trackId": "t", "timestamp": number, "startTime": number, "duration": number}),
        Interruption.model_validate({"trackId": "t", "timestamp": 0, "totalDuration": number, "current": number}),
    ):
        for value in json.loads(to_json(event)).values():
            assert not isinstance(value, float)
            assert not (isinstance(value, int) and value < 0)


def _times(number: float) -> dict[str, float]:
    return {"startTime": number, "endTime": number}


def test_not_a_number_is_refused_rather_than_sent() -> None:
    with pytest.raises(ValidationError):
        Silence.model_validate({"trackId": "t", "timestamp": 1, "startTime": 1, "duration": float("nan")})


def test_an_interruption_always_has_a_position() -> None:
    assert to_wire(Interruption(track_id="t", timestamp=1, total_duration=5, current=2))["position"] == 0


def test_end_of_utterance_is_sent_under_both_names() -> None:
    wire = to_wire(Eou(track_id="t", timestamp=1, completed=False))
    assert (wire["completed"], wire["complete"]) == (False, False)
    assert event_from({"event": "eou", "trackId": "t", "timestamp": 1, "complete": True}) == Eou(
        track_id="t", timestamp=1, completed=True
    )


def test_events_of_no_track_have_no_track_id() -> None:
    for event in (
        Metrics(timestamp=1, key="k"),
        AddHistory(timestamp=1, speaker="user", text="x"),
        Custom(timestamp=1, data=0),
    ):
        assert "trackId" not in to_wire(event)
    assert to_wire(Custom(timestamp=1, data=0))["data"] == 0


def test_the_times_of_a_hangup_are_written_as_rfc_3339() -> None:
    event = Hangup(
        track_id="t",
        timestamp=3,
        reason=HangupReason.AUTOHANGUP,
        initiator=Initiator.SYSTEM,
        start_time=1795414447960,
        hangup_time=1795414447999,
        from_=Attendee.of("sip:a@x"),
    )
    assert to_wire(event) == {
        "event": "hangup",
        "trackId": "t",
        "timestamp": 3,
        "reason": "autohangup",
        "initiator": "system",
        "startTime": "2026-11-23T06:14:07.960+00:00",
        "hangupTime": "2026-11-23T06:14:07.999+00:00",
        "from": {"username": "a", "realm": "x", "source": "sip:a@x"},
    }


@pytest.mark.parametrize("text", ["2026-11-23T06:14:07.960123456+00:00", "2026-11-23T07:14:07.960+01:00"])
def test_times_of_other_servers_are_read(text: str) -> None:
    wire = {"event": "hangup", **T, "startTime": text, "hangupTime": 5}
    event = event_from(wire)
    assert isinstance(event, Hangup)
    assert event.start_time == 1795414447960


@pytest.mark.parametrize("text", ["yesterday", "2026-11-23T06:14:07"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        event_from({"event": "hangup", **T, "startTime": text, "hangupTime": 5})


def test_text_that_is_no_valid_unicode_is_still_sent_as_json() -> None:
    text = to_json(AddHistory(timestamp=1, speaker="assistant", text="half \ud83d"))
    text.encode()
    assert json.loads(text)["text"] == "half \ud83d"


@pytest.mark.parametrize(
    ("uri", "username", "realm"),
    [
        ("sip:bob@127.0.0.1:5060", "bob", "127.0.0.1"),
        ('"Bob B" <sips:bob:pw@example.com;transport=tls>;tag=1', "bob", "example.com"),
        ("sip:+4930123@[2001:db8::1]:5060", "+4930123", "[2001:db8::1]"),
        ("sip:example.com", "", "example.com"),
        ("", "", ""),
    ],
)
def test_attendees_come_from_sip_uris(uri: str, username: str, realm: str) -> None:
    attendee = Attendee.of(uri)
    assert (attendee.username, attendee.realm) == (username, realm)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("caller", HangupReason.BY_CALLER),
        ("byCallee", HangupReason.BY_CALLEE),
        ("REFER", HangupReason.BY_REFER),
        ("system", HangupReason.BY_SYSTEM),
        ("autoHangup", HangupReason.AUTOHANGUP),
        ("inactivitytimeout", HangupReason.INACTIVITY_TIMEOUT),
        ("noAnswer", HangupReason.NO_ANSWER),
        ("no_answer", HangupReason.NO_ANSWER),
        ("NOBALANCE", HangupReason.NO_BALANCE),
        ("answerMachine", HangupReason.ANSWER_MACHINE),
        ("serverUnavailable", HangupReason.SERVER_UNAVAILABLE),
        ("canceled", HangupReason.CANCELED),
        ("cancelled", HangupReason.CANCELED),
        ("rejected", HangupReason.REJECTED),
        ("failed", HangupReason.FAILED),
        ("max call time reached", "max call time reached"),
        ("", ""),
    ],
)
def test_hangup_reasons_are_read_in_any_case(text: str, reason: str) -> None:
    parsed = HangupReason.parse(text)
    assert parsed == reason
    assert isinstance(parsed, HangupReason) is isinstance(reason, HangupReason)


@given(st.sampled_from(list(HangupReason)))
def test_every_reason_reads_back(reason: HangupReason) -> None:
    assert HangupReason.parse(reason) is reason
    assert HangupReason.parse(reason.upper()) is reason
    assert reason_in_record(reason) == reason.value


def test_the_initiator_of_a_command_overrides_its_reason() -> None:
    assert hangup_reason(None) is HangupReason.BY_SYSTEM
    assert hangup_reason("caller", "callee") is HangupReason.BY_CALLEE
    assert hangup_reason(None, "system") is HangupReason.AUTOHANGUP
    assert hangup_reason("failed", "the cat") is HangupReason.FAILED
    assert hangup_reason("work is done") == "work is done"
    assert reason_in_record("work is done") == {"other": "work is done"}


def test_after_warming_up_no_model_is_left_to_build() -> None:
    warm_up()
    assert all(kind.__pydantic_complete__ for kind in get_args(events.Event))
