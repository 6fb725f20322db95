"""The values that cross between the core and a provider: frozen, keyword-only, no behaviour.

Audio is always mono, signed 16-bit, native byte order: `int16[n]`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
"""Mono 16-bit samples, shape `[n]`."""


# ---------------------------------------------------------------- speech in


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    samples: Samples
    rate_hz: int


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The caller fell silent, perhaps for good. Only for recognisers whose traits ask (`wants_pauses`)."""


@dataclass(frozen=True, slots=True)
class EndOfTurn:
    """The caller's turn has ended: yield the `Final` of what was heard so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """What the recogniser believes so far; replaces the previous one of this stream."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """A finished piece. Times count from the first sample of the stream. Empty text: nothing was said."""

    text: str
    start_ms: int = 0
    end_ms: int = 0
    confidence: float | None = None
    language: str | None = None
    emotion: str | None = None
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AsrOptions:
    language: str | None = None
    model: str | None = None
    rate_hz: int = 16000
    endpoint: str | None = None
    api_key: str | None = field(default=None, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


# ---------------------------------------------------------------- speech out


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """`text[:text_end]` of the request has been spoken when `at_samples` of this stream have been played."""

    text_end: int
    at_samples: int


@dataclass(frozen=True, kw_only=True)
class TtsOptions:
    voice: str | None = None
    language: str | None = None
    speed: float = 1.0
    volume: int | None = None
    emotion: str | None = None
    model: str | None = None
    rate_hz: int = 16000
    """What the core will resample to; a provider may deliver any rate."""
    endpoint: str | None = None
    api_key: str | None = field(default=None, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class SpeakRequest:
    text: str
    emotion: str | None = None


# ---------------------------------------------------------------- text in, text out


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasoning:
    """Thoughts the model shows but that are never spoken."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    id: str
    name: str
    arguments: str
    """JSON, as the model wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    name: str
    description: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """JSON Schema."""


@dataclass(frozen=True, kw_only=True)
class LlmOptions:
    model: str | None = None
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    temperature: float | None = None
    max_tokens: int | None = None
    language: str | None = None
    script: Mapping[str, Any] | None = None
    """The playbook's `script`, for brains that are rules (`LlmTraits.rules`)."""
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class ReplyRequest:
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    reason: Literal["start", "user", "follow-up", "dtmf", "tool", "summary"] = "user"
    scene: str = "default"
    variables: Mapping[str, str] = field(default_factory=dict)
