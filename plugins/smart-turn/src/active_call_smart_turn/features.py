"""The log-mel features of Whisper, in numpy: what OpenAI's models and those trained on their encoder hear.

Defined by Whisper (Radford et al. 2022, https://arxiv.org/abs/2212.04356, section 2.2) and, in its details, by the
`WhisperFeatureExtractor` of `transformers`, whose values these equal within 1e-4 (tested). Audio is 16 kHz, mono.
"""

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RATE_HZ = 16000
FRAME = 400
"""Samples of one analysis frame: 25 ms."""
HOP = 160
"""Samples from one frame to the next: 10 ms."""
BANDS = 80
FLOOR = np.float32(1e-10)
SPAN = np.float32(8.0)
"""Decades below the loudest value of the recording that still count."""
BLOCK = 16
"""Frames at once: the scratch stays in cache, and 16 x 201 x 80 stays below the 2**18 multiplications at which OpenBLAS
wakes its thread pool."""


def log_mel(samples: Floats, bands: int = BANDS) -> Floats:
    """`[bands, n // 160]` of `samples` (`[n]`, -1..1): log10 of mel power, at most 8 below its peak, then (x + 4) / 4.

    Frames are centred on multiples of 160, the edges mirrored. Raises ValueError for less than 201 samples.
    """
    if samples.ndim != 1 or len(samples) <= FRAME // 2:
        raise ValueError(f"log_mel needs at least {FRAME // 2 + 1} mono samples, not an array of shape {samples.shape}")
    padded = np.pad(samples, FRAME // 2, mode="reflect")
    frames = sliding_window_view(padded, FRAME)[::HOP][: len(samples) // HOP]
    filters = mel_filters(bands)
    mel = np.empty((len(frames), bands), np.float32)
    for start in range(0, len(frames), BLOCK):
        rows = slice(start, start + BLOCK)
        spectra = np.fft.rfft(frames[rows] * _hann())
        power = np.square(spectra.real)
        power += np.square(spectra.imag)
        np.matmul(power, filters, out=mel[rows])
    logarithm = np.log10(np.maximum(mel, FLOOR, out=mel), out=mel)
    np.maximum(logarithm, logarithm.max() - SPAN, out=logarithm)
    logarithm += np.float32(4)
    logarithm *= np.float32(0.25)
    features: Floats = np.ascontiguousarray(logarithm.T)
    return features


def standardise(samples: Floats) -> Floats:
    """`samples` with zero mean and unit variance, as `do_normalize=True` makes them."""
    centred: Floats = samples - samples.mean(dtype=np.float64).astype(np.float32)
    scale = np.sqrt(np.square(centred).mean(dtype=np.float64) + 1e-7)
    centred *= np.float32(1 / scale)
    return centred


@lru_cache(maxsize=4)
def mel_filters(bands: int) -> Floats:
    """`[201, bands]`, read-only: triangles of unit area between 0 and 8 kHz on Slaney's mel scale.

    Slaney, "Auditory Toolbox" (1998): linear to 1 kHz, then 27 steps to a factor of 6.4.
    """
    edges = _slaney_hz(np.linspace(0, _slaney_mel(RATE_HZ / 2), bands + 2))
    widths = np.diff(edges)
    bins = np.linspace(0, RATE_HZ / 2, FRAME // 2 + 1)
    distances = edges[:, None] - bins
    rising = -distances[:-2] / widths[:-1, None]
    falling = distances[2:] / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    filters = np.ascontiguousarray(triangles.T, dtype=np.float32)
    filters.flags.writeable = False
    return filters


_LINEAR_HZ_PER_MEL = 200 / 3
_KNEE_HZ = 1000.0
_KNEE_MEL = _KNEE_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27


def _slaney_mel(hz: float) -> float:
    """Mel of a frequency above 1 kHz."""
    return float(_KNEE_MEL + np.log(hz / _KNEE_HZ) / _LOG_STEP)


def _slaney_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = np.maximum(mel - _KNEE_MEL, 0)
    return np.where(above > 0, _KNEE_HZ * np.exp(_LOG_STEP * above), _LINEAR_HZ_PER_MEL * mel)


@lru_cache(maxsize=1)
def _hann() -> Floats:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)
