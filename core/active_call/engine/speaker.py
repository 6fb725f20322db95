"""The agent's mouth on a leg: tracks of speech, recordings and acts in order, each told and ended as it was heard."""

import re
import uuid
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace

from active_call.dialogue.emotion import nearest
from active_call.media.ledger import ActSpan, Span, SpeechSpan, Utterance
from active_call.media.playback import Playback
from active_call.playbook.acts import Act, PlayFile
from active_call.playbook.sentences import CLOSERS, SentenceSplitter
from active_call.plugin.providers import Voice
from active_call.plugin.values import Samples
from active_call.turns.heard import Heard

from .reports import Reports
from .synthesis import Job, SpeechCache, Synthesis, VoiceSpec

SENTENCE_END = re.compile(rf"[.!?;…。！？；\n][{re.escape(CLOSERS)}]*\s*\Z")


@dataclass(slots=True, eq=False)
class _Saying:
    """What the speaker remembers of an utterance beside playback's own."""

    utterance: Utterance
    voice: VoiceSpec | None
    auto_hangup: bool = False
    sequence: int = 0
    more_expected: bool = True
    """Without, the track ends when everything ordered so far has been heard."""
    announced: bool = False
    """The wire knows of it."""
    whole: Heard | None = None
    """It was told to end with the sentence being heard; this is what it consisted of before."""


class Speaker:
    """Implements `Mouth`; owned by a pipeline. `run` must be running for anything to be heard.

    On the wire there is one track at a time: the next begins when the one before has ended.
    """

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
        cache: SpeechCache | None = None,
        emotions: Callable[[str], Collection[str]] = lambda provider: (),
    ) -> None:
        """`emotions`: what a provider's voice can be asked for."""
        self.voice = voice
        self._emotions = emotions
        self._playback = playback
        self._reports = reports
        self._synthesis = Synthesis(
            playback,
            open_voice=open_voice,
            read_file=read_file,
            reports=reports,
            now_ms=now_ms,
            on_audio=on_audio,
            cache=cache,
        )
        self._sayings: dict[str, _Saying] = {}
        """In the order in which they are said."""

    async def run(self) -> None:
        """Make audio until cancelled."""
        await self._synthesis.run()

    # ------------------------------------------------------------ Mouth

    def begin(self, utterance_id: str) -> None:
        """A reply of the agent: on the wire its track is named after it."""
        self.track(utterance_id, play_id=utterance_id)

    def track(
        self, utterance_id: str, *, play_id: str | None, voice: VoiceSpec | None = None, auto_hangup: bool = False
    ) -> None:
        """A new track, behind those that run; `play_id` is what the wire calls it, if it has a name there."""
        utterance = Utterance(utterance_id, play_id)
        self._sayings[utterance_id] = _Saying(utterance, voice or self.voice, auto_hangup)
        self._announce()
        self._playback.say(utterance)

    def say(
        self,
        utterance_id: str,
        text: str,
        voice: VoiceSpec | None = None,
        *,
        kept: bool = False,
        cache_key: str | None = None,
        emotion: str | None = None,
    ) -> None:
        """One sentence; `voice` differs from the track's for this one only.

        `emotion` reaches a voice that has it or one near it (`TtsTraits.emotions`), for this sentence.
        `kept`: it may come from the cache, and goes there, under `cache_key` or a key of its own.
        """
        saying = self._growing(utterance_id)
        if saying is None:
            return
        span = SpeechSpan(text)
        saying.utterance.add(span)
        if saying.utterance.play_id == utterance_id:
            # What a controller orders it knows; what the agent says it learns here.
            self._reports.metrics("tts_play_id_map", 0, {"playId": utterance_id, "text": text})
        self._synthesis.add(
            Job(
                saying.utterance,
                span,
                self._feeling(voice or saying.voice, emotion),
                sequence=saying.sequence,
                kept=kept,
                cache_key=cache_key,
            )
        )
        saying.sequence += 1

    def _feeling(self, voice: VoiceSpec | None, emotion: str | None) -> VoiceSpec | None:
        offered = self._emotions(voice.provider) if voice is not None and emotion is not None else ()
        feeling = nearest(emotion, offered) if emotion is not None and offered else None
        if voice is None or feeling is None:
            return voice
        return replace(voice, options=replace(voice.options, emotion=feeling))

    def act(self, utterance_id: str, act: Act) -> None:
        saying = self._growing(utterance_id)
        if saying is None:
            return
        if isinstance(act, PlayFile):
            self.file(utterance_id, act.file)
        else:
            saying.utterance.add(ActSpan(act))
            self._playback.grown()

    def file(self, utterance_id: str, name: str, offset_ms: int = 0) -> None:
        """A recording at this place of the utterance."""
        saying = self._growing(utterance_id)
        if saying is not None:
            span = SpeechSpan()
            saying.utterance.add(span)
            self._synthesis.add(Job(saying.utterance, span, file=name, offset_ms=offset_ms))

    def samples(self, utterance_id: str, samples: Samples) -> None:
        """Ready audio (16 kHz) at this place of the utterance."""
        saying = self._growing(utterance_id)
        if saying is not None:
            span = SpeechSpan()
            span.push(samples)
            span.finish()
            saying.utterance.add(span)
            self._playback.grown()

    def finish(self, utterance_id: str) -> None:
        saying = self._sayings.get(utterance_id)
        if saying is not None:
            saying.utterance.close()
            self._playback.grown()

    def line(self, text: str, *, kept: bool = False) -> str:
        """A whole utterance of one text; its id. `kept`: others will hear the same, so it goes through the cache."""
        utterance_id = str(uuid.uuid4())
        self.begin(utterance_id)
        splitter = SentenceSplitter()
        for sentence in (*splitter.feed(text), *splitter.close()):
            self.say(utterance_id, sentence, kept=kept)
        self.finish(utterance_id)
        return utterance_id

    def recording(self, name: str) -> str:
        """A whole utterance of one file or URL; its id."""
        utterance_id = str(uuid.uuid4())
        self.begin(utterance_id)
        self.file(utterance_id, name)
        self.finish(utterance_id)
        return utterance_id

    def _growing(self, utterance_id: str) -> _Saying | None:
        saying = self._sayings.get(utterance_id)
        return None if saying is None or saying.utterance.closed else saying

    # ------------------------------------------------------------ what runs

    def open(self, utterance_id: str) -> bool:
        """Whether that utterance is being said and can still be added to."""
        return self._growing(utterance_id) is not None

    def unheard(self, utterance_id: str) -> bool:
        """Whether it waits to be said and no sample of it has left."""
        saying = self._sayings.get(utterance_id)
        return saying is not None and not saying.utterance.started

    def dry(self, utterance_id: str) -> bool:
        """Whether all it consists of so far has left."""
        saying = self._sayings.get(utterance_id)
        return saying is None or saying.utterance.at >= len(saying.utterance.spans)

    @property
    def speaking(self) -> bool:
        """Whether any track is running."""
        return bool(self._sayings)

    @property
    def finishing_sentence(self) -> bool:
        """Whether a track ends with the sentence being heard (graceful interrupt)."""
        return any(saying.whole is not None for saying in self._sayings.values())

    def expect_more(self, utterance_id: str, more: bool) -> None:
        """Whether the track stays when it runs dry (streaming text) or ends then."""
        saying = self._sayings.get(utterance_id)
        if saying is not None:
            saying.more_expected = more
            self._playback.grown()

    def hang_up_after(self) -> None:
        """The call ends when all that is being said now has been heard."""
        for saying in self._sayings.values():
            saying.auto_hangup = False
        if self._sayings:
            next(reversed(self._sayings.values())).auto_hangup = True

    def set_auto_hangup(self, utterance_id: str) -> None:
        self._sayings[utterance_id].auto_hangup = True

    def clear_auto_hangup(self) -> None:
        for saying in self._sayings.values():
            saying.auto_hangup = False

    def _announce(self) -> None:
        for saying in self._sayings.values():
            self._tell(saying)
            break  # the others wait for its end

    def _tell(self, saying: _Saying) -> None:
        if not saying.announced:
            saying.announced = True
            self._reports.track_started(saying.utterance.play_id)

    # ------------------------------------------------------------ how it ends

    def ran_dry(self, utterance: Utterance) -> bool:
        """Playback has nothing more of it: True when the track ends here."""
        saying = self._sayings.get(utterance.id)
        if saying is None or saying.more_expected:
            return False
        self.finish(utterance.id)
        return True

    def finish_sentence(self) -> None:
        """Drop everything behind the sentence being heard, of every track."""
        for utterance in self._playback.utterances:
            saying = self._sayings.get(utterance.id)
            if saying is None or saying.whole is not None:
                continue
            saying.whole = utterance.heard()
            keep = _sentence_begun(utterance)
            utterance.spans[utterance.at :] = keep
            self._synthesis.drop(utterance, keep=keep)
            self.finish(utterance.id)

    def ended(self, utterance: Utterance, heard: Heard) -> Heard:
        """Playback says it was heard to its end; what that is of the whole."""
        saying = self._sayings.pop(utterance.id, None)
        if saying is None:
            return heard
        self._tell(saying)
        whole = saying.whole
        if whole is not None and (heard.position < whole.total_chars or heard.heard_ms < whole.total_ms):
            total_ms = max(whole.total_ms, heard.total_ms)
            heard = replace(heard, total_chars=whole.total_chars, total_ms=total_ms, complete=False)
            self._reports.interrupted(utterance.play_id, heard)
        self._reports.track_ended(utterance.play_id, heard, auto_hangup=saying.auto_hangup)
        self._announce()
        return heard

    def cut(self, fade_ms: int = 0, *, only: str | None = None) -> list[Heard]:
        """Stop speaking now, or only that utterance; what was heard of each, oldest first."""
        one = self._sayings.get(only) if only is not None else None
        if only is not None and one is None:
            return []
        ledger = self._playback.cut(fade_ms, only=one.utterance if one is not None else None)
        for utterance, heard in ledger:
            self._synthesis.drop(utterance)
            saying = self._sayings.pop(utterance.id, None)
            if saying is None:
                continue
            self._tell(saying)
            if heard.heard_ms < heard.total_ms or heard.position < heard.total_chars or saying.whole is not None:
                self._reports.interrupted(utterance.play_id, heard)
            self._reports.track_ended(utterance.play_id, heard, auto_hangup=False)
        self._announce()
        return [heard for _, heard in ledger]


def _sentence_begun(utterance: Utterance) -> list[Span]:
    """The spans of the sentence that is being heard: a long one is spoken clause by clause."""
    begun: list[Span] = []
    for span in utterance.spans[utterance.at :]:
        if not isinstance(span, SpeechSpan) or not (begun or span.taken):
            break
        begun.append(span)
        if not span.text or SENTENCE_END.search(span.text):
            break
    return begun
