"""Whisper's log-mel spectrogram in numpy (https://github.com/openai/whisper, `audio.py`)."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from active_call.plugin.values import Samples

Mel = NDArray[np.float32]

RATE_HZ = 16000
HOP = 160
"""Samples per frame: 10 ms."""
BANDS = 80
MOST_FRAMES = 3000
"""The model's positions end here: 30 s."""

_FFT = 400
_FLOOR = 1e-10
_RANGE = 8.0
"""Decades below the loudest band that are kept."""


def log_mel(samples: Samples, frames: int) -> Mel:
    """`int16[n]` at 16 kHz as `float32[80, frames]`.

    What lies behind the audio is zero *in the spectrogram*, not silence in the audio: the model was trained on
    silence, but in a window shorter than 30 s it loses words with it (measured on real speech; README).
    """
    mel = np.zeros((BANDS, frames), np.float32)
    heard = min(len(samples) // HOP, frames)
    if heard == 0:
        return mel
    audio = np.pad(samples.astype(np.float32) / 32768.0, _FFT // 2, mode="reflect")
    windows = sliding_window_view(audio, _FFT)[::HOP][:heard]
    spectrum = np.fft.rfft(windows * _HANN, axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    decades = np.log10(np.maximum(_FILTERS @ power.T.astype(np.float32), _FLOOR))
    mel[:, :heard] = (np.maximum(decades, decades.max() - _RANGE) + 4.0) / 4.0
    return mel


def _filters() -> Mel:
    """Slaney's mel bands, `[80, 201]`: linear below 1 kHz, logarithmic above, each of area 1."""
    bins_hz = np.linspace(0.0, RATE_HZ / 2, _FFT // 2 + 1)
    log_step = math.log(6.4) / 27.0
    top = 15.0 + math.log(RATE_HZ / 2 / 1000.0) / log_step
    mels = np.linspace(0.0, top, BANDS + 2)
    edges_hz = np.where(mels < 15.0, mels * 200.0 / 3.0, 1000.0 * np.exp(log_step * (mels - 15.0)))
    widths = np.diff(edges_hz)[:, None]
    distance = edges_hz[:, None] - bins_hz[None]
    rising, falling = -distance[:-2] / widths[:-1], distance[2:] / widths[1:]
    area = 2.0 / (edges_hz[2:] - edges_hz[:-2])[:, None]
    return (np.maximum(0.0, np.minimum(rising, falling)) * area).astype(np.float32)


_HANN = np.hanning(_FFT + 1)[:-1].astype(np.float32)
_FILTERS = _filters()
