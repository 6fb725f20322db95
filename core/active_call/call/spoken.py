"""Speech that was made once and is kept: for the engine's voices, and for `/precache`."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from active_call.audio.frames import from_s16le, to_s16le
from active_call.audio.resample import Resampler
from active_call.engine.orders import part_key
from active_call.engine.synthesis import FIRST_AUDIO_MS, NEXT_AUDIO_MS, VoiceSpec
from active_call.playbook.sentences import SentenceSplitter
from active_call.playbook.voicing import speakable
from active_call.plugin.errors import PluginError, ProviderError
from active_call.plugin.providers import Voice
from active_call.plugin.registry import Kind
from active_call.plugin.values import Audio, Mark, Samples, SpeakRequest
from active_call.protocol.commands import Tts
from active_call.providers.pool import ProviderPool
from active_call.providers.stream import read
from active_call.providers.trust import act_for
from active_call.store.cache import RATE_HZ, AudioCache, Spoken, cache_key

from .options import Chooser

log = logging.getLogger(__name__)

AT_ONCE = 4
"""So many texts are prepared at a time; calls that speak now must not wait for them."""


class KeptSpeech:
    """Implements `engine.SpeechCache`; one for the process."""

    def __init__(self, cache: AudioCache, pool: ProviderPool) -> None:
        self._cache = cache
        self._run = pool.host.run

    def key(self, voice: VoiceSpec, text: str) -> str:
        return _spoken(voice, text).key

    async def get(self, key: str) -> Samples | None:
        try:
            pcm = await self._run(self._cache.get, key)
        except OSError as error:
            log.warning("kept speech cannot be read: %s", error.strerror)
            return None
        return from_s16le(pcm) if pcm is not None else None

    async def put(self, key: str, samples: Samples) -> None:
        try:
            await self._run(self._cache.put, key, to_s16le(samples))
        except OSError as error:
            log.warning("speech cannot be kept: %s", error.strerror)

    async def has(self, key: str) -> bool:
        return await self._run(self._cache.size, key) is not None


def check_cache_key(voice: VoiceSpec, text: str, given: str | None) -> str | None:
    """The name that a client gave, None if it is the text's own. Raises `BadCacheKey`."""
    own = _spoken(voice, speakable(text))
    key = cache_key(own, given)
    return None if key == own.key else key


def _spoken(voice: VoiceSpec, text: str) -> Spoken:
    options = voice.options
    return Spoken(
        provider=voice.provider,
        text=text,
        model=options.model,
        voice=options.voice,
        language=options.language,
        speed=options.speed,
        volume=options.volume,
        emotion=options.emotion,
        rate_hz=RATE_HZ,
        endpoint=options.endpoint,
        extra=options.extra,
    )


@dataclass(frozen=True)
class Prepared:
    """What became of a text: under which name it is kept, and how many bytes were made."""

    key: str
    bytes: int

    @property
    def status(self) -> str:
        return "cached" if self.bytes else "exists"


class NotPrepared(Exception):
    """The text is for the client."""


class Precache:
    """Makes speech before a call needs it, sentence by sentence, as a call would."""

    def __init__(self, pool: ProviderPool, kept: KeptSpeech) -> None:
        self._pool = pool
        self._kept = kept
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def order(self, command: Tts, environ: Mapping[str, str]) -> Prepared:
        """What a `tts` command with a provider would say. Raises `NotPrepared`."""
        try:
            voice = Chooser(self._pool, environ).voice(command.voice(None))
            if voice is None:
                raise NotPrepared("no tts option available")
            return await self.prepare(command, voice)
        except (PluginError, ProviderError, ValueError) as error:
            raise NotPrepared(str(error)) from error

    async def prepare(self, command: Tts, voice: VoiceSpec) -> Prepared:
        """Raises `BadCacheKey`, `ProviderError`, and ValueError when there is nothing to hear."""
        given = check_cache_key(voice, command.text, command.cache_key)
        splitter = SentenceSplitter()
        texts = [text for piece in (*splitter.feed(command.text), *splitter.close()) if (text := speakable(piece))]
        if not texts:
            raise ValueError("tts produced no audio")
        made = 0
        async with self._turns:
            for index, text in enumerate(texts):
                key = part_key(given, index) if given else self._kept.key(voice, text)
                if not await self._kept.has(key):
                    samples = await self._speak(voice, text)
                    await self._kept.put(key, samples)
                    made += 2 * len(samples)
        return Prepared(given or _spoken(voice, speakable(command.text)).key, made)

    async def _speak(self, voice: VoiceSpec, text: str) -> Samples:
        pieces: list[Audio] = []

        def take(item: Audio | Mark) -> None:
            if isinstance(item, Audio) and len(item.samples):
                pieces.append(item)

        act_for(voice.trust)
        provider: Voice = await self._pool.open(Kind.TTS, voice.provider)
        async with provider.session(voice.options) as session:
            await read(
                session.speak(SpeakRequest(text=text)),
                take,
                what=f"voice {voice.provider}",
                first_ms=FIRST_AUDIO_MS,
                idle_ms=NEXT_AUDIO_MS,
            )
        if not pieces:
            raise ValueError("tts produced no audio")
        rate_hz = pieces[0].rate_hz
        samples = np.concatenate([piece.samples for piece in pieces])
        if rate_hz == RATE_HZ:
            return samples
        resampler = Resampler(rate_hz, RATE_HZ)
        return np.concatenate((resampler.process(samples), resampler.flush()))
