"""Smart Turn v3.2: has the caller finished, or only paused? Decided by the voice, not by the words.

https://huggingface.co/pipecat-ai/smart-turn-v3
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]

from active_call.plugin.host import Host
from active_call.plugin.providers import Settings
from active_call.plugin.values import Audio, Samples

from . import FILE, MODEL
from .features import RATE_HZ, Floats, log_mel, standardise

WINDOW = 8 * RATE_HZ
"""Samples that the model looks at."""


class SmartTurn:
    """A `TurnModel`. One session serves all calls; each score is computed on one thread of the host's pool."""

    def __init__(self, host: Host, session: ort.InferenceSession) -> None:
        self._host = host
        self._session = session

    async def score(self, audio: Audio) -> float:
        """Probability (0..1) that the turn is complete, from the last 8 s of `audio`: mono int16 at 16 kHz.

        Raises ValueError for anything else.
        """
        if audio.rate_hz != RATE_HZ:
            raise ValueError(f"smart-turn hears {RATE_HZ} Hz only, not {audio.rate_hz}; resample the audio first")
        if audio.samples.ndim != 1 or audio.samples.dtype != np.int16:
            raise ValueError(
                f"smart-turn hears mono int16 of shape [n], not {audio.samples.dtype} of shape {audio.samples.shape}"
            )
        # A copy, because the caller may go on writing into its buffer while the pool works.
        return await self._host.run(self._score, latest(audio.samples))

    def _score(self, samples: Floats) -> float:
        features = log_mel(standardise(samples))
        (probability,) = self._session.run(None, {"input_features": features[None]})
        return float(probability[0, 0])


def latest(samples: Samples) -> Floats:
    """The last 8 s as float32 `[128000]`, -1..1; shorter audio gets silence on its left."""
    window = np.zeros(WINDOW, np.float32)
    tail = samples[-WINDOW:]
    if len(tail):
        np.multiply(tail, np.float32(1 / 32768), out=window[-len(tail) :])
    return window


@asynccontextmanager
async def open_turn(host: Host, settings: Settings) -> AsyncIterator[SmartTurn]:
    """There are no settings. Raises `MissingModel` if the store does not hold the model."""
    session = await host.run(open_session, host.models.files(MODEL)[FILE])
    yield SmartTurn(host, session)


def open_session(path: Path) -> ort.InferenceSession:
    """onnxruntime on one thread, which does not spin: several calls' scores share the cores."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
