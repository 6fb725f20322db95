"""Adding and scaling 16-bit audio without wraparound: too loud is clipped at full scale."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .frames import Samples

# Kept as arrays: numpy converts a Python number anew at every call, which costs more than the comparison itself.
_LOWEST = np.array(-32768.0, np.float64)
_HIGHEST = np.array(32767.0, np.float64)


def mix(frames: Sequence[Samples], out: Samples | None = None) -> Samples:
    """The sum of `int16[n]` frames of one length, saturated, in `out` (which may be one of them) or a new array.

    Raises ValueError when the lengths differ, or when there are no frames and no `out` to fill with silence.
    """
    if not frames:
        if out is None:
            raise ValueError("mix() of no frames has no length: pass out=, or use silence()")
        out[:] = 0
        return out
    # float64, as everywhere here: exact for any number of frames, and one type spares casts in `saturate`.
    total = frames[0].astype(np.float64)
    for frame in frames[1:]:
        if frame.shape != total.shape:
            raise ValueError(f"mix() got frames of {total.size} and {frame.size} samples: cut them to one length first")
        total += frame
    return saturate(total, out)


def gain(samples: Samples, factor: float, out: Samples | None = None) -> Samples:
    """`int16[n]` times `factor`, rounded to nearest and saturated, in `out` (which may be `samples`) or a new array."""
    scaled = samples.astype(np.float64)
    scaled *= factor
    np.rint(scaled, out=scaled)
    return saturate(scaled, out)


def saturate(values: NDArray[np.float64], out: Samples | None = None) -> Samples:
    """Whole-numbered `float[n]` as int16, clipped at full scale. Overwrites `values`, which spares an allocation."""
    np.maximum(values, _LOWEST, out=values)
    np.minimum(values, _HIGHEST, out=values)
    if out is None:
        return values.astype(np.int16)
    if out.shape != values.shape:
        raise ValueError(f"out has {out.size} samples, {values.size} are needed")
    out[:] = values
    return out
