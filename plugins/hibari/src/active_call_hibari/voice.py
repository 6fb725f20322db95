"""The voice as the core opens it: one network per process, speed per call, one sentence at a time.

hibari: https://github.com/MMWilliams/hibari
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from active_call.plugin import ErrorKind, ProviderError
from active_call.plugin.host import Host
from active_call.plugin.providers import Settings, VoiceSession
from active_call.plugin.values import Audio, Mark, SpeakRequest, TtsOptions

from .loudness import RATE_HZ, Spoken, finish
from .spans import Span, find_spans, has_words, speakable

VOICE = "heart"
WEIGHTS_SHA256 = "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8"
"""`hibari/assets/hibari.onnx` of hibari-tts 0.2.1, whose wheel is
49f2abbbe451c988e7448b5afa08c8a56410535ebb855c0e7d174275df5ca1f3."""

_SEED = 0
"""Of the breath noise: the same text gives the same samples, which makes the audio cache and tests exact."""
_SLOWEST, _FASTEST = 0.5, 2.0


class Synthesiser(Protocol):
    """What is used of `hibari.Hibari`; several threads call one instance at once."""

    def split_sentences(self, text: str) -> list[str]: ...

    def __call__(self, text: str, speed: float = 1.0, seed: int | None = None) -> NDArray[np.float32]: ...


@asynccontextmanager
async def open_voice(host: Host, settings: Settings) -> AsyncIterator["HibariVoice"]:
    """Loads the network once, half a second. There are no settings. Raises `ProviderError`."""
    if settings:
        raise _refusal(f"unknown setting {', '.join(sorted(settings))}; there are none")
    yield HibariVoice(host, await host.run(load))


def load() -> Synthesiser:
    """The voice, warmed up. Raises `ProviderError` when its weights are not the ones that were tested."""
    from hibari import Hibari  # type: ignore[import-untyped]  # onnxruntime: not in the loop

    voice: Any = Hibari(voice=VOICE, threads=1)
    check_weights(Path(voice.model_path))
    # Loads the lexicon and, for a word that is not in it, the second network: the first caller shall not wait for them.
    voice("Zorblax.", seed=_SEED)
    synthesiser: Synthesiser = voice
    return synthesiser


def check_weights(path: Path) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != WEIGHTS_SHA256:
        raise ProviderError(
            ErrorKind.INTERNAL,
            f"hibari: {path} has sha256 {found}, expected {WEIGHTS_SHA256}: not the weights of hibari-tts 0.2.1; "
            "run `pip install --force-reinstall --no-deps hibari-tts==0.2.1`",
        )


class HibariVoice:
    def __init__(self, host: Host, synthesiser: Synthesiser) -> None:
        self._host = host
        self._synthesiser = synthesiser

    def session(self, options: TtsOptions) -> AbstractAsyncContextManager[VoiceSession]:
        """Speed is held within 0.5 to 2. Raises `ProviderError` for another voice or language."""
        if options.voice not in (None, "", VOICE):
            raise _refusal(
                f"there is no voice {options.voice!r}, only {VOICE!r}: it is the one that comes with the package"
            )
        language = (options.language or "en").replace("_", "-").partition("-")[0].lower()
        if language not in ("en", "auto"):
            raise _refusal(f"speaks English only, not {options.language!r}; choose another `tts.provider`")
        speed = min(_FASTEST, max(_SLOWEST, options.speed))
        return _session(HibariSession(self._host, self._synthesiser, speed=speed))


class HibariSession:
    def __init__(self, host: Host, synthesiser: Synthesiser, *, speed: float) -> None:
        self._host = host
        self._synthesiser = synthesiser
        self._speed = speed

    async def speak(self, request: SpeakRequest) -> AsyncIterator[Audio | Mark]:
        """A mark and then the audio of each sentence, as soon as it is there. Nothing for a text without words.

        Raises `ProviderError` (bad_request) for a text that has words, but none that this voice can say.
        """
        text = speakable(request.text)
        if has_words(request.text):
            self._complain(request.text, text)
        position = 0
        for span in find_spans(text, self._synthesiser.split_sentences):
            if not has_words(span.text):
                continue
            spoken = await self._host.run(self._say, span)
            if not len(spoken.samples):
                continue
            yield Mark(text_end=span.end, at_samples=position + spoken.words_end)
            yield Audio(samples=spoken.samples, rate_hz=RATE_HZ)
            position += len(spoken.samples)

    def _say(self, span: Span) -> Spoken:
        wave = self._synthesiser(span.text, speed=self._speed, seed=_SEED)
        return finish(wave, closes=span.closes)

    def _complain(self, text: str, spoken: str) -> None:
        if not has_words(spoken):
            raise _refusal("speaks English only, and there is no word in Latin script in this text")
        lost = sum(before.isalnum() and not after.isalnum() for before, after in zip(text, spoken, strict=True))
        if lost:
            self._host.log.warning("hibari speaks English only: left out %d letters of another script", lost)


@asynccontextmanager
async def _session(session: HibariSession) -> AsyncIterator[HibariSession]:
    yield session


def _refusal(message: str) -> ProviderError:
    return ProviderError(ErrorKind.BAD_REQUEST, f"hibari: {message}")
