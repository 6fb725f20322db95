"""G.711 mu-law and A-law (ITU-T G.711), bit-exact, by tables that are computed once at import."""

import numpy as np
from numpy.typing import NDArray

from .frames import Samples

Octets = NDArray[np.uint8]

ULAW_SILENCE = 0xFF
ALAW_SILENCE = 0xD5

_ULAW_BIAS = 33
_ULAW_CLIP = 8158
"""The last input of the top segment; the bias then fills its 13 bits."""


def decode_ulaw(data: bytes | bytearray | memoryview) -> Samples:
    """One octet of mu-law (RTP payload type 0) per sample: new `int16[len(data)]`."""
    return _ULAW_TO_LINEAR.take(np.frombuffer(data, np.uint8))


def encode_ulaw(samples: Samples) -> bytes:
    """`int16[n]` as n octets of mu-law. The two lowest bits are dropped, as the standard's 14-bit input asks."""
    return _LINEAR_TO_ULAW.take(samples.view(np.uint16)).tobytes()


def decode_alaw(data: bytes | bytearray | memoryview) -> Samples:
    """One octet of A-law (RTP payload type 8) per sample: new `int16[len(data)]`."""
    return _ALAW_TO_LINEAR.take(np.frombuffer(data, np.uint8))


def encode_alaw(samples: Samples) -> bytes:
    """`int16[n]` as n octets of A-law. The three lowest bits are dropped, as the standard's 13-bit input asks."""
    return _LINEAR_TO_ALAW.take(samples.view(np.uint16)).tobytes()


def _ulaw_decoding() -> Samples:
    """`int16[256]`. Octets travel inverted; the bias makes every segment start at a power of two."""
    code = ~np.arange(256, dtype=np.uint8)
    segment = (code >> 4 & 7).astype(np.int32)
    magnitude = ((((code & 15).astype(np.int32) << 1) + _ULAW_BIAS) << segment) - _ULAW_BIAS
    return (np.where(code & 0x80, -magnitude, magnitude) << 2).astype(np.int16)


def _ulaw_encoding() -> Octets:
    """`uint8[65536]`, indexed by the sample seen as uint16."""
    linear = _every_sample() >> 2
    magnitude = np.minimum(np.abs(linear), _ULAW_CLIP) + _ULAW_BIAS
    segment = _top_bit(magnitude) - 5
    code = segment << 4 | (magnitude >> (segment + 1) & 15)
    octets: Octets = (code ^ np.where(linear < 0, 0x7F, 0xFF)).astype(np.uint8)
    return octets


def _alaw_decoding() -> Samples:
    """`int16[256]`. Even bits travel inverted (0x55); segments 0 and 1 share one step size."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    segment = (code >> 4 & 7).astype(np.int32)
    step = ((code & 15).astype(np.int32) << 1) + 1
    magnitude = np.where(segment == 0, step, (step + 32) << np.maximum(segment - 1, 0))
    return (np.where(code & 0x80, magnitude, -magnitude) << 3).astype(np.int16)


def _alaw_encoding() -> Octets:
    """`uint8[65536]`, indexed by the sample seen as uint16."""
    linear = _every_sample() >> 3
    magnitude = np.where(linear < 0, ~linear, linear)
    segment = np.maximum(_top_bit(magnitude) - 4, 0)
    code = segment << 4 | (magnitude >> np.maximum(segment, 1) & 15)
    return (code ^ np.where(linear < 0, 0x55, 0xD5)).astype(np.uint8)


def _every_sample() -> NDArray[np.int32]:
    return np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)


def _top_bit(magnitude: NDArray[np.int32]) -> NDArray[np.int32]:
    """Index of the highest set bit; 0 for 0 and 1."""
    return (np.frexp(np.maximum(magnitude, 1).astype(np.float64))[1] - 1).astype(np.int32)


_ULAW_TO_LINEAR = _ulaw_decoding()
_LINEAR_TO_ULAW = _ulaw_encoding()
_ALAW_TO_LINEAR = _alaw_decoding()
_LINEAR_TO_ALAW = _alaw_encoding()
