"""The commands that speak: `tts`, `play` and `interrupt` become orders to the engine."""

import base64
import binascii
from collections.abc import Mapping

from active_call.audio.frames import from_s16le
from active_call.engine.orders import SpeechOrder
from active_call.engine.pipeline import Pipeline
from active_call.engine.synthesis import VoiceSpec
from active_call.playbook.model import Playbook
from active_call.plugin.registry import Kind
from active_call.plugin.values import Samples
from active_call.protocol.commands import Interrupt, Play, Tts
from active_call.protocol.options import SynthesisOption
from active_call.providers.pool import ProviderPool

from .options import Chooser
from .reporter import Reporter
from .spoken import check_cache_key


class Speech:
    """One call's; made when its engine is there. Methods raise ValueError or `UnknownPlugin` with the reason."""

    def __init__(
        self,
        pipeline: Pipeline,
        pool: ProviderPool,
        environ: Mapping[str, str],
        reporter: Reporter,
        *,
        session: SynthesisOption | None,
        playbook: Playbook | None,
    ) -> None:
        """`session` is the call's own `tts` option, which a command may change for itself."""
        self._pipeline = pipeline
        self._pool = pool
        self._environ = environ
        self._reporter = reporter
        self._session = session
        self._playbook = playbook

    def tts(self, command: Tts) -> None:
        samples = _pcm(command.text) if command.base64 else None
        voice = self._voice(command) if samples is None and command.text.strip() else None
        key = None
        if voice is not None and not command.streaming:
            key = check_cache_key(voice, command.text, command.cache_key)
        self._pipeline.orders.say(
            SpeechOrder(
                text="" if samples is not None else command.text,
                samples=samples,
                voice=voice,
                play_id=command.play_id,
                auto_hangup=command.auto_hangup,
                streaming=command.streaming,
                more=not command.ends_stream,
                cache_key=key,
            )
        )

    def play(self, command: Play) -> None:
        self._pipeline.orders.play(
            command.url,
            play_id=command.track_play_id,
            auto_hangup=command.auto_hangup,
            offset_ms=command.offset_ms or 0,
        )

    def interrupt(self, command: Interrupt) -> None:
        self._pipeline.interrupt(graceful=command.graceful, fade_ms=command.fade_out_ms or 0)

    def _voice(self, command: Tts) -> VoiceSpec:
        chooser = Chooser(self._pool, self._environ, self._playbook)
        voice = chooser.voice(command.voice(self._session))
        if voice is None:
            raise ValueError("no tts option available")
        self._pool.registry.find(Kind.TTS, voice.provider)
        for sender, problem in chooser.problems:
            self._reporter.error(sender, problem)
        return voice


def _pcm(text: str) -> Samples:
    try:
        return from_s16le(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"tts.text is not base64 of 16-bit PCM: {error}") from None
