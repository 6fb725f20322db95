"""What one decode of the model says, and whether to believe it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .languages import ENGLISH, Language

# Measured on telephone-band audio: 63 pieces of noise, hum, tones, music and silence against 90 short answers and
# real speech. Whisper's own rule first; a mean log probability alone would drop "yes" (-1.1) and "no" (-1.3), for a
# word or two it says little. Noise that passes the first rule scored -3.6 for a word, -2.05 for a sentence.
_SILENT = 0.6
_DOUBTFUL = -1.0
_FEW_TOKENS = 3
_UNLIKELY_WORD = -2.5
_UNLIKELY_SENTENCE = -1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    text: str
    language: Language = ENGLISH
    language_probability: float = 1.0
    """1.0 when it was told, not detected."""
    log_probability: float = 0.0
    """Mean per token."""
    no_speech: float = 0.0
    tokens: int = 0

    @property
    def credible(self) -> bool:
        """False for what the model invents when nobody speaks."""
        if self.no_speech > _SILENT and self.log_probability < _DOUBTFUL:
            return False
        unlikely = _UNLIKELY_WORD if self.tokens <= _FEW_TOKENS else _UNLIKELY_SENTENCE
        return self.log_probability >= unlikely

    @property
    def confidence(self) -> float:
        """0..1: the mean probability of a token."""
        return math.exp(min(0.0, self.log_probability))

    @property
    def loops(self) -> bool:
        """Nothing but one word again and again: a short window's stutter, or a caller who says "five five"."""
        words = self.text.lower().replace(",", " ").replace(".", " ").split()
        return len(words) > 1 and len(set(words)) == 1


NOTHING = Reading(text="")


def join(readings: Sequence[Reading]) -> Reading:
    """The readings of successive pieces of one utterance as one; pieces that are not credible are left out."""
    said = [reading for reading in readings if reading.text and reading.credible]
    if not said:
        return NOTHING
    tokens = sum(max(1, reading.tokens) for reading in said)
    weighed = sum(max(1, reading.tokens) * reading.log_probability for reading in said)
    first = said[0]
    return Reading(
        text=first.language.joint.join(reading.text for reading in said),
        language=first.language,
        language_probability=first.language_probability,
        log_probability=weighed / tokens,
        no_speech=max(reading.no_speech for reading in said),
        tokens=tokens,
    )
