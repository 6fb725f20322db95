"""A plugin of fakes: a whole call can be held with no model, no key and no network, and every failure provoked.

Give an instance to `discover(extra=[Fakes()])`; it registers each kind under the name `fake`. Its knobs may be turned
while calls run.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from active_call.plugin import AsrTraits, LlmTraits, TtsTraits, TurnTraits, VadTraits, hookimpl
from active_call.plugin.host import Host
from active_call.plugin.providers import AudioIn
from active_call.plugin.registry import Register
from active_call.plugin.values import (
    AsrOptions,
    Audio,
    EndOfTurn,
    Final,
    LlmOptions,
    Mark,
    Partial,
    ReplyRequest,
    SpeakRequest,
    SpeechPaused,
    Text,
    TtsOptions,
)

RATE_HZ = 16000
MS_PER_CHAR = 20
TONE_HZ = 440


@dataclass(eq=False)
class Fakes:
    """The plugin and its knobs. A text given to the recogniser is what the caller's next turn will have said."""

    transcripts: list[str] = field(default_factory=list)
    """Final texts, one per utterance; when they are used up, nothing was said."""
    replies: list[str | Exception | list[str | Exception]] = field(default_factory=list)
    """What the brain answers in turn; an exception is raised instead. A list is the very pieces it comes in, one that
    ends in an exception breaks off there. Used up: it repeats the caller."""
    trouble: dict[str, Exception | None] = field(default_factory=dict)
    """What goes wrong, by `kind place`: kind is `vad`, `turn`, `asr`, `tts` or `llm`, place `open`, `session`, `stream`
    or, once something has come of the stream, `midstream`. An exception is raised, None hangs until `released`."""
    released: asyncio.Event = field(default_factory=asyncio.Event)
    complete: float = 0.9
    """What the turn model says of every pause."""
    token_s: float = 0.0
    """Between two tokens of the brain."""
    voice_error: Exception | None = None
    voice_hangs: bool = False
    """The voice yields one chunk and then nothing more."""
    asr_error: Exception | None = None
    asr_hangs: bool = False
    spoken: list[str] = field(default_factory=list)
    """Texts that the voice was asked to speak."""
    emotions: frozenset[str] = frozenset()
    """What the voice can be asked for; counts when it is registered."""
    felt: list[str | None] = field(default_factory=list)
    """How the voice was asked to speak each of `spoken`."""
    asked: list[ReplyRequest] = field(default_factory=list)
    heard_samples: int = 0
    """16 kHz samples that reached the recogniser."""
    open_streams: int = 0
    """Generators of any kind that have begun and not ended: 0 when nothing leaks."""

    @hookimpl
    def register_vad(self, register: Register) -> None:
        register("fake", self._opening("vad", EnergyDetector), VadTraits(offline=True, rates_hz=(8000, 16000)))

    @hookimpl
    def register_turn(self, register: Register) -> None:
        register("fake", self._opening("turn", lambda: _Turn(self)), TurnTraits(offline=True))

    @hookimpl
    def register_asr(self, register: Register) -> None:
        register("fake", self._opening("asr", lambda: _Recogniser(self)), AsrTraits(offline=True, interim=True))
        traits = AsrTraits(interim=True, stream="call", ends_turns=True, wants_pauses=True)
        register("fake-stream", self._opening("asr", lambda: _Recogniser(self, ends_turns=True)), traits)

    @hookimpl
    def register_tts(self, register: Register) -> None:
        traits = TtsTraits(offline=True, marks="word", voices=("tone",), emotions=self.emotions)
        register("fake", self._opening("tts", lambda: _Voice(self)), traits)

    @hookimpl
    def register_llm(self, register: Register) -> None:
        register("fake", self._opening("llm", lambda: _Brain(self)), LlmTraits(offline=True))

    @contextlib.contextmanager
    def stream(self) -> Any:
        self.open_streams += 1
        try:
            yield
        finally:
            self.open_streams -= 1

    async def meet(self, place: str) -> None:
        """Go through the trouble that waits at this place, if any."""
        if place in self.trouble:
            error = self.trouble[place]
            if error is not None:
                raise error
            await self.released.wait()

    def _opening(self, kind: str, make: Callable[[], Any]) -> Callable[..., Any]:
        @contextlib.asynccontextmanager
        async def open_fake(host: Host, settings: Mapping[str, Any]) -> AsyncIterator[Any]:
            await self.meet(f"{kind} open")
            yield make()

        return open_fake


class EnergyDetector:
    """A `Detector`: probability 1 for a window with a sample above -30 dBFS, else 0."""

    rate_hz = RATE_HZ
    window = 512

    def __init__(self) -> None:
        self.joined: set[int] = set()

    def join(self) -> int:
        slot = next(n for n in range(len(self.joined) + 1) if n not in self.joined)
        self.joined.add(slot)
        return slot

    def leave(self, slot: int) -> None:
        self.joined.remove(slot)

    def score(self, slots: NDArray[np.intp], windows: NDArray[np.int16]) -> NDArray[np.float32]:
        loudest: NDArray[np.int32] = np.abs(windows.astype(np.int32)).max(axis=1)
        return np.where(loudest > 1000, np.float32(1), np.float32(0))


class _Turn:
    def __init__(self, fakes: Fakes) -> None:
        self._fakes = fakes

    async def score(self, audio: Audio) -> float:
        await self._fakes.meet("turn stream")
        return self._fakes.complete


class _Recogniser:
    """Says the next transcript at the end of the turn; with `ends_turns` at the caller's first pause."""

    def __init__(self, fakes: Fakes, *, ends_turns: bool = False) -> None:
        self._fakes = fakes
        self._ends_turns = ends_turns

    @contextlib.asynccontextmanager
    async def session(self, options: AsrOptions) -> AsyncIterator["_Recogniser"]:
        await self._fakes.meet("asr session")
        yield self

    async def transcribe(self, audio: AudioIn) -> AsyncIterator[Partial | Final]:
        fakes = self._fakes
        with fakes.stream():
            await fakes.meet("asr stream")
            samples, partial_due = 0, True
            async for item in audio:
                if fakes.asr_error is not None:
                    raise fakes.asr_error
                if isinstance(item, Audio):
                    samples += len(item.samples)
                    fakes.heard_samples += len(item.samples)
                    words = fakes.transcripts[0].split() if fakes.transcripts else []
                    if words and partial_due and samples > 4800 and not self._ends_turns:
                        yield Partial(text=words[0])
                        partial_due = False
                        await fakes.meet("asr midstream")
                elif isinstance(item, SpeechPaused if self._ends_turns else EndOfTurn):
                    if fakes.asr_hangs:
                        await asyncio.Event().wait()
                    text = fakes.transcripts.pop(0) if fakes.transcripts else ""
                    yield Final(text=text, start_ms=300, end_ms=samples * 1000 // RATE_HZ)
                    if not self._ends_turns:
                        return


class _Voice:
    def __init__(self, fakes: Fakes, emotion: str | None = None) -> None:
        self._fakes = fakes
        self._emotion = emotion

    @contextlib.asynccontextmanager
    async def session(self, options: TtsOptions) -> AsyncIterator["_Voice"]:
        await self._fakes.meet("tts session")
        yield _Voice(self._fakes, options.emotion)

    async def speak(self, request: SpeakRequest) -> AsyncIterator[Audio | Mark]:
        """A tone of 20 ms per character, in chunks of 100 ms, with a mark at each word's end."""
        fakes = self._fakes
        with fakes.stream():
            fakes.spoken.append(request.text)
            fakes.felt.append(request.emotion or self._emotion)
            await fakes.meet("tts stream")
            if fakes.voice_error is not None:
                raise fakes.voice_error
            total = len(request.text) * MS_PER_CHAR * RATE_HZ // 1000
            for end in _word_ends(request.text):
                yield Mark(text_end=end, at_samples=end * MS_PER_CHAR * RATE_HZ // 1000)
            wave = (np.sin(2 * np.pi * TONE_HZ * np.arange(total) / RATE_HZ) * 8000).astype(np.int16)
            for start in range(0, total, RATE_HZ // 10):
                yield Audio(samples=wave[start : start + RATE_HZ // 10], rate_hz=RATE_HZ)
                if fakes.voice_hangs:
                    await asyncio.Event().wait()
                await fakes.meet("tts midstream")
                await asyncio.sleep(0)


def _word_ends(text: str) -> list[int]:
    return [n for n in range(1, len(text) + 1) if n == len(text) or (text[n] == " " and text[n - 1] != " ")]


class _Brain:
    def __init__(self, fakes: Fakes) -> None:
        self._fakes = fakes

    @contextlib.asynccontextmanager
    async def session(self, options: LlmOptions) -> AsyncIterator["_Brain"]:
        await self._fakes.meet("llm session")
        yield self

    async def reply(self, request: ReplyRequest) -> AsyncIterator[Text]:
        fakes = self._fakes
        with fakes.stream():
            fakes.asked.append(request)
            await fakes.meet("llm stream")
            said = next((m.content for m in reversed(request.messages) if m.role == "user"), "")
            answer = fakes.replies.pop(0) if fakes.replies else f"You said: {said}"
            pieces = answer if isinstance(answer, list) else _tokens(answer)
            for piece in pieces:
                if isinstance(piece, Exception):
                    raise piece
                yield Text(text=piece)
                await fakes.meet("llm midstream")
                await asyncio.sleep(fakes.token_s)


def _tokens(answer: str | Exception) -> Sequence[str | Exception]:
    if isinstance(answer, Exception):
        return [answer]
    words = answer.split(" ")
    return [word + " " for word in words[:-1]] + words[-1:]


def tone(seconds: float, hz: int = 300) -> NDArray[np.int16]:
    """A caller's voice that `EnergyDetector` takes for speech: `int16[n]` at 16 kHz."""
    return (np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ) * 8000).astype(np.int16)
