"""Realtime speech models: one session that listens, thinks and speaks (OpenAI Realtime and its like)."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from .values import Audio, ToolCall, ToolSpec


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What a model is told before it begins, and again after a change of scene."""

    instructions: str
    tools: Sequence[ToolSpec] = ()


@dataclass(frozen=True, kw_only=True)
class RealtimeOptions:
    model: str | None = None
    endpoint: str | None = None
    api_key: str | None = field(default=None, repr=False)
    voice: str | None = None
    turn_detection: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    pass


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The caller's words as the vendor transcribed them."""

    text: str
    final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """Audio of the agent, with the vendor's item id (for `truncate`)."""

    item: str
    audio: Audio


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """The agent's words, as far as the vendor wrote them."""

    item: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    item: str


RealtimeEvent = SpeechStarted | SpeechStopped | Heard | Spoken | Transcript | ToolCall | Done


class RealtimeSession(Protocol):
    async def push(self, audio: Audio) -> None: ...
    async def text(self, text: str) -> None: ...
    async def result(self, call_id: str, result: str) -> None: ...
    async def update(self, brief: Brief) -> None: ...
    async def cancel(self) -> None: ...
    async def truncate(self, item: str, heard_ms: int) -> None: ...
    def events(self) -> AsyncIterator[RealtimeEvent]: ...


class Realtime(Protocol):
    def session(self, options: RealtimeOptions, brief: Brief) -> AbstractAsyncContextManager[RealtimeSession]: ...
