import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from active_call.protocol.options import (
    AGCOption,
    AmbianceOption,
    CallOption,
    EouOption,
    MediaPassOption,
    RealtimeOption,
    RecorderOption,
    ReferOption,
    RingbackDetectionOption,
    SipOption,
    SynthesisOption,
    TranscriptionOption,
    VADOption,
    dump,
    merge,
    overlay,
    secret_values,
)
from active_call.protocol.wire import WireModel

WHOLE: dict[str, Any] = {
    "denoise": False,
    "agc": {"headroomDb": 3.0, "enableLimiter": False},
    "offer": "v=0",
    "caller": "sip:a@x",
    "callee": "sip:b@x",
    "recorder": {"recorderFile": "{id}.wav", "samplerate": 8000, "ptime": 20, "format": "wav"},
    "vad": {"type": "silero", "speechPadding": 100, "silenceTimeout": 5000, "secretKey": "vad-key"},
    "asr": {"provider": "p", "appId": "1", "modelType": "m", "secretId": "id-id", "extra": {"a": "b"}},
    "tts": {"provider": "p", "speaker": "v", "speed": 1.1, "volume": 7, "maxConcurrentTasks": 2, "secretKey": "key"},
    "eou": {"type": "t", "timeout": 500, "secretKey": "eou-key"},
    "ambiance": {"path": "a.wav", "duckLevel": 0.2, "normalLevel": 0.4, "transitionSpeed": 0.1, "enabled": True},
    "mediaPass": {"url": "ws://x", "inputSampleRate": 8000, "outputSampleRate": 16000, "packetSize": 320},
    "realtime": {"provider": "openai", "turnDetection": {"type": "none"}, "tools": [{"name": "f"}], "voice": "v"},
    "ringbackDetection": {"enabled": True, "slidingWindowSize": 3},
    "sip": {"username": "u", "password": "pw", "hangup_headers": {"X-A": "b"}, "extract_headers": ["X-B"]},
    "handshakeTimeout": 5,
    "enableIpv6": True,
    "inactivityTimeout": 0,
    "extra": {"order": "7"},
    "codec": "pcmu",
    "subscribe": True,
    "enableIceLite": False,
}


def test_the_whole_option_comes_out_as_it_went_in() -> None:
    option = CallOption.model_validate(WHOLE)
    assert dump(option, reveal=True) == WHOLE
    assert CallOption.model_validate(dump(option, reveal=True)) == option


def test_every_field_of_the_option_is_in_that_example() -> None:
    assert {field.alias for field in CallOption.model_fields.values()} == set(WHOLE)


@pytest.mark.parametrize(
    ("model", "given", "field", "value"),
    [
        (TranscriptionOption, {"model": "m"}, "model_type", "m"),
        (TranscriptionOption, {"model": "m", "modelType": "n"}, "model_type", "n"),
        (TranscriptionOption, {"model": "m", "modelType": None}, "model_type", "m"),
        (TranscriptionOption, {"model_type": "n", "model": "m"}, "model_type", "n"),
        (TranscriptionOption, {"sampleRate": 8000}, "samplerate", 8000),
        (TranscriptionOption, {"sample_rate": 8000}, "samplerate", 8000),
        (TranscriptionOption, {"start_when_answer": True}, "start_when_answer", True),
        (SynthesisOption, {"voice": "v"}, "model", "v"),
        (SynthesisOption, {"voice": "v", "model": "m"}, "model", "m"),
        (SynthesisOption, {"speaker": 101001}, "speaker", "101001"),
        (SynthesisOption, {"speed": "1.5"}, "speed", 1.5),
        (SynthesisOption, {"extra": {"rate": 800, "on": True, "no": None}}, "extra", {"rate": "800", "on": "true"}),
        (VADOption, {"provider": "silero"}, "type", "silero"),
        (VADOption, {"provider": "a", "type": "b"}, "type", "b"),
        (VADOption, {"silence_timeout": 5}, "silence_timeout", 5),
        (EouOption, {"provider": "smart"}, "type", "smart"),
        (RecorderOption, {"recorder_file": "a", "ptime": None}, "ptime", 200),
        (RealtimeOption, {"turn_detection": {"a": None}}, "turn_detection", {"a": None}),
        (SipOption, {"hangupHeaders": {"A": "b"}}, "hangup_headers", {"A": "b"}),
        (SipOption, {"hangup_headers": {"A": "b"}}, "hangup_headers", {"A": "b"}),
        (SipOption, {"extractHeaders": ["A"]}, "extract_headers", ["A"]),
        (SipOption, {"enableSrtp": True}, "enable_srtp", True),
        (ReferOption, {}, "auto_hangup", True),
        (ReferOption, {"autoHangup": False}, "auto_hangup", False),
        (CallOption, {"sdp": "v=0"}, "offer", "v=0"),
        (CallOption, {"media_pass": {"url": "u", "inputSampleRate": 1, "output_sample_rate": 2}}, "codec", None),
    ],
)
def test_all_spellings_are_understood(model: type[WireModel], given: dict[str, Any], field: str, value: Any) -> None:
    assert getattr(model.model_validate(given), field) == value


@pytest.mark.parametrize("key", ["secretKey", "secret_key", "apiKey", "api_key"])
@pytest.mark.parametrize("model", [TranscriptionOption, SynthesisOption, EouOption, RealtimeOption])
def test_a_key_may_be_called_api_key(model: type[Any], key: str) -> None:
    assert model.model_validate({key: 12345}).secret_key.get_secret_value() == "12345"


def test_documented_defaults() -> None:
    assert (VADOption().speech_padding, VADOption().silence_padding, VADOption().voice_threshold) == (250, 100, 0.5)
    assert (AGCOption().headroom_db, AGCOption().max_gain_db, AGCOption().enable_limiter) == (5, 50, True)
    assert (RecorderOption().samplerate, RecorderOption().ptime, RecorderOption().format) == (16000, 200, "wav")
    assert MediaPassOption(url="u", input_sample_rate=1, output_sample_rate=1).packet_size == 3200
    assert RingbackDetectionOption().min_buffer_secs == 6
    assert (ReferOption().timeout, ReferOption().forward_dtmf) == (30, True)
    assert CallOption().inactivity_timeout is None


def test_defaults_stand_beside_fields_whose_absence_matters() -> None:
    assert AmbianceOption.duck == 0.1
    assert AmbianceOption().duck_level is None
    assert (AmbianceOption().duck, AmbianceOption().normal, AmbianceOption().step) == (0.1, 0.3, 0.01)
    assert AmbianceOption(duck_level=0.0, enabled=False).duck == 0.0
    assert not AmbianceOption(enabled=False).audible
    assert (SynthesisOption().rate_hz, SynthesisOption().tempo, SynthesisOption().speed) == (16000, 1.0, None)


def test_media_pass_needs_its_address_and_rates() -> None:
    with pytest.raises(ValidationError, match="inputSampleRate"):
        MediaPassOption.model_validate({"url": "ws://x"})


def test_options_are_values_that_nobody_changes() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        SynthesisOption(speaker="a").speaker = "b"  # type: ignore[misc]


# ---------------------------------------------------------------- secrets


def test_secrets_show_only_when_asked_for() -> None:
    option = CallOption.model_validate(WHOLE)
    secrets = {"vad-key", "id-id", "key", "eou-key", "pw"}
    assert set(secret_values(option)) == secrets
    hidden = dump(option)
    assert hidden["tts"]["secretKey"] == hidden["sip"]["password"] == hidden["asr"]["secretId"] == "***"
    for text in (json.dumps(hidden), repr(option), str(option), option.model_dump_json()):
        assert not [secret for secret in secrets if f'"{secret}"' in text or f"'{secret}'" in text]


def test_secrets_in_opaque_maps_are_known_by_their_keys() -> None:
    extra = {"access_token": "t0ken", "X-Api-Key": "k3y", "max_tokens": "100", "tenant": "blue"}
    option = CallOption(extra=extra, sip=SipOption(headers={"Authorization": "Basic abc"}))
    assert dump(option)["extra"] == {**extra, "access_token": "***", "X-Api-Key": "***"}
    assert dump(option)["sip"]["headers"] == {"Authorization": "***"}
    assert dump(option, reveal=True)["extra"] == extra
    assert set(secret_values(option)) == {"t0ken", "k3y", "Basic abc"}


def test_an_invalid_option_is_refused_without_repeating_its_secret() -> None:
    with pytest.raises(ValidationError) as caught:
        SipOption.model_validate({"username": ["u"], "password": {"x": "hunter22"}})
    assert "hunter22" not in str(caught.value)


# ---------------------------------------------------------------- overlay and merge


def test_a_partial_option_changes_only_what_it_says() -> None:
    session = SynthesisOption(provider="p", speaker="a", speed=1.2, volume=7, samplerate=8000, codec="pcmu")
    assert overlay(session, SynthesisOption(speaker="b")) == session.model_copy(update={"speaker": "b"})


def test_an_overlay_on_nothing_or_of_nothing_is_the_other_one() -> None:
    option = SynthesisOption(speaker="a")
    assert overlay(None, option) is option
    assert overlay(option, None) is option
    assert overlay(None, None) is None


def test_plain_defaults_of_the_upper_one_do_not_hide_what_the_lower_one_says() -> None:
    laid = overlay(VADOption(speech_padding=500, voice_threshold=0.7), VADOption(voice_threshold=0.5))
    assert laid == VADOption(speech_padding=500, voice_threshold=0.5)


def test_another_provider_gets_nothing_of_the_first_ones() -> None:
    base = SynthesisOption.model_validate(
        {"provider": "p", "secretKey": "key", "speaker": "v", "endpoint": "wss://p", "speed": 1.2, "extra": {"a": "b"}}
    )
    assert overlay(base, SynthesisOption(provider="q")) == SynthesisOption(provider="q", speed=1.2)


def test_a_key_never_follows_to_another_endpoint() -> None:
    base = SynthesisOption.model_validate({"provider": "p", "secretKey": "key", "secretId": "id", "speaker": "v"})
    moved = overlay(base, SynthesisOption(endpoint="wss://elsewhere"))
    assert moved == SynthesisOption(provider="p", speaker="v", endpoint="wss://elsewhere")
    assert overlay(moved, SynthesisOption(endpoint="wss://elsewhere")) == moved


def test_a_key_without_a_provider_does_not_go_to_a_provider_named_by_somebody_else() -> None:
    base = SynthesisOption.model_validate({"secretKey": "key", "speaker": "v"})
    assert overlay(base, SynthesisOption(provider="q")) == SynthesisOption(provider="q", speaker="v")


SPEAKERS = st.builds(
    SynthesisOption,
    speaker=st.none() | st.text(max_size=3),
    speed=st.none() | st.floats(0.5, 2),
    volume=st.none() | st.integers(0, 9),
    language=st.none() | st.just("en"),
)


@given(SPEAKERS, SPEAKERS, SPEAKERS)
def test_overlays_may_be_laid_in_any_grouping(a: SynthesisOption, b: SynthesisOption, c: SynthesisOption) -> None:
    assert overlay(overlay(a, b), c) == overlay(a, overlay(b, c))
    assert overlay(a, a) == a


def test_the_client_wins_and_the_playbook_fills_the_gaps() -> None:
    playbook = CallOption.model_validate(WHOLE)
    merged = merge(CallOption(denoise=True, vad=VADOption(type="mine"), codec="g722"), playbook)
    assert merged.denoise is True
    assert merged.vad == VADOption(type="mine")
    assert merged.codec == "g722"
    for field in ("asr", "tts", "agc", "recorder", "eou", "extra", "ambiance", "ringback_detection"):
        assert getattr(merged, field) == getattr(playbook, field), field


@pytest.mark.parametrize("field", ["realtime", "sip", "media_pass", "inactivity_timeout"])
def test_what_the_reference_drops_from_a_playbook_survives(field: str) -> None:
    playbook = CallOption.model_validate({**WHOLE, "inactivityTimeout": 30})
    assert getattr(merge(CallOption(), playbook), field) == getattr(playbook, field)


def test_a_client_may_switch_off_what_the_playbook_switches_on() -> None:
    merged = merge(CallOption(denoise=False, inactivity_timeout=0), CallOption(denoise=True, inactivity_timeout=30))
    assert (merged.denoise, merged.inactivity_timeout) == (False, 0)


def test_how_the_call_is_made_is_the_clients_alone() -> None:
    merged = merge(CallOption(), CallOption.model_validate(WHOLE))
    assert (merged.offer, merged.caller, merged.callee, merged.codec, merged.subscribe) == (None,) * 5


def test_the_voice_is_merged_field_by_field() -> None:
    playbook = CallOption(tts=SynthesisOption(provider="p", speaker="theirs", speed=1.2))
    merged = merge(CallOption(tts=SynthesisOption(speaker="mine")), playbook)
    assert merged.tts == SynthesisOption(provider="p", speaker="mine", speed=1.2)
    assert dump(merged) == {"tts": {"provider": "p", "speaker": "mine", "speed": 1.2}}
