"""A host to open the detector with, real speech, and the weights."""

import logging
import wave
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from active_call_silero import weights

SPEECH = Path("/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-0870.wav")


@pytest.fixture
def host() -> SimpleNamespace:
    async def run(function: Callable[..., Any], /, *args: object) -> Any:
        return function(*args)

    return SimpleNamespace(run=run, log=logging.getLogger("silero-test"))


@pytest.fixture(scope="session")
def onnx_file() -> bytes:
    return weights.read_file()


@pytest.fixture(scope="session")
def speech() -> Callable[[int], NDArray[np.int16]]:
    """Seven seconds of a reader's voice, at 16 or 8 kHz."""
    if not SPEECH.exists():
        pytest.skip(f"{SPEECH} is missing: apt-get install pocketsphinx-testdata")
    with wave.open(str(SPEECH), "rb") as file:
        wide = np.frombuffer(file.readframes(file.getnframes()), np.int16)

    def at(rate_hz: int) -> NDArray[np.int16]:
        if rate_hz == 16000:
            return wide
        taps = np.sinc(np.arange(-16, 17) / 2) * np.hamming(33) / 2
        return np.convolve(wide, taps, "same")[::2].astype(np.int16)

    return at
