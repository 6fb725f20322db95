"""The one shape of audio inside: mono, signed 16-bit, 16 kHz, in frames of 20 ms."""

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16000
FRAME_MS = 20
FRAME_SAMPLES = RATE_HZ * FRAME_MS // 1000

Samples = NDArray[np.int16]
"""Mono samples in native byte order, `int16[n]`."""


def samples_to_ms(samples: int, rate_hz: int = RATE_HZ) -> int:
    """Whole milliseconds that `samples` last, rounded down: a millisecond counts when it has been played."""
    return samples * 1000 // rate_hz


def ms_to_samples(ms: float, rate_hz: int = RATE_HZ) -> int:
    """The number of samples nearest to `ms`."""
    return round(ms * rate_hz / 1000)


def silence(samples: int) -> Samples:
    """New `int16[samples]` of zeros."""
    return np.zeros(samples, np.int16)


def from_s16le(data: bytes | bytearray | memoryview) -> Samples:
    """Little-endian 16-bit PCM as a new, writable `int16[n]`. Raises ValueError for half a sample."""
    if len(data) % 2:
        raise ValueError(
            f"{len(data)} bytes are not whole 16-bit samples: the peer cut a sample in two or sends another encoding; "
            "keep the odd byte for the next chunk"
        )
    return np.frombuffer(data, "<i2").astype(np.int16)


def to_s16le(samples: Samples) -> bytes:
    """`int16[n]` as little-endian 16-bit PCM."""
    return samples.astype("<i2", copy=False).tobytes()
