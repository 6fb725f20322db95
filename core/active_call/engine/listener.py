"""Feeds a recogniser: a stream per utterance (or per call), audio from before the onset, pauses, the end of turn."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable

from active_call.audio import RATE_HZ
from active_call.audio.resample import Resampler
from active_call.media.intake import Feed, Intake
from active_call.plugin.errors import ErrorKind, ProviderError
from active_call.plugin.providers import RecogniserSession
from active_call.plugin.traits import AsrTraits
from active_call.plugin.values import Audio, EndOfTurn, Final, Partial, Samples, SpeechPaused
from active_call.providers.errors import classify
from active_call.providers.stream import read
from active_call.providers.trust import Trust, act_for

from .reports import Reports, Task

BEFORE_ONSET = RATE_HZ * 300 // 1000
REPLAY = 30 * RATE_HZ
"""How much of an utterance is kept for a second try."""
LATE_FACTOR = 4
"""A recogniser that has not answered after four times its own p99 is given up."""


class _Stream:
    """The audio of one `transcribe`, ended by the core; can be replayed after a failure."""

    def __init__(self, start: int, resampler: Resampler | None, rate_hz: int) -> None:
        self.start = start
        self.rate_hz = rate_hz
        self.feed: Feed | None = None
        self.ended = False
        self.finals = 0
        self._patience: asyncio.Timeout | None = None
        self._until: float | None = None
        self._resampler = resampler
        self._items: deque[Audio | SpeechPaused | EndOfTurn] = deque()
        self._kept: list[Audio | SpeechPaused | EndOfTurn] = []
        self._kept_samples = 0
        self._news = asyncio.Event()

    def audio(self, samples: Samples) -> None:
        if self._resampler is not None:
            samples = self._resampler.process(samples)
        self._kept_samples += len(samples)
        self.put(Audio(samples=samples, rate_hz=self.rate_hz))

    def put(self, item: Audio | SpeechPaused | EndOfTurn) -> None:
        self._items.append(item)
        if self._kept_samples <= REPLAY:
            self._kept.append(item)
        else:
            self._kept.clear()
        self._news.set()

    def close(self, patience_ms: int) -> None:
        """No more audio; the recogniser has `patience_ms` to finish."""
        self.ended = True
        self._news.set()
        self._until = asyncio.get_running_loop().time() + patience_ms / 1000
        if self._patience is not None:
            self._patience.reschedule(self._until)

    @contextlib.asynccontextmanager
    async def patience(self) -> AsyncIterator[None]:
        """The bound of one try; tightened when the audio ends."""
        try:
            async with asyncio.timeout_at(self._until) as self._patience:
                yield
        finally:
            self._patience = None

    def replay(self) -> bool:
        """Queue everything once more; False when it is too long to repeat, or too late."""
        late = self._until is not None and asyncio.get_running_loop().time() >= self._until
        if late or self._kept_samples > REPLAY:
            return False
        self._items = deque(self._kept)
        return True

    async def items(self) -> AsyncIterator[Audio | SpeechPaused | EndOfTurn]:
        while True:
            while self._items:
                yield self._items.popleft()
            if self.ended:
                return
            self._news.clear()
            await self._news.wait()


class Listener:
    """Owned by the ears. Texts come back through `on_partial` and `on_final(text, ends_turn)`."""

    def __init__(
        self,
        session: RecogniserSession,
        traits: AsrTraits,
        *,
        name: str,
        trust: Trust,
        intake: Intake,
        reports: Reports,
        now_ms: Callable[[], int],
        on_partial: Callable[[Partial], None],
        on_final: Callable[[Final, bool], None],
    ) -> None:
        self._session = session
        self._traits = traits
        self._name = name
        self._trust = trust
        self._intake = intake
        self._reports = reports
        self._now_ms = now_ms
        self._on_partial = on_partial
        self._on_final = on_final
        self._stream: _Stream | None = None
        self._task: Task | None = None
        self._index = 0
        self._began_ms = 0
        self._first_told = False

    @property
    def per_call(self) -> bool:
        return self._traits.stream == "call"

    def begin(self, onset: int) -> None:
        """Speech began at sample `onset`; a stream that is already open just goes on."""
        self._began_ms = self._intake.at_ms(onset, self._now_ms())
        self._first_told = False
        if self._stream is not None:
            return
        start = max(0, onset - BEFORE_ONSET)
        rate = self._traits.rate_hz
        stream = self._stream = _Stream(start, None if rate == RATE_HZ else Resampler(RATE_HZ, rate), rate)
        stream.feed = self._intake.feed(start, RATE_HZ * self._traits.chunk_ms // 1000, stream.audio)
        self._task = self._reports.spawn(f"asr {self._name}", self._read(stream))

    def paused(self) -> None:
        """The caller fell silent: recognisers that want to know get everything up to now first."""
        if self._stream is not None and self._traits.wants_pauses:
            self._flush(self._stream, reopen=True)
            self._stream.put(SpeechPaused())

    def end(self) -> None:
        """The turn has ended: ask for the final text. A per-call stream stays open for the next turn."""
        stream = self._stream
        if stream is None:
            return
        self._flush(stream, reopen=self.per_call)
        stream.put(EndOfTurn())
        if not self.per_call:
            stream.close(self._traits.final_p99_ms * LATE_FACTOR)
            self._stream = None

    def abandon(self) -> None:
        """Nothing was said after all."""
        if self._stream is not None and not self.per_call:
            self._flush(self._stream, reopen=False)
            self._stream = None
            if self._task is not None:
                self._task.cancel()

    def _flush(self, stream: _Stream, *, reopen: bool) -> None:
        if stream.feed is not None:
            self._intake.unfeed(stream.feed)
            stream.feed = None
        if reopen:
            chunk = RATE_HZ * self._traits.chunk_ms // 1000
            stream.feed = self._intake.feed(self._intake.written, chunk, stream.audio)

    async def _read(self, stream: _Stream) -> None:
        act_for(self._trust)
        for again in (False, True):
            try:
                await self._transcribe(stream)
                break
            except Exception as raised:  # a recogniser can raise anything
                error = classify(raised)
                if again or not error.kind.retryable or stream.finals or not stream.replay():
                    self._reports.error("asr", f"{self._name}: {error}", 500)
                    break
                await asyncio.sleep(min(error.retry_after_s or 0.2, 2.0))
        if self._stream is stream:
            # Nobody reads it any more; the next speech begins a new one.
            self._stream = None
            self._flush(stream, reopen=False)
        if not stream.finals:
            # The turn must not wait for a text that will never come.
            self._on_final(Final(text=""), False)

    async def _transcribe(self, stream: _Stream) -> None:
        try:
            async with stream.patience():
                await read(
                    self._session.transcribe(stream.items()),
                    lambda item: self._take(stream, item),
                    what=f"ASR {self._name}",
                    first_ms=None,
                    idle_ms=None,
                )
        except TimeoutError as error:
            raise ProviderError(ErrorKind.TIMEOUT, "no final text in time") from error

    def _take(self, stream: _Stream, item: Partial | Final) -> None:
        now_ms = self._now_ms()
        if not self._first_told and item.text.strip():
            self._first_told = True
            self._reports.metrics(f"ttfb.asr.{self._name}", now_ms - self._began_ms, {"index": self._index})
        if isinstance(item, Partial):
            if item.text.strip():
                self._reports.partial(self._index, item.text, self._began_ms, now_ms)
                self._on_partial(item)
        elif isinstance(item, Final):
            stream.finals += 1
            if item.text.strip():
                self._report(stream, item, now_ms)
            self._on_final(item, self._traits.ends_turns and bool(item.text.strip()))

    def _report(self, stream: _Stream, final: Final, now_ms: int) -> None:
        base = self._intake.at_ms(stream.start, now_ms)
        start, end = (base + final.start_ms, base + final.end_ms) if final.end_ms else (self._began_ms, now_ms)
        self._reports.final(self._index, final.text, start, end, final.confidence)
        self._reports.metrics(f"completed.asr.{self._name}", now_ms - self._began_ms, {"index": self._index})
        self._index += 1
