"""Makes audio of sentences and files, one after another: sessions with voices, retries, time-outs, first-byte times."""

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from active_call.audio import RATE_HZ
from active_call.audio.resample import Resampler
from active_call.media.ledger import SpeechSpan, Utterance
from active_call.media.playback import Playback
from active_call.playbook.voicing import speakable
from active_call.plugin.errors import ErrorKind, ProviderError
from active_call.plugin.providers import Voice, VoiceSession
from active_call.plugin.values import Audio, Mark, Samples, SpeakRequest, TtsOptions
from active_call.providers.errors import classify
from active_call.providers.stream import read
from active_call.providers.trust import Trust, act_for

from .reports import Reports

log = logging.getLogger(__name__)

AHEAD = 10 * RATE_HZ
"""No further sentence is synthesised while this much is waiting to be played."""
LOOK_S = 0.25
"""How often it is looked whether less is waiting."""
FIRST_AUDIO_MS = 5000
NEXT_AUDIO_MS = 5000
OPEN_S = 30.0
"""So long may loading a voice and connecting to its vendor take."""
CLOSE_S = 1.0


@dataclass(frozen=True, kw_only=True)
class VoiceSpec:
    """A voice to speak with: a provider and its options."""

    provider: str
    options: TtsOptions
    trust: Trust = Trust.CLIENT
    """Who wrote the addresses in `options`."""

    @property
    def key(self) -> str:
        return json.dumps([self.provider, self.trust, asdict(self.options)], sort_keys=True, default=str)


class SpeechCache(Protocol):
    """Speech kept for the next time the same text is said in the same voice."""

    def key(self, voice: VoiceSpec, text: str) -> str: ...

    async def get(self, key: str) -> Samples | None:
        """16 kHz; None: not there. Never fails."""
        ...

    async def put(self, key: str, samples: Samples) -> None:
        """Never fails: what cannot be kept is made again."""
        ...


@dataclass(slots=True, eq=False)
class Job:
    """One span to be filled with audio: a sentence for a voice, or a file."""

    utterance: Utterance
    span: SpeechSpan
    voice: VoiceSpec | None = None
    file: str | None = None
    offset_ms: int = 0
    """Where the file is begun."""
    sequence: int = 0
    kept: bool = False
    """It will be said again: its audio comes from the cache, or goes there."""
    cache_key: str | None = None
    """Under this name instead of the text's own."""
    dropped: bool = False
    """It was cut before it was done; its audio is no longer wanted."""


class Synthesis:
    """Owned by a speaker. `run` is the worker; its failures are reported and the next job is done all the same."""

    def __init__(
        self,
        playback: Playback,
        *,
        open_voice: Callable[[str], Awaitable[Voice]],
        read_file: Callable[[str], Awaitable[Samples]],
        reports: Reports,
        now_ms: Callable[[], int],
        on_audio: Callable[[str], None],
        cache: SpeechCache | None,
    ) -> None:
        self._playback = playback
        self._open_voice = open_voice
        self._read_file = read_file
        self._reports = reports
        self._now_ms = now_ms
        self._on_audio = on_audio
        self._cache = cache
        self._jobs: deque[Job] = deque()
        self._news = asyncio.Event()
        self._job: Job | None = None
        self._work: asyncio.Task[None] | None = None
        self._sessions: dict[str, tuple[VoiceSession, AsyncExitStack]] = {}

    def add(self, job: Job) -> None:
        self._jobs.append(job)
        self._news.set()

    def drop(self, utterance: Utterance, *, keep: Collection[object] = ()) -> None:
        """Make no more audio for that utterance, except for the spans in `keep`."""
        for job in (*self._jobs, self._job):
            if job is not None and job.utterance is utterance and job.span not in keep:
                job.dropped = True
        self._jobs = deque(job for job in self._jobs if not job.dropped)
        if self._job is not None and self._job.dropped and self._work is not None:
            self._work.cancel()

    # ------------------------------------------------------------ the worker

    async def run(self) -> None:
        """Until cancelled; sessions with voices live as long as this."""
        try:
            while True:
                self._job = await self._next()
                await self._do(self._job)
                self._job = None
        finally:
            for key in list(self._sessions):
                await self._end_session(key)

    async def _next(self) -> Job:
        while True:
            if self._jobs and self._playback.buffered < AHEAD:
                return self._jobs.popleft()
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S if self._jobs else None):
                    await self._news.wait()

    async def _do(self, job: Job) -> None:
        try:
            if job.file is not None:
                await self._finish(self._file(job), job)
            elif not await self._from_cache(job) and not job.dropped:
                session = await self._session(job.voice)
                if not job.dropped:
                    await self._finish(self._speak(job, session), job)
        except Exception as error:  # a voice can raise anything; the next sentence is still spoken
            if not job.dropped:
                spoken = job.file is None
                sender = "tts" if spoken else f"filetrack: {job.file}"
                self._reports.error(sender, str(classify(error)), 500 if spoken else None)
            if job.voice is not None:
                await self._end_session(job.voice.key)
        finally:
            if not job.span.finished:
                job.span.finish(failed=True)
            self._playback.grown()

    async def _finish(self, doing: Coroutine[Any, Any, None], job: Job) -> None:
        """Wait for it; a cut cancels it and not us."""
        self._work = work = asyncio.create_task(doing, name=f"speak {job.utterance.id}")
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait({work})
            raise
        finally:
            self._work = None
        if not work.cancelled():
            work.result()

    # ------------------------------------------------------------ sessions

    async def _session(self, voice: VoiceSpec | None) -> VoiceSession:
        if voice is None:
            raise ProviderError(ErrorKind.BAD_REQUEST, "no tts option available")
        act_for(voice.trust)
        if voice.key not in self._sessions:
            stack = AsyncExitStack()
            try:
                async with asyncio.timeout(OPEN_S):
                    provider = await self._open_voice(voice.provider)
                    session = await stack.enter_async_context(provider.session(voice.options))
            except TimeoutError as error:
                text = f"{voice.provider} was not ready within {OPEN_S:.0f} s"
                raise ProviderError(ErrorKind.TIMEOUT, text) from error
            self._sessions[voice.key] = session, stack
        return self._sessions[voice.key][0]

    async def _end_session(self, key: str) -> None:
        """Also after a failure: the next sentence gets a session that did not fail."""
        _, stack = self._sessions.pop(key, (None, None))
        if stack is None:
            return
        try:
            async with asyncio.timeout(CLOSE_S):
                await stack.aclose()
        except Exception as error:  # a voice can raise anything
            log.warning("a session with a voice did not close cleanly: %s", classify(error))

    # ------------------------------------------------------------ the work

    async def _from_cache(self, job: Job) -> bool:
        """Whether it was said before, and is there now."""
        if self._cache is None or not job.kept or job.voice is None:
            return False
        text = speakable(job.span.text)
        if not text:
            return False
        begun_ms = self._now_ms()
        job.cache_key = job.cache_key or self._cache.key(job.voice, text)
        samples = await self._cache.get(job.cache_key)
        if samples is None or job.dropped:
            return False
        job.span.push(samples)
        job.span.finish()
        self._completed(job, job.voice, begun_ms, self._first(job), cached=True)
        return True

    async def _file(self, job: Job) -> None:
        assert job.file is not None
        samples = await self._read_file(job.file)
        job.span.push(samples[job.offset_ms * RATE_HZ // 1000 :])
        job.span.finish()

    async def _speak(self, job: Job, session: VoiceSession) -> None:
        assert job.voice is not None
        text = speakable(job.span.text)
        if not text:
            job.span.finish()
            return
        begun_ms = self._now_ms()
        for again in (False, True):
            audio = _SpanAudio(job.span, text, lambda: self._first(job), keep=job.cache_key is not None)
            try:
                await read(
                    session.speak(SpeakRequest(text=text)),
                    audio.take,
                    what=f"voice {job.voice.provider}",
                    first_ms=FIRST_AUDIO_MS,
                    idle_ms=NEXT_AUDIO_MS,
                )
                break
            except ProviderError as error:
                if again or job.span.received or not error.kind.retryable:
                    raise
        audio.close()
        self._completed(job, job.voice, begun_ms, audio.first_ms, cached=False)
        if self._cache is not None and job.cache_key is not None and audio.pieces:
            await self._cache.put(job.cache_key, np.concatenate(audio.pieces))

    def _completed(self, job: Job, voice: VoiceSpec, begun_ms: int, first_ms: int | None, *, cached: bool) -> None:
        now_ms = self._now_ms()
        data: dict[str, Any] = {
            "cached": cached,
            "cmdSeq": job.sequence,
            "duration": now_ms - begun_ms,
            "length": job.span.received * 2,
            "playId": job.utterance.play_id,
            "ttfb": (now_ms if first_ms is None else first_ms) - begun_ms,
        }
        if cached:
            data["speaker"] = voice.options.voice
        self._reports.metrics(f"completed.tts.{voice.provider}", now_ms - begun_ms, data)

    def _first(self, job: Job) -> int:
        self._on_audio(job.utterance.id)
        self._playback.grown()
        return self._now_ms()


class _SpanAudio:
    """What a voice yields for one span: resampled to 16 kHz, marks moved to the span's own text."""

    def __init__(self, span: SpeechSpan, spoken: str, on_first: Callable[[], int], *, keep: bool) -> None:
        """`keep`: all audio is in `pieces` at the end."""
        self.first_ms: int | None = None
        self.pieces: list[Samples] = []
        self._keep = keep
        self._span = span
        self._spoken = spoken
        self._offset = span.text.find(spoken)
        self._on_first = on_first
        self._resampler: Resampler | None = None
        self._rate: int | None = None
        self._early: list[Mark] = []
        """Marks before the first audio: until then nobody knows at which rate they count."""

    def take(self, item: Audio | Mark) -> None:
        if isinstance(item, Mark):
            if self._rate is None:
                self._early.append(item)
            else:
                self._mark(item, self._rate)
        elif isinstance(item, Audio) and len(item.samples):
            self._push(item)

    def _push(self, item: Audio) -> None:
        samples = item.samples if self._rate is not None else _without_header(item.samples)
        if item.rate_hz != self._rate:
            self._rate = item.rate_hz
            self._resampler = None if item.rate_hz == RATE_HZ else Resampler(item.rate_hz, RATE_HZ)
        for mark in self._early:
            self._mark(mark, item.rate_hz)
        self._early.clear()
        self._add(samples if self._resampler is None else self._resampler.process(samples))
        if self.first_ms is None:
            self.first_ms = self._on_first()

    def close(self) -> None:
        if self._resampler is not None:
            self._add(self._resampler.flush())
        self._span.finish()

    def _add(self, samples: Samples) -> None:
        self._span.push(samples)
        if self._keep:
            self.pieces.append(samples)

    def _mark(self, mark: Mark, rate_hz: int) -> None:
        self._span.mark(self._text_end(mark.text_end), mark.at_samples * RATE_HZ // rate_hz)

    def _text_end(self, end: int) -> int:
        text = self._span.text
        if end >= len(self._spoken):
            return len(text)
        if self._offset >= 0:
            return self._offset + end
        return len(text) * end // max(1, len(self._spoken))


def _without_header(samples: Samples) -> Samples:
    """The first audio of a stream; some vendors put the 44 bytes of a WAV header in front, which would be a click."""
    return samples[22:] if len(samples) > 22 and samples[:2].tobytes() == b"RIFF" else samples
