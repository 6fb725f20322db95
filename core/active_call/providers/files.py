"""Recorded audio as 16 kHz samples: WAV and raw PCM by the core, other formats by the decoders that plugins bring."""

from pathlib import Path, PurePosixPath

from active_call.audio import RATE_HZ
from active_call.audio.frames import from_s16le
from active_call.audio.resample import resample
from active_call.audio.wav import load_mono
from active_call.plugin.errors import ErrorKind, ProviderError
from active_call.plugin.registry import Kind, Offer
from active_call.plugin.values import Audio, Samples

from .pool import ProviderPool

RAW = ("pcm", "raw")
"""Endings of headerless files: s16le mono at 16 kHz."""


class AudioFiles:
    """Reads whole files in the bounded pool, never on the loop."""

    def __init__(self, pool: ProviderPool) -> None:
        self._pool = pool

    async def read(self, path: Path) -> Samples:
        """Raises `ProviderError`; the text says what is wrong and, for a format unknown here, what to install."""
        data = await self._pool.host.run(path.read_bytes)
        return await self.decode(data, path.name)

    async def decode(self, data: bytes, name: str, content_type: str | None = None) -> Samples:
        """`name` and the content type only help to choose; a RIFF header decides for WAV."""
        suffix = PurePosixPath(name).suffix.lower().removeprefix(".")
        run = self._pool.host.run
        try:
            if data[:4] == b"RIFF":
                return await run(load_mono, data, RATE_HZ)
            if suffix in RAW:
                return await run(from_s16le, data)
            decoder = await self._pool.open(Kind.DECODER, self._offer(suffix, content_type).name)
            audio: Audio = await run(decoder.decode, data)
            return await run(resample, audio.samples, audio.rate_hz, RATE_HZ)
        except ValueError as error:
            raise ProviderError(ErrorKind.BAD_REQUEST, str(error)) from error

    def _offer(self, suffix: str, content_type: str | None) -> Offer:
        kind = (content_type or "").partition(";")[0].strip().lower()
        for offer in self._pool.registry.offers(Kind.DECODER):
            if suffix in offer.traits.suffixes or kind in offer.traits.content_types:
                return offer
        what = f".{suffix}" if suffix else kind or "unknown"
        raise ValueError(f"no installed plugin reads {what} files (pip install active-call[soundfile])")
