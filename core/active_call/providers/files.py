"""Recorded audio as 16 kHz samples: WAV and raw PCM by the core, other formats by the decoders that plugins bring."""

import asyncio
from collections import OrderedDict
from pathlib import Path, PurePosixPath
from weakref import WeakValueDictionary

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
KEPT_BYTES = 64 << 20
"""Decoded audio kept for the next call: 35 minutes."""
LARGEST_BYTES = 512 << 20
"""A larger file is refused: it is read as a whole."""

_Version = tuple[str, int, int]
"""A file as it was: path, time of change in ns, bytes."""


class AudioFiles:
    """Reads whole files in the bounded pool, never on the loop. What was decoded is kept until its file changes."""

    def __init__(self, pool: ProviderPool, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._pool = pool
        self._kept_bytes = kept_bytes
        self._kept: OrderedDict[_Version, Samples] = OrderedDict()
        self._in_use: WeakValueDictionary[_Version, Samples] = WeakValueDictionary()
        self._running: dict[_Version, asyncio.Task[Samples]] = {}

    async def read(self, path: Path, content_type: str | None = None) -> Samples:
        """The samples, shared and read-only.

        Raises OSError, and `ProviderError` that says what is wrong and, for a format unknown here, what to install.
        """
        version = await self._pool.host.run(_version, path)
        samples = self._in_use.get(version)
        if samples is None:
            running = self._running.get(version)
            if running is None:
                loading = self._load(version, path, content_type)
                running = self._running[version] = asyncio.create_task(loading, name="decoding")
                running.add_done_callback(lambda task: self._loaded(version, task))
            # Others may wait for the same file.
            samples = await asyncio.shield(running)
        self._keep(version, samples)
        return samples

    async def _load(self, version: _Version, path: Path, content_type: str | None) -> Samples:
        if version[2] > LARGEST_BYTES:
            raise ProviderError(ErrorKind.BAD_REQUEST, f"longer than {LARGEST_BYTES >> 20} MB; split the file")
        data = await self._pool.host.run(path.read_bytes)
        samples = await self.decode(data, path.name, content_type)
        samples.setflags(write=False)
        self._in_use[version] = samples
        return samples

    def _loaded(self, version: _Version, task: asyncio.Task[Samples]) -> None:
        del self._running[version]
        if not task.cancelled():
            task.exception()  # retrieved: whoever waited may be gone

    def _keep(self, version: _Version, samples: Samples) -> None:
        if samples.nbytes > self._kept_bytes // 4:
            return  # one long file must not drive all others out
        self._kept[version] = samples
        self._kept.move_to_end(version)
        while sum(kept.nbytes for kept in self._kept.values()) > self._kept_bytes:
            self._kept.popitem(last=False)

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


def _version(path: Path) -> _Version:
    info = path.stat()
    return str(path), info.st_mtime_ns, info.st_size
