"""Sizes of the two Silero v5/v6 networks, which share one file: 16 kHz and 8 kHz."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
CELLS = 128
"""Width of the LSTM: a stream's state is `[2, 128]`, its hidden row and its cell row."""


@dataclass(frozen=True, slots=True)
class Geometry:
    rate_hz: int
    window: int
    """Samples scored at once (32 ms)."""
    context: int
    """Samples of the previous window that must stand before this one: without them the scores collapse."""
    frame: int
    """Samples of one STFT frame; the hop is half of it, and a quarter is mirrored at the right edge."""
    branch: str
    """Prefix of this network's tensors in the ONNX file."""

    @property
    def bins(self) -> int:
        return self.frame // 2 + 1


GEOMETRIES = {
    16000: Geometry(16000, window=512, context=64, frame=256, branch="If_0_then_branch__Inline_0__"),
    8000: Geometry(8000, window=256, context=32, frame=128, branch="If_0_else_branch__Inline_0__"),
}


class Engine(Protocol):
    """One way to compute the network."""

    def infer(self, signal: Floats, state: Floats) -> Floats:
        """Speech probabilities `[n]` of `signal` (`[n, context + window]`, -1..1); `state` `[2, n, 128]` advances."""
        ...
