"""Where an utterance is loud and where it is quiet: to tell speech that goes on from the silence behind it."""

import numpy as np
from numpy.typing import NDArray

from active_call.plugin.values import Samples

from .features import RATE_HZ

_FRAME = RATE_HZ // 50
_SMOOTH_FRAMES = 10

_BELOW_SPEECH = 0.25
"""-12 dB under the loud tenth of the utterance is still speech."""
_ABOVE_NOISE = 2.0
"""6 dB over the quiet tenth."""
_NEVER_ABOVE = 0.7
"""Of the loud tenth: an utterance without a gap has no quiet tenth that means anything."""
_SPEECH_SAMPLES = RATE_HZ // 10
"""100 ms of it: a click on the line is no speech."""


def levels(samples: Samples) -> NDArray[np.float32]:
    """RMS of each whole 20 ms frame of `int16[n]` at 16 kHz: `float32[n // 320]`."""
    frames = len(samples) // _FRAME
    framed = samples[: frames * _FRAME].reshape(frames, _FRAME).astype(np.float32)
    rms: NDArray[np.float32] = np.sqrt(np.square(framed).mean(axis=1, dtype=np.float32))
    return rms


class Resumption:
    """Decides whether audio after a pause is speech again, by the levels of the utterance before it."""

    def __init__(self, utterance: Samples) -> None:
        frames = levels(utterance)
        quiet, loud = np.percentile(frames, [10, 90]) if len(frames) else (0.0, 0.0)
        wanted = max(_BELOW_SPEECH * float(loud), _ABOVE_NOISE * float(quiet))
        self._threshold = max(1.0, min(wanted, _NEVER_ABOVE * float(loud)))
        self._loud_samples = 0

    def hear(self, samples: Samples) -> bool:
        """True from the moment that there was enough speech since the pause."""
        self._loud_samples += _FRAME * int(np.count_nonzero(levels(samples) > self._threshold))
        return self._loud_samples >= _SPEECH_SAMPLES


def quietest(samples: Samples, earliest: int, latest: int) -> int:
    """The sample between `earliest` and `latest` around which 200 ms are quietest: where to cut between words."""
    frames = levels(samples[earliest:latest])
    smooth = np.convolve(frames, np.ones(_SMOOTH_FRAMES, np.float32), mode="same")
    # `same` reaches over the ends, where it sees fewer frames and so less level.
    half = _SMOOTH_FRAMES // 2
    return earliest + (half + int(np.argmin(smooth[half:-half]))) * _FRAME
