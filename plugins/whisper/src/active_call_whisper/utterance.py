"""One utterance: audio in, partial texts while it lasts, one final text.

The decode that gives the final text begins when the caller pauses, not when the turn has ended: by then it is mostly
done. It is thrown away when the caller goes on, which shows in one of two ways: 100 ms of audio as loud as the speech
before the pause, or another pause. Silence or line noise after the pause leaves it valid.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Protocol, TypeVar

import numpy as np

from active_call.plugin import ErrorKind, ProviderError
from active_call.plugin.providers import AudioIn
from active_call.plugin.values import Audio, EndOfTurn, Final, Partial, Samples, SpeechPaused

from .features import RATE_HZ
from .languages import Language
from .loudness import Resumption, quietest
from .reader import Reader
from .reading import NOTHING, Reading, join

T = TypeVar("T")

_PARTIAL_EVERY = RATE_HZ
_SHORTEST = RATE_HZ // 10
"""Less than 100 ms holds no word."""
_LONGEST = 29 * RATE_HZ
"""The model hears 30 s at once, and wants room behind the audio."""
_CUT_FROM, _CUT_TO = 15 * RATE_HZ, 28 * RATE_HZ
"""A longer utterance is cut at the quietest point between these."""


class Memory(Protocol):
    """What the call knows of its caller."""

    language: Language | None

    def learn(self, reading: Reading) -> None: ...


class Utterance:
    def __init__(self, reader: Reader, memory: Memory) -> None:
        self._reader = reader
        self._memory = memory
        self._tasks: list[asyncio.Task[Any]] = []
        self._chunks: list[Samples] = []
        self._heard = 0
        self._settled: list[Reading] = []
        self._settled_to = 0
        self._guess: asyncio.Task[Reading] | None = None
        self._guessed_at = 0
        self._early: asyncio.Task[Reading] | None = None
        self._early_told = False
        self._resumption: Resumption | None = None
        self._last_partial = ""

    async def transcribe(self, audio: AudioIn) -> AsyncIterator[Partial | Final]:
        """Partials as they come, then one `Final` at the end of the turn or of the audio."""
        incoming = self._begin(_next(audio))
        try:
            while True:
                await asyncio.wait(self._pending(incoming), return_when=asyncio.FIRST_COMPLETED)
                news = self._news()
                if news is not None:
                    yield news
                if not incoming.done():
                    continue
                item = incoming.result()
                if item is None or isinstance(item, EndOfTurn):
                    break
                if isinstance(item, SpeechPaused):
                    self._pause()
                else:
                    self._hear(item)
                incoming = self._begin(_next(audio))
            yield await self._final()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task that does not outlive this stream."""
        task = asyncio.ensure_future(work)
        self._tasks = [old for old in self._tasks if not _retired(old)]
        self._tasks.append(task)
        return task

    def _pending(self, incoming: asyncio.Task[Any]) -> list[asyncio.Task[Any]]:
        early = None if self._early_told else self._early
        return [task for task in (incoming, self._guess, early) if task is not None]

    # What happens: audio, a pause, the end

    def _hear(self, audio: Audio) -> None:
        if audio.rate_hz != RATE_HZ:
            raise ProviderError(
                ErrorKind.BAD_REQUEST,
                f"Whisper hears {RATE_HZ} Hz, got {audio.rate_hz} Hz: resample the audio before it is handed over",
            )
        self._chunks.append(audio.samples)
        self._heard += len(audio.samples)
        if self._resumption is not None and self._resumption.hear(audio.samples):
            self._resumption = None
            self._cancel_early()
        if self._resumption is not None or self._guess is not None:
            return
        if self._heard - self._guessed_at >= _PARTIAL_EVERY and self._reader.may_guess:
            self._guessed_at = self._heard
            self._guess = self._begin(self._decode(self._heard, guess=True))

    def _pause(self) -> None:
        self._cancel_early()
        if self._guess is not None:
            self._guess.cancel()
            self._guess = None
        self._resumption = Resumption(self._samples(self._settled_to, self._heard))
        self._early = self._begin(self._decode(self._heard))
        self._early_told = False

    async def _final(self) -> Final:
        if self._early is not None:
            reading = await self._early
        else:
            if self._guess is not None:
                self._guess.cancel()
            reading = await self._decode(self._heard)
        self._memory.learn(reading)
        end_ms = self._heard * 1000 // RATE_HZ
        if not reading.text:
            return Final(text="", end_ms=end_ms)
        return Final(
            text=reading.text,
            end_ms=end_ms,
            confidence=round(reading.confidence, 3),
            language=reading.language.code,
        )

    # Decoding

    async def _decode(self, end: int, *, guess: bool = False) -> Reading:
        """Everything up to sample `end`. Pieces of 15 to 28 s that are behind a long utterance are settled for good."""
        read = self._reader.guess if guess else self._reader.read
        while end - self._settled_to > _LONGEST:
            cut = quietest(self._samples(self._settled_to, end), _CUT_FROM, _CUT_TO)
            piece = self._samples(self._settled_to, self._settled_to + cut)
            self._settled.append(await read(piece, self._language))
            self._settled_to += cut
        rest = self._samples(self._settled_to, end)
        tail = await read(rest, self._language) if len(rest) >= _SHORTEST else NOTHING
        return join([*self._settled, tail])

    @property
    def _language(self) -> Language | None:
        """The call's, or what the settled pieces of this utterance were in."""
        settled = (reading.language for reading in self._settled if reading.text and reading.credible)
        return self._memory.language or next(settled, None)

    def _news(self) -> Partial | None:
        """The text of a decode that has just finished. Raises what the decode raised."""
        reading: Reading | None = None
        if self._guess is not None and self._guess.done():
            reading, self._guess = self._guess.result(), None
        elif self._early is not None and self._early.done() and not self._early_told:
            reading, self._early_told = self._early.result(), True
        if reading is None or reading.text in ("", self._last_partial):
            return None
        self._last_partial = reading.text
        return Partial(text=reading.text)

    def _samples(self, start: int, end: int) -> Samples:
        if len(self._chunks) > 1:
            self._chunks = [np.concatenate(self._chunks)]
        return self._chunks[0][start:end] if self._chunks else np.zeros(0, np.int16)

    def _cancel_early(self) -> None:
        if self._early is not None:
            self._early.cancel()
            self._early = None


def _retired(task: asyncio.Task[Any]) -> bool:
    """Done, and whatever it raised is known: nothing is left to wait for."""
    return task.done() and (task.cancelled() or task.exception() is None)


async def _next(audio: AudioIn) -> Audio | SpeechPaused | EndOfTurn | None:
    return await anext(audio, None)
