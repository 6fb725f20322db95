"""A gain ramp across frames, so that speech which is cut or resumed does not click."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from .frames import Samples
from .mix import gain, saturate


class FadeShape(StrEnum):
    LINEAR = "linear"
    RAISED_COSINE = "raised-cosine"
    """No corner at either end: for ramps below about 10 ms, where a linear one is still heard as a tick."""


class Fade:
    """Gain from `start` to `end` over `samples`, then `end` for good. One per ramp; frames may have any length."""

    def __init__(
        self, samples: int, *, start: float = 1.0, end: float = 0.0, shape: FadeShape = FadeShape.LINEAR
    ) -> None:
        """Raises ValueError when `samples` is negative; zero is a step."""
        if samples < 0:
            raise ValueError(f"a fade cannot last {samples} samples")
        self._end = end
        self._gains = _ramp(samples, start, end, shape)
        self._position = 0

    @property
    def done(self) -> bool:
        """The ramp is over: what follows has gain `end`."""
        return self._position >= self._gains.size

    def apply(self, frame: Samples) -> Samples:
        """The next `int16[n]` with the ramp's gain, as a new array."""
        gains = self._gains[self._position : self._position + frame.size]
        self._position += gains.size
        if not gains.size:
            return gain(frame, self._end)
        scaled = frame.astype(np.float64)
        scaled[: gains.size] *= gains
        scaled[gains.size :] *= self._end
        np.rint(scaled, out=scaled)
        return saturate(scaled)


def _ramp(samples: int, start: float, end: float, shape: FadeShape) -> NDArray[np.float64]:
    """`float64[samples]`: the first is one step away from `start`, the last is `end`, so neither edge is a plateau."""
    progress = np.arange(1, samples + 1) / max(samples, 1)
    if shape is FadeShape.RAISED_COSINE:
        progress = (1 - np.cos(np.pi * progress)) / 2
    return start + (end - start) * progress
