"""One Whisper model in memory, driven through CTranslate2 (https://opennmt.net/CTranslate2/python/)."""

from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

import ctranslate2  # type: ignore[import-untyped]
import numpy as np
import tokenizers

from active_call.plugin.values import Samples

from .features import HOP, MOST_FRAMES, RATE_HZ, log_mel
from .languages import ENGLISH, Language, parse_language
from .reading import NOTHING, Reading

# The window is not padded to 30 s, which the model allows and which takes a third of the time. These guards keep it
# from looping there: at least 10 s (15 s for Chinese) with 3 s behind the audio, no four tokens twice, and an end to
# the text in proportion to the time it took to say.
_ROOM_FRAMES = 300
_NO_REPEAT_TOKENS = 4
_SPARE_TOKENS = 8
_TOKENS_PER_SECOND = {"en": 8}
_TOKENS_PER_SECOND_ELSEWHERE = 12
"""English words are mostly one token; other languages take more."""


class WhisperDecoder:
    """Thread-safe: CTranslate2 hands concurrent calls to its own workers and releases the GIL."""

    def __init__(self, files: Mapping[str, Path], *, workers: int) -> None:
        """Loads and warms up; about a second. `files` must lie in one directory, as the model store keeps them.

        `workers` decodes run side by side with one thread each. Measured on two cores: 7.8 utterances a second with two
        workers of one thread, 3.0 with one worker of two threads, and a single utterance is no later.
        """
        folder = files["model.bin"].parent
        self._model: Any = ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type="int8", inter_threads=workers, intra_threads=1
        )
        self._tokenizer = tokenizers.Tokenizer.from_file(str(files["tokenizer.json"]))
        self._known: dict[str, int] = self._tokenizer.get_vocab(with_added_tokens=True)
        self.multilingual: bool = self._model.is_multilingual
        # The first decode allocates its buffers, which would be the first caller's wait.
        self.decode(np.zeros(RATE_HZ, np.int16), ENGLISH, Event())

    def decode(self, samples: Samples, language: Language | None, stop: Event) -> Reading:
        """What `int16[n]` at 16 kHz, at most 30 s, says; without a language it is detected.

        Blocks for some 0.2 s. Once `stop` is set the next step is not begun and `NOTHING` comes back.
        """
        probability = 1.0
        encoded: Any = None
        if language is None:
            encoded = self._encode(samples, ENGLISH.fewest_frames)
            language, probability = self._detect(encoded)
            if language.fewest_frames > ENGLISH.fewest_frames:
                encoded = None
        if encoded is None:
            encoded = self._encode(samples, language.fewest_frames)
        if stop.is_set():
            return NOTHING
        reading = self._generate(encoded, language, probability, len(samples) / RATE_HZ)
        if reading.loops and reading.credible and not stop.is_set():
            # "stop stop stop stop" for one "stop": the full window does not stutter, and confirms a real "five five".
            encoded = self._encode(samples, MOST_FRAMES)
            return self._generate(encoded, language, probability, len(samples) / RATE_HZ)
        return reading

    def _encode(self, samples: Samples, fewest_frames: int) -> Any:
        frames = min(MOST_FRAMES, max(fewest_frames, len(samples) // HOP + _ROOM_FRAMES))
        mel = log_mel(samples, frames)
        return self._model.encode(ctranslate2.StorageView.from_array(mel[None]))

    def _detect(self, encoded: Any) -> tuple[Language, float]:
        if not self.multilingual:
            return ENGLISH, 1.0
        token, probability = self._model.detect_language(encoded)[0][0]
        return parse_language(token.strip("<|>")) or ENGLISH, probability

    def _generate(self, encoded: Any, language: Language, probability: float, seconds: float) -> Reading:
        prompt = self._prompt(language)
        rate = _TOKENS_PER_SECOND.get(language.code, _TOKENS_PER_SECOND_ELSEWHERE)
        result = self._model.generate(
            encoded,
            [prompt],
            beam_size=1,
            suppress_blank=True,
            no_repeat_ngram_size=_NO_REPEAT_TOKENS,
            max_length=len(prompt) + _SPARE_TOKENS + int(rate * seconds),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = result.sequences_ids[0]
        return Reading(
            text=self._tokenizer.decode(tokens).strip(),
            language=language,
            language_probability=probability,
            log_probability=result.scores[0],
            no_speech=result.no_speech_prob,
            tokens=len(tokens),
        )

    def _prompt(self, language: Language) -> list[int]:
        if not self.multilingual:
            return self._ids("<|startoftranscript|>", "<|notimestamps|>")
        task = self._ids("<|startoftranscript|>", f"<|{language.code}|>", "<|transcribe|>", "<|notimestamps|>")
        if not language.prompt:
            return task
        before: list[int] = self._tokenizer.encode(language.prompt, add_special_tokens=False).ids
        return [*self._ids("<|startofprev|>"), *before, *task]

    def _ids(self, *names: str) -> list[int]:
        return [self._known[name] for name in names]
