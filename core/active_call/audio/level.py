"""How loud a piece of audio is."""

import math

import numpy as np

from .frames import Samples

SILENCE_DBFS = -96.0
"""What `rms_dbfs` says of digital silence: just below the quietest 16-bit signal, and finite."""


def rms_dbfs(samples: Samples) -> float:
    """Root mean square of `int16[n]` in dB of full scale: 0.0 is a full-scale square wave, -96.0 silence or nothing."""
    if not samples.size:
        return SILENCE_DBFS
    values = samples.astype(np.float32)
    power = float(np.dot(values, values)) / (values.size * 32768.0**2)
    return max(SILENCE_DBFS, 10 * math.log10(power)) if power > 0 else SILENCE_DBFS


def peak(samples: Samples) -> int:
    """The largest magnitude in `int16[n]`, 0..32768; 0 for no samples."""
    if not samples.size:
        return 0
    return max(int(samples.max()), -int(samples.min()))
