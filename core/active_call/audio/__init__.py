"""Samples and what is done to them: rates, G.711, mixing, fades, levels and WAV files."""

from .fade import Fade, FadeShape
from .frames import (
    FRAME_MS,
    FRAME_SAMPLES,
    RATE_HZ,
    Samples,
    from_s16le,
    ms_to_samples,
    samples_to_ms,
    silence,
    to_s16le,
)
from .g711 import decode_alaw, decode_ulaw, encode_alaw, encode_ulaw
from .level import peak, rms_dbfs
from .mix import gain, mix
from .resample import Resampler, resample
from .wav import WavError, WavWriter, load_mono, mono, read_wav, write_wav

__all__ = [
    "FRAME_MS",
    "FRAME_SAMPLES",
    "RATE_HZ",
    "Fade",
    "FadeShape",
    "Resampler",
    "Samples",
    "WavError",
    "WavWriter",
    "decode_alaw",
    "decode_ulaw",
    "encode_alaw",
    "encode_ulaw",
    "from_s16le",
    "gain",
    "load_mono",
    "mix",
    "mono",
    "ms_to_samples",
    "peak",
    "read_wav",
    "resample",
    "rms_dbfs",
    "samples_to_ms",
    "silence",
    "to_s16le",
    "write_wav",
]
