"""Background sound under a call: a loop that steps back while somebody speaks over it."""

import numpy as np

from active_call.audio import FRAME_SAMPLES
from active_call.audio.mix import mix
from active_call.plugin.values import Samples

DUCK, NORMAL, STEP = 0.1, 0.3, 0.01
"""The reference's defaults: gain while the agent speaks, gain otherwise, change of gain per frame."""


class Ambiance:
    """One leg's place in a loop of 16 kHz samples; the samples themselves are shared by all calls."""

    def __init__(self, loop: Samples, *, duck: float = DUCK, normal: float = NORMAL, step: float = STEP) -> None:
        """Raises ValueError for a loop shorter than a frame."""
        if len(loop) < FRAME_SAMPLES:
            raise ValueError(f"a background of {len(loop)} samples is shorter than 20 ms")
        self._loop = loop
        self._at = 0
        self._duck = duck
        self._normal = normal
        self._step = step
        self._gain = normal

    @property
    def gain(self) -> float:
        return self._gain

    def under(self, frame: Samples | None) -> Samples:
        """The next 20 ms of background under `frame`, or alone."""
        goal = self._normal if frame is None else self._duck
        self._gain += min(max(goal - self._gain, -self._step), self._step)
        background = np.rint(self._next() * np.float32(self._gain)).astype(np.int16)
        return background if frame is None else mix((frame, background))

    def _next(self) -> Samples:
        end = self._at + FRAME_SAMPLES
        piece = self._loop[self._at : end]
        self._at = end
        if len(piece) < FRAME_SAMPLES:
            self._at = FRAME_SAMPLES - len(piece)
            piece = np.concatenate((piece, self._loop[: self._at]))
        return piece
