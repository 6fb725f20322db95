"""Speech that a controller orders with commands: `tts`, `play`, `interrupt`, by the rules of `playId`."""

import base64
import binascii
import uuid
from collections.abc import Callable

from active_call.audio.frames import from_s16le
from active_call.playbook.sentences import SentenceSplitter
from active_call.plugin.values import Samples
from active_call.protocol.commands import Interrupt, Play, Tts

from .speaker import Speaker, VoiceSpec


class BadOrder(ValueError):
    """What was ordered cannot be done; the text is for the controller."""


class Orders:
    """One controller's track at a time; what the agent itself says does not pass here."""

    def __init__(self, speaker: Speaker, *, on_begin: Callable[[], None]) -> None:
        self._speaker = speaker
        self._on_begin = on_begin
        self._current: str | None = None
        self._play_id: str | None = None
        self._splitter = SentenceSplitter()

    def tts(self, command: Tts, voice: VoiceSpec | None) -> None:
        """Raises `BadOrder`."""
        if voice is None and not command.base64:
            raise BadOrder("no tts option available")
        samples = _pcm(command.text) if command.base64 else None
        utterance_id = self._track(command, voice)
        if samples is not None:
            self._speaker.samples(utterance_id, samples)
        else:
            for sentence in self._splitter.feed(command.text):
                self._speaker.say(utterance_id, sentence)
            if command.ends_stream:
                for sentence in self._splitter.close():
                    self._speaker.say(utterance_id, sentence)
                self._splitter = SentenceSplitter()
        self._speaker.expect_more(utterance_id, command.streaming and not command.end_of_stream)

    def play(self, command: Play) -> None:
        """A file or URL instead of whatever is being said."""
        self._replace()
        utterance_id = self._begin(command.track_play_id, None, command.auto_hangup)
        self._speaker.file(utterance_id, command.url)
        self._speaker.finish(utterance_id)

    def interrupt(self, command: Interrupt) -> bool:
        """Graceful: finish the sentence being heard. False: nothing was being said."""
        self._speaker.clear_auto_hangup()
        return self._speaker.finish_sentence() if command.graceful else self._speaker.speaking

    def _track(self, command: Tts, voice: VoiceSpec | None) -> str:
        current = self._current
        if current is not None and self._speaker.open(current) and command.play_id in (None, self._play_id):
            if command.auto_hangup:
                self._speaker.set_auto_hangup(current, True)
            return current
        self._replace()
        self._splitter = SentenceSplitter()
        return self._begin(command.play_id, voice, command.auto_hangup)

    def _replace(self) -> None:
        """What a graceful interrupt lets finish is not cut: what is ordered meanwhile follows it."""
        if self._speaker.speaking and not self._speaker.finishing_sentence:
            self._speaker.cut()

    def _begin(self, play_id: str | None, voice: VoiceSpec | None, auto_hangup: bool) -> str:
        self._current, self._play_id = str(uuid.uuid4()), play_id
        self._on_begin()
        self._speaker.track(self._current, play_id=play_id, voice=voice, auto_hangup=auto_hangup)
        return self._current


def _pcm(text: str) -> Samples:
    try:
        return from_s16le(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise BadOrder(f"tts.text is not base64 of 16-bit PCM: {error}") from None
