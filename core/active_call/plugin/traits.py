"""What a plugin says about itself before anything heavy is imported.

All traits are frozen, keyword-only dataclasses: a new field comes with a default, so a plugin built against an earlier
core keeps working (`docs/explanation/plugin-api.md`).
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Traits:
    """Common to every kind."""

    summary: str = ""
    """One line for `active-call plugins`."""
    offline: bool = False
    """Works without any network."""
    needs: tuple[str, ...] = ()
    """Environment variables without which it cannot work, e.g. `DEEPGRAM_API_KEY`."""
    reads: tuple[str, ...] = ()
    """Environment variables that it uses when they are there; `Host.environ` holds these and `needs`, no others."""
    models: tuple[str, ...] = ()
    """Names in the model store without which it cannot work."""


@dataclass(frozen=True, kw_only=True)
class VadTraits(Traits):
    rates_hz: tuple[int, ...] = (16000,)
    """Rates it can be opened at (`settings["rate_hz"]`)."""


@dataclass(frozen=True, kw_only=True)
class TurnTraits(Traits):
    languages: frozenset[str] = frozenset()
    """Empty: any."""
    window_ms: int = 8000
    """How much of the caller's latest audio it looks at."""


@dataclass(frozen=True, kw_only=True)
class AsrTraits(Traits):
    rate_hz: int = 16000
    languages: frozenset[str] = frozenset()
    """BCP 47 primary subtags; empty: any."""
    interim: bool = False
    """Yields `Partial`s."""
    ends_turns: bool = False
    """Its `Final` is an end of turn of its own; the core does not wait for silence."""
    words: bool = False
    """`Final.words` is filled."""
    stream: Literal["utterance", "call"] = "utterance"
    """One `transcribe` per utterance (audio begins 300 ms before the onset) or one for the whole call."""
    chunk_ms: int = 100
    """How much audio it is handed at once."""
    wants_pauses: bool = False
    """Also gets `SpeechPaused` when the caller falls silent, so that it can start to decode before the end of turn."""
    final_p99_ms: int = 1500
    """How long after the end of turn its `Final` may take before the core goes on without it."""


@dataclass(frozen=True, kw_only=True)
class TtsTraits(Traits):
    rate_hz: int = 16000
    languages: frozenset[str] = frozenset()
    voices: tuple[str, ...] = ()
    """Names accepted as `voice`; empty: any."""
    streams_text: bool = False
    """Sessions also implement `TextStreamingVoice`."""
    marks: Literal["none", "sentence", "word"] = "none"
    emotions: frozenset[str] = frozenset()
    """Emotion tags it understands, e.g. `happy`."""


@dataclass(frozen=True, kw_only=True)
class LlmTraits(Traits):
    tools: bool = False
    """Understands native tool calls."""
    rules: bool = False
    """It is rules, not a language model, and wants `LlmOptions.script`."""


@dataclass(frozen=True, kw_only=True)
class RealtimeTraits(Traits):
    rate_hz: int = 24000
    tools: bool = True


@dataclass(frozen=True, kw_only=True)
class ProcessorTraits(Traits):
    place: Literal["before-vad", "before-asr"] = "before-vad"
    rate_hz: int = 16000


@dataclass(frozen=True, kw_only=True)
class ToolTraits(Traits):
    description: str = ""
    """What the model is told."""
    parameters: str = '{"type":"object","properties":{}}'
    """JSON Schema of the arguments, as text (a trait stays hashable)."""
    on_interrupt: Literal["finish", "cancel"] = "cancel"
    timeout_ms: int = 10_000


@dataclass(frozen=True, kw_only=True)
class SinkTraits(Traits):
    pass


@dataclass(frozen=True, kw_only=True)
class TransportTraits(Traits):
    call_type: str = ""
    """`callType` of the wire: `webSocket`, `webrtc`, `sip`."""
    carried: bool = False
    """Its audio crosses on the controller's own socket (`OpenRequest.wire`)."""
    rings: bool = False
    early_media: bool = False
    holds: bool = False
    refers: bool = False
    messages: bool = False
    sends_dtmf: bool = False
    takes_candidates: bool = False


@dataclass(frozen=True, kw_only=True)
class DecoderTraits(Traits):
    """A reader of recorded files; the core itself reads WAV and raw PCM."""

    suffixes: tuple[str, ...] = ()
    """File name endings without the dot, lower case, e.g. `mp3`."""
    content_types: tuple[str, ...] = ()
    """Media types (RFC 6838) as HTTP names them, e.g. `audio/mpeg`."""
