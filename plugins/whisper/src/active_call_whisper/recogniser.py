"""The recogniser as the core opens it: one model per process, a language per call, a stream per utterance."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from active_call.plugin import ErrorKind, ProviderError
from active_call.plugin.host import Host
from active_call.plugin.providers import AudioIn, RecogniserSession, Settings
from active_call.plugin.values import AsrOptions, Final, Partial

from .catalogue import WHISPER_BASE
from .languages import ENGLISH, Language, parse_language
from .reader import Decoder, Reader
from .reading import Reading
from .utterance import Utterance

_SURE = 0.5
"""A language detected with less is used for that utterance and not remembered."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """`settings` of the recogniser."""

    model: str = WHISPER_BASE.name
    threads: int = 0
    """Decodes side by side, one thread each. 0: one per core, at most four."""
    partials: bool = True

    @classmethod
    def parse(cls, settings: Settings) -> Self:
        """Raises `ProviderError` for a name or a value that makes no sense."""
        unknown = set(settings) - set(cls.__dataclass_fields__)
        if unknown:
            raise _refusal(f"unknown setting {', '.join(sorted(unknown))}; there are model, threads and partials")
        options = cls(**settings)
        if not isinstance(options.threads, int) or isinstance(options.threads, bool) or options.threads < 0:
            raise _refusal(f"threads is {options.threads!r}; it must be a whole number, 0 for one per core")
        return options

    @property
    def lanes(self) -> int:
        return self.threads or min(4, os.cpu_count() or 1)


@asynccontextmanager
async def open_recogniser(host: Host, settings: Settings) -> AsyncIterator["WhisperRecogniser"]:
    """Loads the model once. Settings: `model`, `threads`, `partials`. Raises `MissingModel`, `ProviderError`."""
    options = Options.parse(settings)
    files = host.models.files(options.model)
    decoder = await host.run(_load, files, options.lanes)
    reader = Reader(host, decoder, lanes=options.lanes, partials=options.partials)
    yield WhisperRecogniser(reader, model=options.model)


def _load(files: Mapping[str, Path], lanes: int) -> Decoder:
    from .decoder import WhisperDecoder  # takes 0.2 s to import: not in the loop

    return WhisperDecoder(files, workers=lanes)


class WhisperRecogniser:
    def __init__(self, reader: Reader, *, model: str) -> None:
        self._reader = reader
        self._model = model

    def session(self, options: AsrOptions) -> AbstractAsyncContextManager[RecogniserSession]:
        """Raises `ProviderError` for a language or a model it cannot serve."""
        if options.model not in (None, self._model):
            raise _refusal(
                f"this process has loaded {self._model!r}, not {options.model!r}: "
                "one Whisper model serves all calls, choose it in the settings of the recogniser"
            )
        try:
            language = parse_language(options.language)
        except ValueError as error:
            raise _refusal(str(error)) from error
        if not self._reader.multilingual:
            if language not in (None, ENGLISH):
                raise _refusal(
                    f"{self._model!r} hears English only, not {options.language!r}; use {WHISPER_BASE.name!r}"
                )
            language = ENGLISH
        return _session(WhisperSession(self._reader, language))


class WhisperSession:
    """One call. Without a language, the first utterance that is understood decides it."""

    def __init__(self, reader: Reader, language: Language | None) -> None:
        self._reader = reader
        self.language = language

    def transcribe(self, audio: AudioIn) -> AsyncIterator[Partial | Final]:
        return Utterance(self._reader, self).transcribe(audio)

    def learn(self, reading: Reading) -> None:
        if self.language is None and reading.text and reading.language_probability >= _SURE:
            self.language = reading.language


@asynccontextmanager
async def _session(session: WhisperSession) -> AsyncIterator[WhisperSession]:
    yield session


def _refusal(message: str) -> ProviderError:
    return ProviderError(ErrorKind.BAD_REQUEST, f"whisper: {message}")
