"""From what the network gives to what a phone wants: louder, and without the silence around it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from active_call.plugin.values import Samples

RATE_HZ = 24000

_GAIN = 1.86
"""One factor for all sentences, so that they keep their proportions. The loudest peak seen is 0.40, usually 0.38: that
becomes -3 dBFS."""
_AUDIBLE = 0.001
"""The network is silent to five digits around the words; the weakest onsets pass this 20 ms after they begin."""
_BEFORE = RATE_HZ * 20 // 1000
_AFTER_SENTENCE = RATE_HZ * 300 // 1000
_AFTER_PIECE = RATE_HZ * 80 // 1000


@dataclass(frozen=True, slots=True)
class Spoken:
    samples: Samples
    """24 kHz."""
    words_end: int
    """Where in `samples` the last word ends; a pause follows."""


def finish(wave: NDArray[np.float32], *, closes: bool) -> Spoken:
    """`float32[n]` in -1..1 as louder `int16`, cut to the words: the network begins with 0.3 s of silence, which the
    caller would wait for, and ends with 0.45 s; a pause of 0.3 s stays behind a sentence."""
    audible = np.flatnonzero(np.abs(wave) > _AUDIBLE)
    if len(audible) == 0:
        return Spoken(np.zeros(0, np.int16), 0)
    begin = max(0, int(audible[0]) - _BEFORE)
    words_end = int(audible[-1]) + 1
    end = words_end + (_AFTER_SENTENCE if closes else _AFTER_PIECE)
    loud = np.clip(wave[begin:end] * (_GAIN * 32767.0), -32768.0, 32767.0)
    return Spoken(loud.astype(np.int16), words_end - begin)
