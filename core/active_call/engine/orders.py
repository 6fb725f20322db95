"""Speech that a controller orders, by the rules of `playId`: what belongs to one track, what follows, what replaces."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from active_call.playbook.sentences import SentenceSplitter
from active_call.plugin.values import Samples

from .speaker import Speaker
from .synthesis import VoiceSpec

log = logging.getLogger(__name__)

FLUSH_S = 1.0
"""A streamed text that stops in the middle of a sentence for so long, with nothing left to play, is spoken as it is."""
END_S = 10.0
"""A stream that nobody ends is over so long after its last word was spoken: clients forget to end theirs."""


@dataclass(frozen=True, kw_only=True)
class SpeechOrder:
    """What is to be said, and on which track."""

    text: str = ""
    samples: Samples | None = None
    """Ready audio (16 kHz) instead of text."""
    voice: VoiceSpec | None = None
    play_id: str | None = None
    """None: it follows whatever is being said."""
    auto_hangup: bool = False
    streaming: bool = False
    """The text is a piece: it may end within a sentence."""
    more: bool = False
    """More pieces of this track are to come."""
    cache_key: str | None = None
    """The name under which a text that does not stream is kept; None: a name of its own."""

    @property
    def says_nothing(self) -> bool:
        return self.samples is None and not self.text.strip()


def part_key(cache_key: str, index: int) -> str:
    """The name under which a text's `index`-th sentence is kept when the text has a name."""
    return f"{cache_key}.{index}" if index else cache_key


class Orders:
    """One controller's track at a time; what the agent itself says does not pass here."""

    def __init__(self, speaker: Speaker, *, on_begin: Callable[[], None], silence: Callable[[], None]) -> None:
        """`on_begin()`: a track of ours begins. `silence()`: stop whatever is being said, history included."""
        self._speaker = speaker
        self._on_begin = on_begin
        self._silence = silence
        self._current = ""
        self._play_id: str | None = None
        self._voice: VoiceSpec | None = None
        self._streaming = False
        self._splitter = SentenceSplitter()
        self._timer: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------ orders

    def say(self, order: SpeechOrder) -> None:
        self._stop_timer()
        if order.auto_hangup and order.says_nothing and self._speaker.speaking:
            # A client's way to say "hang up when you are done": whatever its playId, it cuts nothing.
            self._say_rest()
            self._speaker.expect_more(self._current, False)
            self._speaker.hang_up_after()
            return
        current = self._track(order)
        if order.samples is not None or not order.streaming:
            # What does not stream is complete in itself; a stream before it has nothing to wait for.
            self._say_rest()
        self._voice = order.voice
        self._streaming = order.streaming
        if order.samples is not None:
            self._speaker.samples(current, order.samples)
        elif not order.streaming:
            self._say_whole(current, order)
        else:
            for sentence in self._splitter.feed(order.text):
                self._speaker.say(current, sentence, order.voice)
        if not order.more:
            self._say_rest()
        self._speaker.expect_more(current, order.more)
        if order.more:
            self._start_timer(FLUSH_S)

    def play(self, name: str, *, play_id: str, auto_hangup: bool = False, offset_ms: int = 0) -> None:
        """A file instead of whatever is being said."""
        self._stop_timer()
        self._replace()
        current = self._begin(play_id, None, auto_hangup)
        self._speaker.file(current, name, offset_ms)
        self._speaker.finish(current)

    @property
    def streaming(self) -> bool:
        """Whether a streamed text is being said; it has no sentences to be finished by a graceful interrupt."""
        return self._streaming and self._speaker.open(self._current)

    def dry(self, utterance_id: str) -> None:
        """All of that track that there is so far was heard."""
        if utterance_id == self._current and self._speaker.open(utterance_id):
            self._start_timer(FLUSH_S)

    def close(self) -> None:
        self._stop_timer()

    # ------------------------------------------------------------ tracks

    def _track(self, order: SpeechOrder) -> str:
        same = order.play_id in (None, self._play_id)
        if same and self._speaker.open(self._current):
            if order.auto_hangup:
                self._speaker.set_auto_hangup(self._current)
            return self._current
        if not same:
            self._replace()
        return self._begin(order.play_id, order.voice, order.auto_hangup)

    def _replace(self) -> None:
        """What a graceful interrupt lets finish is not cut: what is ordered meanwhile follows it."""
        if self._speaker.speaking and not self._speaker.finishing_sentence:
            self._silence()

    def _begin(self, play_id: str | None, voice: VoiceSpec | None, auto_hangup: bool) -> str:
        self._current, self._play_id = str(uuid.uuid4()), play_id
        self._splitter = SentenceSplitter()
        self._speaker.clear_auto_hangup()
        self._on_begin()
        self._speaker.track(self._current, play_id=play_id, voice=voice, auto_hangup=auto_hangup)
        return self._current

    def _say_whole(self, current: str, order: SpeechOrder) -> None:
        splitter = SentenceSplitter()
        for index, sentence in enumerate((*splitter.feed(order.text), *splitter.close())):
            key = part_key(order.cache_key, index) if order.cache_key else None
            self._speaker.say(current, sentence, order.voice, kept=True, cache_key=key)

    def _say_rest(self) -> bool:
        """Say what still waits for the end of its sentence."""
        rest = self._splitter.close()
        for sentence in rest:
            self._speaker.say(self._current, sentence, self._voice)
        return bool(rest)

    # ------------------------------------------------------------ streams that nobody ends

    def _start_timer(self, seconds: float, *, last: bool = False) -> None:
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._due, last)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self, last: bool) -> None:
        self._timer = None
        if not self._speaker.open(self._current) or not self._speaker.dry(self._current):
            return  # `dry` comes when it is time to look again
        if self._say_rest():
            return
        if last:
            log.info("a stream of speech was never ended; it is over %.0f s after its last word", END_S)
            self._speaker.finish(self._current)
        else:
            self._start_timer(END_S - FLUSH_S, last=True)
