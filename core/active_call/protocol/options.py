"""Call options: what `invite`, `accept`, `ringing`, `tts` and `refer` carry and a playbook's front matter may set.

None means "not given" wherever that matters for merging; other fields have the documented default.
"""

from typing import Any, ClassVar, TypeVar

from pydantic import ConfigDict

from .wire import U32, Default, Secret, Spellings, StringMap, WireModel, dump, secret_values

__all__ = [
    "AGCOption",
    "AmbianceOption",
    "CallOption",
    "EouOption",
    "MediaPassOption",
    "RealtimeOption",
    "RecorderOption",
    "ReferOption",
    "RingbackDetectionOption",
    "SipOption",
    "SynthesisOption",
    "TranscriptionOption",
    "VADOption",
    "dump",
    "merge",
    "overlay",
    "secret_values",
]

_KEY = {"apiKey": "secret_key", "api_key": "secret_key"}
_RATE = {"sampleRate": "samplerate", "sample_rate": "samplerate"}


class Option(WireModel):
    """Base of the options. YAML writes `speaker: 101001` and `password: 1234`; both are strings."""

    model_config = ConfigDict(coerce_numbers_to_str=True)


class TranscriptionOption(Option):
    """`asr`: which recogniser listens, and how."""

    SPELLINGS: ClassVar[Spellings] = {**_KEY, **_RATE, "model": "model_type"}

    provider: str | None = None
    language: str | None = None
    app_id: str | None = None
    secret_id: Secret | None = None
    secret_key: Secret | None = None
    model_type: str | None = None
    buffer_size: int | None = None
    """Accepted, without effect."""
    samplerate: int | None = None
    """Accepted, without effect: recognisers hear what they ask for."""
    endpoint: str | None = None
    extra: StringMap | None = None
    start_when_answer: bool | None = None
    """Hear nothing before `answer`."""


class SynthesisOption(Option):
    """`tts`: which voice speaks, and how. A command's `option` is laid over the session's field by field."""

    SPELLINGS: ClassVar[Spellings] = {**_KEY, **_RATE, "voice": "model"}

    provider: str | None = None
    speaker: str | None = None
    samplerate: int | None = None
    speed: float | None = None
    volume: int | None = None
    """None: the vendor's own; vendors count differently, so there is no common default."""
    app_id: str | None = None
    secret_id: Secret | None = None
    secret_key: Secret | None = None
    codec: str | None = None
    subtitle: bool | None = None
    model: str | None = None
    language: str | None = None
    emotion: str | None = None
    endpoint: str | None = None
    extra: StringMap | None = None
    max_concurrent_tasks: int | None = None
    session_id: str | None = None

    rate_hz: ClassVar[Default[int]] = Default("samplerate", 16000)
    tempo: ClassVar[Default[float]] = Default("speed", 1.0)
    """1.0 is the voice's own pace."""


class VADOption(Option):
    """`vad`: when speech begins and ends."""

    SPELLINGS: ClassVar[Spellings] = {**_RATE, "provider": "type"}

    type: str | None = None
    """None: silero, or what is installed."""
    samplerate: int | None = None
    speech_padding: U32 = 250
    """Shortest speech, ms."""
    silence_padding: U32 = 100
    """Shortest silence, ms."""
    ratio: float = 0.5
    """Accepted, without effect."""
    voice_threshold: float = 0.5
    max_buffer_duration_secs: int = 50
    """Accepted, without effect."""
    silence_timeout: U32 | None = None
    """Report `silence` again every so many ms of silence; None: never."""
    endpoint: str | None = None
    secret_key: Secret | None = None
    secret_id: Secret | None = None


class AGCOption(Option):
    """`agc`: level the caller's voice; `{}` switches it on."""

    headroom_db: float = 5.0
    max_gain_db: float = 50.0
    initial_gain_db: float = 15.0
    max_gain_change_db_per_second: float = 6.0
    max_output_noise_level_dbfs: float = -50.0
    adjacent_speech_frames_threshold: int = 12
    enable_limiter: bool = True


class RecorderOption(Option):
    """`recorder`: left the caller, right the server."""

    SPELLINGS: ClassVar[Spellings] = _RATE

    recorder_file: str = ""
    """Empty: named after the session; `{id}` is replaced by the session id."""
    samplerate: U32 = 16000
    ptime: U32 = 200
    """Ms per write; 0 means 200."""
    format: str = "wav"


class AmbianceOption(Option):
    """`ambiance`: background sound, laid field by field over the configured one."""

    path: str | None = None
    duck_level: float | None = None
    normal_level: float | None = None
    transition_speed: float | None = None
    enabled: bool | None = None

    duck: ClassVar[Default[float]] = Default("duck_level", 0.1)
    """Gain while somebody speaks."""
    normal: ClassVar[Default[float]] = Default("normal_level", 0.3)
    """Gain otherwise."""
    step: ClassVar[Default[float]] = Default("transition_speed", 0.01)
    """Change of gain per frame of 20 ms."""
    audible: ClassVar[Default[bool]] = Default("enabled", True)


class EouOption(Option):
    """`eou`: the model that says whether the caller has finished."""

    SPELLINGS: ClassVar[Spellings] = {**_KEY, "provider": "type"}

    type: str | None = None
    endpoint: str | None = None
    secret_key: Secret | None = None
    secret_id: Secret | None = None
    timeout: U32 | None = None
    """Ms."""
    extra: StringMap | None = None


class RealtimeOption(Option):
    """`realtime`: one speech-to-speech model instead of recogniser, brain and voice."""

    SPELLINGS: ClassVar[Spellings] = _KEY

    provider: str | None = None
    model: str | None = None
    secret_key: Secret | None = None
    secret_id: Secret | None = None
    endpoint: str | None = None
    voice: str | None = None
    instructions: str | None = None
    turn_detection: Any = None
    tools: list[Any] | None = None
    extra: StringMap | None = None
    """`instructions` and `voice` may stand here too."""


class MediaPassOption(Option):
    """`mediaPass`: the call's audio goes to a WebSocket server of the client's, and comes from there."""

    url: str
    input_sample_rate: U32
    """Hz of what that server sends."""
    output_sample_rate: U32
    """Hz of what we send."""
    packet_size: U32 = 3200
    """Bytes at 16 kHz, before resampling."""
    ptime: U32 | None = None


class RingbackDetectionOption(Option):
    """`ringbackDetection`: what the early media of an outbound call says."""

    enabled: bool = False
    model_weights_path: str = "./telcoclassifier_weights.bin"
    min_buffer_secs: float = 6.0
    detection_interval_secs: float = 2.0
    confidence_threshold: float = 0.5
    on_state_change_only: bool = True
    sliding_window_size: int = 6
    final_confidence_threshold: float = 0.9


class SipOption(Option):
    """`sip`: the one object that is snake_case on the wire; camelCase is accepted too."""

    model_config = ConfigDict(alias_generator=None)
    SPELLINGS: ClassVar[Spellings] = {
        "hangupHeaders": "hangup_headers",
        "extractHeaders": "extract_headers",
        "enableSrtp": "enable_srtp",
    }

    username: str | None = None
    password: Secret | None = None
    realm: str | None = None
    contact: str | None = None
    headers: StringMap | None = None
    hangup_headers: StringMap | None = None
    extract_headers: list[str] | None = None
    enable_srtp: bool | None = None


class CallOption(Option):
    """`option`: how one call is made and who listens and speaks in it."""

    SPELLINGS: ClassVar[Spellings] = {"sdp": "offer"}

    denoise: bool | None = None
    agc: AGCOption | None = None
    offer: str | None = None
    """SDP of a browser."""
    caller: str | None = None
    callee: str | None = None
    recorder: RecorderOption | None = None
    vad: VADOption | None = None
    asr: TranscriptionOption | None = None
    tts: SynthesisOption | None = None
    eou: EouOption | None = None
    ambiance: AmbianceOption | None = None
    media_pass: MediaPassOption | None = None
    realtime: RealtimeOption | None = None
    ringback_detection: RingbackDetectionOption | None = None
    sip: SipOption | None = None
    handshake_timeout: int | None = None
    """Accepted, without effect."""
    enable_ipv6: bool | None = None
    inactivity_timeout: U32 | None = None
    """Seconds without audio after which the call ends; None or 0: never."""
    extra: StringMap | None = None
    """Variables of the call, opaque to the server."""
    codec: str | None = None
    """`pcm` (default), `pcmu`, `pcma`, `g722`; audio over the WebSocket only."""
    subscribe: bool | None = None
    """Send the audio of both sides over the WebSocket."""
    enable_ice_lite: bool | None = None


class ReferOption(Option):
    """`options` of `refer`."""

    denoise: bool | None = None
    agc: AGCOption | None = None
    timeout: U32 = 30
    """Seconds to wait for an answer."""
    moh: str | None = None
    """File or URL to play meanwhile."""
    vad: VADOption | None = None
    asr: TranscriptionOption | None = None
    auto_hangup: bool = True
    """The caller is hung up when the transferred leg ends after its answer."""
    sip: SipOption | None = None
    call_id: str | None = None
    pause_parent_asr: bool = False
    forward_dtmf: bool = True


AnyOption = TypeVar("AnyOption", bound=Option)

FROM_PLAYBOOK = (
    "asr",
    "vad",
    "denoise",
    "agc",
    "recorder",
    "eou",
    "extra",
    "ambiance",
    "ringback_detection",
    "realtime",
    "sip",
    "media_pass",
    "inactivity_timeout",
)
"""What a playbook's front matter sets when the client does not. `tts` too, but field by field."""

_CREDENTIALS = frozenset({"app_id", "secret_id", "secret_key", "extra"})  # vendors keep tokens in `extra`
_OF_ONE_VENDOR = _CREDENTIALS | {"endpoint", "model", "model_type", "speaker", "session_id"}


def overlay(base: AnyOption | None, over: AnyOption | None) -> AnyOption | None:
    """`over` laid over `base`, field by field; what `over` did not give comes from `base`.

    Two exceptions keep one vendor's things from another: with a different provider nothing of the old vendor is
    inherited (key, endpoint, speaker, model, extra), and with a different endpoint no credentials are, so that nobody
    can have a playbook's key sent to an address of their own.
    """
    if base is None or over is None:
        return base if over is None else over
    withheld = _withheld(base, over)
    inherited = {
        field: getattr(base, field)
        for field in base.model_fields_set - withheld
        if field not in over.model_fields_set and getattr(base, field) is not None
    }
    return over.model_copy(update=inherited)


def _withheld(base: Option, over: Option) -> frozenset[str]:
    theirs, ours = getattr(over, "provider", None), getattr(base, "provider", None)
    if theirs is not None and ours is not None and theirs != ours:
        return _OF_ONE_VENDOR
    moved = getattr(over, "endpoint", None) not in (None, getattr(base, "endpoint", None))
    if moved or theirs not in (None, ours):
        return _CREDENTIALS
    return frozenset()


def merge(client: CallOption, playbook: CallOption) -> CallOption:
    """The option of a call whose client sent `client` and whose playbook says `playbook`; the client wins."""
    update: dict[str, Any] = {
        field: value
        for field in FROM_PLAYBOOK
        if getattr(client, field) is None and (value := getattr(playbook, field)) is not None
    }
    tts = overlay(playbook.tts, client.tts)
    if tts is not None:
        update["tts"] = tts
    return client.model_copy(update=update)
