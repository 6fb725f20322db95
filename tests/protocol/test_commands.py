import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.protocol.commands import COMMANDS, BadCommand, Message, Play, Tts, command_from, parse_command
from active_call.protocol.options import SynthesisOption, dump

GO_CLIENT: list[dict[str, Any]] = [
    {
        "command": "invite",
        "option": {
            "denoise": True,
            "callee": "sip:bob@example.com",
            "caller": "sip:desk@example.com",
            "recorder": {"samplerate": 16000},
            "vad": {"type": "silero", "silenceTimeout": 5000},
            "asr": {"provider": "aliyun", "secretKey": "k", "model": "a", "modelType": "b", "sampleRate": 16000},
            "tts": {"provider": "aliyun", "speaker": "v", "volume": 5, "speed": 1.0},
            "eou": {"type": "x"},
            "sip": {"username": "u", "password": "pass-word", "hangup_headers": {"X-A": "b"}},
        },
    },
    {"command": "invite", "option": {"denoise": True, "offer": "v=0\r\n"}},
    {"command": "accept", "option": {"denoise": True}},
    {"command": "accept"},
    {"command": "ringing"},
    {"command": "ringing", "ringtone": "ring.wav"},
    {"command": "ringing", "recorder": {"recorderFile": "a.wav", "samplerate": 16000}, "earlyMedia": True},
    {"command": "reject", "reason": "busy"},
    {"command": "reject", "reason": "busy", "code": 486},
    {"command": "reject"},
    {"command": "tts", "text": "Hello, how can I help you?", "endOfStream": True},
    {"command": "tts", "text": "This ", "playId": "llm-1", "streaming": True},
    {"command": "tts", "text": "", "playId": "llm-1", "endOfStream": True},
    {"command": "tts", "text": "", "autoHangup": True, "option": {"speaker": "v"}, "waitInputTimeout": 10000},
    {"command": "play", "url": "https://example.com/a.wav", "autoHangup": True},
    {"command": "interrupt"},
    {"command": "interrupt", "graceful": True},
    {"command": "pause"},
    {"command": "resume"},
    {"command": "hangup"},
    {"command": "hangup", "reason": "max call time reached"},
    {"command": "refer", "caller": "sip:desk@example.com", "callee": "sip:carol@example.com"},
    {"command": "refer", "callee": "sip:carol@example.com", "options": {"timeout": 5, "moh": "hold.wav"}},
    {"command": "mute"},
    {"command": "mute", "trackId": "server-side-track"},
    {"command": "unmute"},
    {"command": "history", "speaker": "user", "text": "hello there"},
]
BROWSER_PAGE: list[dict[str, Any]] = [
    {"command": "invite", "option": {"offer": "v=0\r\n"}},
    {"command": "invite", "option": {"callee": "sip:bob@example.com"}},
    {"command": "hangup"},
]
THE_REST: list[dict[str, Any]] = [
    {"command": "message", "body": "hi", "contentType": "application/json", "headers": {"X-A": "b"}, "refer": True},
    {"command": "bridge", "targetSessionId": "s.1"},
    {"command": "unbridge", "targetSessionId": "s.1"},
    {"command": "custom", "data": {"a": [1, None]}, "sender": "me"},
    {"command": "addIceCandidate", "candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "0"},
]
ALL = GO_CLIENT + BROWSER_PAGE + THE_REST


@pytest.mark.parametrize("data", ALL, ids=lambda data: data["command"])
def test_what_clients_send_is_understood_and_comes_out_as_it_came_in(data: dict[str, Any]) -> None:
    command = parse_command(json.dumps(data))
    assert type(command) is COMMANDS[data["command"]]
    assert command_from(dump(command, reveal=True)) == command
    again = dump(command, reveal=True)
    if "asr" not in data.get("option", {}):  # both spellings of the model come out as one
        assert again == data


def test_every_command_of_the_protocol_has_an_example_here() -> None:
    assert {data["command"] for data in ALL} == set(COMMANDS)


def test_bytes_are_as_good_as_text() -> None:
    assert parse_command('{"command":"tts","text":"你好"}'.encode()) == Tts(text="你好")


def test_null_is_the_same_as_absent_and_unknown_keys_are_ignored() -> None:
    text = '{"command":"tts","text":"a","streaming":null,"option":null,"playId":null,"colour":"red"}'
    assert parse_command(text) == Tts(text="a")


def test_snake_case_is_understood_too() -> None:
    command = command_from({"command": "tts", "text": "a", "play_id": "p", "wait_input_timeout": 5})
    assert command == Tts(text="a", play_id="p", wait_input_timeout=5)


def test_null_inside_custom_data_is_data() -> None:
    assert dump(command_from({"command": "custom", "data": {"a": None}}))["data"] == {"a": None}
    assert command_from({"command": "custom", "data": None}) == COMMANDS["custom"](data=None)
    with pytest.raises(BadCommand, match=r"custom\.data: missing"):
        command_from({"command": "custom"})


def test_a_message_may_call_its_body_text() -> None:
    assert command_from({"command": "message", "text": "hi"}) == Message(body="hi")
    assert command_from({"command": "message", "text": "no", "body": "hi"}) == Message(body="hi")


@pytest.mark.parametrize("key", ["sdpMlineIndex", "sdpMLineIndex", "sdp_mline_index"])
def test_the_line_index_of_a_candidate_has_many_spellings(key: str) -> None:
    command = command_from({"command": "addIceCandidate", "candidate": "", key: 1})
    assert dump(command) == {"command": "addIceCandidate", "candidate": "", "sdpMlineIndex": 1}


def test_a_command_that_does_not_stream_is_complete() -> None:
    assert Tts(text="a").ends_stream
    assert not Tts(text="a", streaming=True).ends_stream
    assert Tts(text="a", streaming=True, end_of_stream=True).ends_stream


def test_the_play_id_of_a_file_is_its_url_unless_given() -> None:
    assert Play(url="a.wav").track_play_id == "a.wav"
    assert Play(url="a.wav", play_id="p").track_play_id == "p"


def test_the_speaker_of_a_command_comes_before_its_options_and_the_sessions() -> None:
    session = SynthesisOption(provider="p", speaker="session", speed=1.2)
    assert Tts(text="a").voice(session) == session
    assert Tts(text="a").voice(None) is None
    assert Tts(text="a", option=SynthesisOption(speaker="option")).voice(session) == SynthesisOption(
        provider="p", speaker="option", speed=1.2
    )
    loudest = Tts(text="a", speaker="command", option=SynthesisOption(speaker="option"))
    assert loudest.voice(session) == SynthesisOption(provider="p", speaker="command", speed=1.2)
    assert loudest.voice(None) == SynthesisOption(speaker="command")


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("hello", "line 1 column 1", "not JSON"),
        ("", "line 1 column 0", "not JSON"),
        ('{"command":', "line 1 column 11", "EOF"),
        ("[]", "command", "expected an object, got a list"),
        ("5", "command", "expected an object, got a number"),
        ("{}", "command", "missing"),
        ('{"Command":"hangup"}', "command", 'the key is "command", not "Command"'),
        ('{"command":5}', "command", "should be a string, got a number"),
        ('{"command":"TTS","text":"x"}', "command", 'did you mean "tts"'),
        ('{"command":"hang_up"}', "command", 'did you mean "hangup"'),
        ('{"command":"nonsense"}', "command", "addIceCandidate"),
        ('{"command":"tts"}', "tts.text", "missing"),
        ('{"command":"tts","text":5}', "tts.text", "should be a string, got a number"),
        ('{"command":"hangup","reason":5}', "hangup.reason", "should be a string"),
        ('{"command":"invite","option":[]}', "invite.option", "should be an object, got a list"),
        ('{"command":"invite","option":{"tts":{"speed":"fast"}}}', "invite.option.tts.speed", "got a string"),
        ('{"command":"invite","option":{"mediaPass":{}}}', "invite.option.mediaPass.url", "missing (and 2 more)"),
        ('{"command":"play","url":"a","offsetMs":-1}', "play.offsetMs", "greater than or equal to 0"),
        ('{"command":"tts","text":"a","waitInputTimeout":0.5}', "tts.waitInputTimeout", "fractional"),
        ("\ud800", "text", "Unicode"),
        ('{"command":"custom","data":' + "[" * 5000, "line 1", "recursion limit"),
    ],
)
def test_a_bad_command_is_told_where_and_what_and_how_to_mend_it(text: str, place: str, says: str) -> None:
    with pytest.raises(BadCommand) as caught:
        parse_command(text)
    error = caught.value
    assert error.place.startswith(place)
    assert says in str(error)
    assert error.problem
    assert error.remedy


def test_an_error_never_repeats_a_value() -> None:
    with pytest.raises(BadCommand) as caught:
        command_from({"command": "invite", "option": {"tts": {"secretKey": ["sk-very-secret"]}}})
    assert caught.value.place == "invite.option.tts.secretKey"
    assert "sk-very" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_error_stays_short_whatever_was_sent() -> None:
    for data in ({"command": "x" * 100_000}, {"command": "hangup", "headers": {"y" * 100_000: []}}):
        with pytest.raises(BadCommand) as caught:
            command_from(data)
        assert len(str(caught.value)) < 600


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = sorted({field.alias or name for kind in COMMANDS.values() for name, field in kind.model_fields.items()})


@given(st.text() | st.binary() | JSON.map(json.dumps))
def test_no_text_makes_the_parser_raise_anything_but_bad_command(text: str | bytes) -> None:
    with contextlib.suppress(BadCommand):
        assert parse_command(text).command in COMMANDS


@given(st.sampled_from(sorted(COMMANDS)), st.dictionaries(st.sampled_from(KEYS), JSON))
def test_no_values_of_known_keys_make_it_raise_anything_else_either(name: str, fields: dict[str, Any]) -> None:
    try:
        command = parse_command(json.dumps({**fields, "command": name}))
    except BadCommand:
        return
    assert command_from(dump(command, reveal=True)) == command
