"""ITU-T G.722 at 64 kbit/s: 16 kHz audio in one byte per two samples; its RTP clock is 8000 (RFC 3551 section 4.5.2).

The work is done by libg722 (public domain, package `G722`), loaded with the first codec that is made.
"""

import numpy as np

from .frames import Samples

BIT_RATE = 64_000
RATE_HZ = 16_000


class G722Codec:
    """One direction each way; it has memory, so every stream needs its own."""

    def __init__(self) -> None:
        from G722 import G722

        self._encoder = G722(RATE_HZ, BIT_RATE)
        self._decoder = G722(RATE_HZ, BIT_RATE)

    def encode(self, samples: Samples) -> bytes:
        """`int16[2n]` to n bytes; an odd last sample is dropped."""
        return bytes(self._encoder.encode(samples[: len(samples) & ~1]))

    def decode(self, data: bytes) -> Samples:
        """n bytes to `int16[2n]`."""
        return np.array(self._decoder.decode(data), dtype=np.int16)
