"""The Silero network on onnxruntime: the reference, and the engine to fall back on. One session serves all calls."""

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]

from .geometry import Floats, Geometry


class OnnxEngine:
    def __init__(self, geometry: Geometry, data: bytes) -> None:
        options = ort.SessionOptions()
        # One window is 350,000 multiplications: a second thread costs more than it brings, and would spin in between.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        self._rate = np.array(geometry.rate_hz, np.int64)

    def infer(self, signal: Floats, state: Floats) -> Floats:
        """Speech probabilities `[n]` of `signal` (`[n, context + window]`, -1..1); `state` `[2, n, 128]` advances."""
        speech, state[:] = self._session.run(["output", "stateN"], {"input": signal, "state": state, "sr": self._rate})
        column: Floats = speech[:, 0]
        return column
