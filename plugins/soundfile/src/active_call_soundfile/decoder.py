"""Reads a whole file with libsndfile and mixes it down to one channel."""

import contextlib
import io
from collections.abc import AsyncIterator, Mapping
from typing import Any

import soundfile

from active_call.audio.wav import mono
from active_call.plugin.host import Host
from active_call.plugin.values import Audio

LONGEST_S = 3600
"""A longer file is refused: it would fill the memory (2 MB a minute at 16 kHz)."""


class SoundfileDecoder:
    def decode(self, data: bytes) -> Audio:
        """The format is found in the bytes themselves, whatever the name said."""
        try:
            with soundfile.SoundFile(io.BytesIO(data)) as file:
                if file.frames > LONGEST_S * file.samplerate:
                    raise ValueError(f"longer than {LONGEST_S // 60} minutes; split the file")
                samples = file.read(dtype="int16", always_2d=True)
                return Audio(samples=mono(samples), rate_hz=file.samplerate)
        except soundfile.LibsndfileError as error:
            raise ValueError(f"not an audio file that libsndfile can read: {error.error_string}") from None


@contextlib.asynccontextmanager
async def open_decoder(host: Host, settings: Mapping[str, Any]) -> AsyncIterator[SoundfileDecoder]:
    yield SoundfileDecoder()
