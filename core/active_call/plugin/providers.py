"""Protocols of what a plugin's factory returns. Nothing here is inherited: any object of this shape will do.

Three lifetimes. A *factory* `open(host, settings)` is an async context manager that lives as long as the process and
yields a provider (weights, pools). `provider.session(options)` is an async context manager that lives as long as a
call. A session's methods are async generators that live as long as one stream; the core closes them to cancel, and
within 100 ms nothing more may come out and nothing more may be paid for.

A provider never sees a call, a leg, a playbook or the event stream: values in, values out. It raises `ProviderError`
or anything else; retries, time-outs, fallback, resampling, metrics and redaction belong to the core.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from .host import Host
from .values import (
    AsrOptions,
    Audio,
    EndOfTurn,
    Final,
    LlmOptions,
    Mark,
    Partial,
    Reasoning,
    ReplyRequest,
    Samples,
    SpeakRequest,
    SpeechPaused,
    Text,
    ToolCall,
    TtsOptions,
    Usage,
)

Settings = Mapping[str, Any]
AudioIn = AsyncIterator[Audio | SpeechPaused | EndOfTurn]


P_co = TypeVar("P_co", covariant=True)


class Factory(Protocol[P_co]):
    """What is registered (as an object or as a dotted name `package.module:attribute`)."""

    def __call__(self, host: Host, settings: Settings, /) -> AbstractAsyncContextManager[P_co]: ...


# ---------------------------------------------------------------- hearing


class Detector(Protocol):
    """Voice activity for all calls at once. Synchronous: called from the media clock, it must take microseconds."""

    rate_hz: int
    window: int
    """Samples per window (Silero: 512 at 16 kHz, 256 at 8 kHz)."""

    def join(self) -> int:
        """A fresh state row for one stream."""
        ...

    def leave(self, slot: int) -> None: ...

    def score(self, slots: NDArray[np.intp], windows: NDArray[np.int16]) -> NDArray[np.float32]:
        """Speech probability of `windows[i]` (shape `[n, window]`) given the state of `slots[i]`, which advances."""
        ...


class TurnModel(Protocol):
    """Has the caller finished speaking, or only paused?"""

    async def score(self, audio: Audio) -> float:
        """Probability in 0..1 that the turn is complete, from the latest audio of this turn (at most `window_ms`)."""
        ...


class RecogniserSession(Protocol):
    def transcribe(self, audio: AudioIn) -> AsyncIterator[Partial | Final]:
        """One stream, per utterance or per call (`AsrTraits.stream`)."""
        ...


class Recogniser(Protocol):
    def session(self, options: AsrOptions) -> AbstractAsyncContextManager[RecogniserSession]: ...


# ---------------------------------------------------------------- speaking


class VoiceSession(Protocol):
    def speak(self, request: SpeakRequest) -> AsyncIterator[Audio | Mark]:
        """One sentence or more of text, whole. A `Mark` may come before or after the audio it points into."""
        ...


class TextStreamingVoice(Protocol):
    """Announced by `TtsTraits.streams_text`: takes text while it is being written."""

    def speak_stream(self, pieces: AsyncIterator[str]) -> AsyncIterator[Audio | Mark]: ...


class Voice(Protocol):
    def session(self, options: TtsOptions) -> AbstractAsyncContextManager[VoiceSession]: ...


# ---------------------------------------------------------------- thinking


class BrainSession(Protocol):
    def reply(self, request: ReplyRequest) -> AsyncIterator[Text | Reasoning | ToolCall | Usage]: ...


class Brain(Protocol):
    def session(self, options: LlmOptions) -> AbstractAsyncContextManager[BrainSession]: ...


# ---------------------------------------------------------------- signal processing


class Processor(Protocol):
    """An effect on the caller's audio, e.g. noise suppression or echo cancellation. Synchronous, per call."""

    rate_hz: int
    block_ms: int
    delay_samples: int

    def process(self, near: Samples, far: Samples) -> Samples:
        """`near` is the caller, `far` what this leg was last sent; same length as `near` comes back."""
        ...


class ProcessorProvider(Protocol):
    def session(self, options: Settings) -> AbstractAsyncContextManager[Processor]: ...


# ---------------------------------------------------------------- tools and sinks


class ToolContext(Protocol):
    """What a tool may know and do during one call."""

    session_id: str
    caller: str
    callee: str
    variables: Mapping[str, str]

    def set_variable(self, name: str, value: str) -> None: ...

    async def say(self, text: str) -> None:
        """Speak a filler such as "one moment"."""
        ...

    async def act(self, command: Mapping[str, Any]) -> None:
        """Issue a wire command; it passes the same policy as a client's."""
        ...


class Tool(Protocol):
    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> str:
        """The result that the model reads."""
        ...


class Sink(Protocol):
    """Receives each finished call record."""

    async def deliver(self, record: Mapping[str, Any]) -> None: ...


# ---------------------------------------------------------------- files


class Decoder(Protocol):
    def decode(self, data: bytes) -> Audio:
        """A whole file as mono samples at its own rate. Blocking: the core calls it in the pool.

        Raises ValueError when the bytes are not of this format; the text is for the client.
        """
        ...
