"""The agent's mouth on a leg: gives text to a voice and its audio to playback, in order, and stops both on a cut."""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import Any

from active_call.audio import RATE_HZ
from active_call.audio.resample import Resampler
from active_call.media.ledger import ActSpan, SpeechSpan, Utterance
from active_call.media.playback import Playback
from active_call.playbook.acts import Act, PlayFile
from active_call.playbook.voicing import speakable
from active_call.plugin.errors import ErrorKind, ProviderError
from active_call.plugin.providers import Voice, VoiceSession
from active_call.plugin.values import Audio, Mark, Samples, SpeakRequest, TtsOptions
from active_call.providers.errors import classify
from active_call.providers.stream import read
from active_call.turns.heard import Heard

from .reports import Reports

AHEAD = 10 * RATE_HZ
"""No further sentence is synthesised while this much is waiting to be played."""
FIRST_AUDIO_MS = 5000
NEXT_AUDIO_MS = 5000


@dataclass(frozen=True, kw_only=True)
class VoiceSpec:
    """A voice to speak with: a provider and its options."""

    provider: str
    options: TtsOptions

    @property
    def key(self) -> str:
        return json.dumps([self.provider, asdict(self.options)], sort_keys=True, default=str)


@dataclass(slots=True)
class _Job:
    utterance: Utterance
    span: SpeechSpan
    voice: VoiceSpec | None
    file: str | None = None
    sequence: int = 0


@dataclass(slots=True)
class _Saying:
    """What the speaker remembers of an utterance beside playback's own."""

    utterance: Utterance
    voice: VoiceSpec | None
    auto_hangup: bool = False
    sequence: int = 0
    more_expected: bool = True
    """Without, the track ends when everything ordered so far has been heard."""
    interrupted: bool = False
    """It was told to end with the sentence being heard."""


class Speaker:
    """Implements `Mouth`; owned by a pipeline. `run` is its worker and must be running for anything to be heard."""

    def __init__(
        self,
        playback: Playback,
        *,
        voice: VoiceSpec | None,
        open_voice: Callable[[str], Awaitable[Voice]],
        read_file: Callable[[str], Awaitable[Samples]],
        reports: Reports,
        now_ms: Callable[[], int],
        on_audio: Callable[[str], None] = lambda utterance_id: None,
    ) -> None:
        self.voice = voice
        self._playback = playback
        self._open_voice = open_voice
        self._read_file = read_file
        self._reports = reports
        self._now_ms = now_ms
        self._on_audio = on_audio
        self._sayings: dict[str, _Saying] = {}
        self._jobs: deque[_Job] = deque()
        self._news = asyncio.Event()
        self._job: _Job | None = None
        self._work: asyncio.Task[None] | None = None

    # ------------------------------------------------------------ Mouth

    def begin(self, utterance_id: str) -> None:
        """A reply of the agent: on the wire its track is named after it."""
        self.track(utterance_id, play_id=utterance_id)

    def track(
        self,
        utterance_id: str,
        *,
        play_id: str | None,
        interruptible: bool = True,
        voice: VoiceSpec | None = None,
        auto_hangup: bool = False,
    ) -> None:
        """A new track; `play_id` is what the wire calls it, if it has a name there."""
        utterance = Utterance(utterance_id, play_id, interruptible)
        self._sayings[utterance_id] = _Saying(utterance, voice or self.voice, auto_hangup)
        self._reports.track_started(utterance.play_id)
        self._playback.say(utterance)

    def say(self, utterance_id: str, text: str) -> None:
        saying = self._sayings.get(utterance_id)
        if saying is None or saying.utterance.closed:
            return
        span = SpeechSpan(text)
        saying.utterance.add(span)
        self._reports.metrics("tts_play_id_map", 0, {"playId": saying.utterance.play_id, "text": text})
        self._enqueue(_Job(saying.utterance, span, saying.voice, sequence=saying.sequence))
        saying.sequence += 1

    def act(self, utterance_id: str, act: Act) -> None:
        saying = self._sayings.get(utterance_id)
        if saying is None or saying.utterance.closed:
            return
        if isinstance(act, PlayFile):
            self.file(utterance_id, act.file)
        else:
            saying.utterance.add(ActSpan(act))
            self._playback.grown()

    def file(self, utterance_id: str, name: str) -> None:
        """A recording at this place of the utterance."""
        saying = self._sayings[utterance_id]
        span = SpeechSpan()
        saying.utterance.add(span)
        self._enqueue(_Job(saying.utterance, span, None, file=name))

    def samples(self, utterance_id: str, samples: Samples) -> None:
        """Ready audio (16 kHz) at this place of the utterance."""
        span = SpeechSpan()
        span.push(samples)
        span.finish()
        self._sayings[utterance_id].utterance.add(span)
        self._playback.grown()

    def finish(self, utterance_id: str) -> None:
        saying = self._sayings.get(utterance_id)
        if saying is not None:
            saying.utterance.close()
            self._playback.grown()

    # ------------------------------------------------------------ what the ledger says

    def open(self, utterance_id: str) -> bool:
        """Whether that utterance is being said and can still be added to."""
        saying = self._sayings.get(utterance_id)
        return saying is not None and not saying.utterance.closed

    @property
    def speaking(self) -> bool:
        """Whether any track is running."""
        return bool(self._sayings)

    @property
    def finishing_sentence(self) -> bool:
        """Whether the running track ends with the sentence being heard (graceful interrupt)."""
        return any(saying.interrupted for saying in self._sayings.values())

    def expect_more(self, utterance_id: str, more: bool) -> None:
        """Whether the track stays when it runs dry (streaming text) or ends then."""
        saying = self._sayings.get(utterance_id)
        if saying is not None:
            saying.more_expected = more
            self._playback.grown()

    def ran_dry(self, utterance: Utterance) -> bool:
        """Playback has nothing more of it: True when the track ends here."""
        saying = self._sayings.get(utterance.id)
        if saying is None or saying.more_expected:
            return False
        self.finish(utterance.id)
        return True

    def finish_sentence(self) -> bool:
        """Drop everything behind the sentence being heard, of every track; False when nothing is being said."""
        for utterance in self._playback.utterances:
            saying = self._sayings.get(utterance.id)
            if saying is None or saying.interrupted:
                continue
            saying.interrupted = True
            begun = utterance.spans[utterance.at : utterance.at + 1]
            keep = [span for span in begun if isinstance(span, SpeechSpan) and span.taken]
            utterance.spans[utterance.at :] = keep
            self._jobs = deque(job for job in self._jobs if job.utterance is not utterance)
            job = self._job
            if job is not None and job.utterance is utterance and job.span not in keep and self._work is not None:
                self._work.cancel()
            self.finish(utterance.id)
        return self.speaking

    def set_auto_hangup(self, utterance_id: str, on: bool) -> None:
        self._sayings[utterance_id].auto_hangup = on

    def clear_auto_hangup(self) -> None:
        for saying in self._sayings.values():
            saying.auto_hangup = False

    def ended(self, utterance: Utterance, heard: Heard) -> None:
        """Playback says it was heard to its end."""
        saying = self._sayings.pop(utterance.id, None)
        if saying is not None:
            if saying.interrupted:
                self._reports.interrupted(utterance.play_id, heard)
            self._reports.track_ended(utterance.play_id, heard, auto_hangup=saying.auto_hangup)

    def cut(self, fade_ms: int = 0) -> list[Heard]:
        """Stop speaking now; what was heard of each utterance, oldest first."""
        ledger = self._playback.cut(fade_ms)
        for utterance, heard in ledger:
            self._sayings.pop(utterance.id, None)
            if heard.heard_ms < heard.total_ms or heard.position < heard.total_chars:
                self._reports.interrupted(utterance.play_id, heard)
            self._reports.track_ended(utterance.play_id, heard, auto_hangup=False)
        cut = {utterance.id for utterance, _ in ledger}
        self._jobs = deque(job for job in self._jobs if job.utterance.id not in cut)
        if self._job is not None and self._job.utterance.id in cut and self._work is not None:
            self._work.cancel()
        return [heard for _, heard in ledger]

    # ------------------------------------------------------------ the worker

    def _enqueue(self, job: _Job) -> None:
        self._jobs.append(job)
        self._news.set()

    async def run(self) -> None:
        """Work through the sentences one after another until cancelled; sessions with voices live as long as this."""
        async with AsyncExitStack() as stack:
            sessions: dict[str, VoiceSession] = {}
            while True:
                while self._jobs and self._playback.buffered < AHEAD:
                    self._job = self._jobs.popleft()
                    await self._one(self._job, sessions, stack)
                    self._job = None
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.25 if self._jobs else None):
                        await self._news.wait()

    async def _one(self, job: _Job, sessions: dict[str, VoiceSession], stack: AsyncExitStack) -> None:
        try:
            session = await self._session(job, sessions, stack)
            work = self._voice(job, session) if session is not None else self._file(job)
            self._work = asyncio.create_task(work, name=f"speak {job.utterance.id}")
            await asyncio.wait({self._work})
            if self._work.cancelled():
                job.span.finish(failed=True)
            else:
                self._work.result()
        except Exception as error:  # a voice can raise anything; the next sentence is still spoken
            failure = classify(error)
            sender = f"filetrack: {job.file}" if job.file else "tts"
            self._reports.error(sender, str(failure), None if job.file else 500)
            job.span.finish(failed=True)
        except asyncio.CancelledError:
            if self._work is not None:
                self._work.cancel()
                await asyncio.wait({self._work})
            raise
        finally:
            self._playback.grown()

    async def _session(
        self, job: _Job, sessions: dict[str, VoiceSession], stack: AsyncExitStack
    ) -> VoiceSession | None:
        if job.file is not None:
            return None
        if job.voice is None:
            raise ProviderError(ErrorKind.BAD_REQUEST, "no tts option available")
        key = job.voice.key
        if key not in sessions:
            voice = await self._open_voice(job.voice.provider)
            sessions[key] = await stack.enter_async_context(voice.session(job.voice.options))
        return sessions[key]

    async def _file(self, job: _Job) -> None:
        assert job.file is not None
        job.span.push(await self._read_file(job.file))
        job.span.finish()

    async def _voice(self, job: _Job, session: VoiceSession) -> None:
        assert job.voice is not None
        text = speakable(job.span.text)
        if not text:
            job.span.finish()
            return
        begun_ms = self._now_ms()
        intake = _Audio(job, text, lambda: self._first(job))
        for again in (False, True):
            try:
                await read(
                    session.speak(SpeakRequest(text=text)),
                    intake.take,
                    what=f"voice {job.voice.provider}",
                    first_ms=FIRST_AUDIO_MS,
                    idle_ms=NEXT_AUDIO_MS,
                )
                break
            except ProviderError as error:
                if again or job.span.received or not error.kind.retryable:
                    raise
        intake.close()
        now_ms = self._now_ms()
        data: dict[str, Any] = {
            "cached": False,
            "cmdSeq": job.sequence,
            "duration": now_ms - begun_ms,
            "length": job.span.received * 2,
            "playId": job.utterance.play_id,
            "ttfb": (intake.first_ms or now_ms) - begun_ms,
        }
        self._reports.metrics(f"completed.tts.{job.voice.provider}", now_ms - begun_ms, data)

    def _first(self, job: _Job) -> int:
        now_ms = self._now_ms()
        self._on_audio(job.utterance.id)
        self._playback.grown()
        return now_ms


class _Audio:
    """What a voice yields for one span: resampled to 16 kHz, marks moved to the span's own text."""

    def __init__(self, job: _Job, spoken: str, on_first: Callable[[], int]) -> None:
        self.first_ms: int | None = None
        self._span = job.span
        self._spoken = spoken
        self._offset = job.span.text.find(spoken)
        self._on_first = on_first
        self._resampler: Resampler | None = None
        self._rate = RATE_HZ

    def take(self, item: Audio | Mark) -> None:
        if isinstance(item, Mark):
            self._span.mark(self._text_end(item.text_end), item.at_samples * RATE_HZ // self._rate)
            return
        if item.rate_hz != self._rate:
            self._rate = item.rate_hz
            self._resampler = Resampler(item.rate_hz, RATE_HZ)
        samples = item.samples if self._resampler is None else self._resampler.process(item.samples)
        self._span.push(samples)
        if self.first_ms is None:
            self.first_ms = self._on_first()

    def close(self) -> None:
        if self._resampler is not None:
            self._span.push(self._resampler.flush())
        self._span.finish()

    def _text_end(self, end: int) -> int:
        text = self._span.text
        if end >= len(self._spoken):
            return len(text)
        if self._offset >= 0:
            return self._offset + end
        return len(text) * end // max(1, len(self._spoken))
