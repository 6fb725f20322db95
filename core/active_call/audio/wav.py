"""WAV files (RIFF WAVE; Microsoft "New Multimedia Data Types", WAVE_FORMAT_EXTENSIBLE): read any PCM, write 16 bit."""

import struct
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from .frames import RATE_HZ, Samples
from .g711 import decode_alaw, decode_ulaw
from .mix import saturate
from .resample import resample

Interleaved = NDArray[np.int16]
"""Samples of several channels, `int16[n, channels]`."""

_UNKNOWN_SIZE = 0xFFFFFFFF
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")


class _Tag(IntEnum):
    PCM = 0x0001
    FLOAT = 0x0003
    ALAW = 0x0006
    ULAW = 0x0007
    EXTENSIBLE = 0xFFFE


class WavError(ValueError):
    """A file is not a WAV file, or not one that can be read; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class _Format:
    tag: int
    channels: int
    rate_hz: int
    bits: int


def read_wav(source: Path | bytes | BinaryIO) -> tuple[Interleaved, int]:
    """The samples `int16[n, channels]` and the rate in Hz of a WAV file.

    Reads integers of 8, 16, 24 and 32 bits, floats of 32 bits, mu-law and A-law. A file whose data is shorter than
    announced, or whose length was never filled in (a stream, a crashed writer), yields what is there.
    Raises WavError for anything else, OSError when the file cannot be opened.
    """
    name, data = _load(source)
    try:
        wave_format, audio = _chunks(data)
        return _to_int16(wave_format, audio).reshape(-1, wave_format.channels), wave_format.rate_hz
    except WavError as error:
        raise WavError(f"{name}: {error}") from None


def mono(samples: Interleaved | Samples) -> Samples:
    """The average of the channels of `int16[n, channels]`, rounded to nearest: `int16[n]`. `int16[n]` is returned."""
    if samples.ndim == 1:
        return samples
    if samples.shape[1] == 1:
        return samples[:, 0]
    averages: Samples = np.rint(samples.mean(axis=1)).astype(np.int16)
    return averages


def load_mono(source: Path | bytes | BinaryIO, rate_hz: int = RATE_HZ) -> Samples:
    """A WAV file as `int16[n]` at `rate_hz`. Raises like `read_wav`, and WavError when the rate has no usable ratio."""
    samples, from_hz = read_wav(source)
    try:
        return resample(mono(samples), from_hz, rate_hz)
    except ValueError as error:
        raise WavError(f"{_name(source)}: {error}") from None


class WavWriter:
    """Writes a 16-bit WAV file as the samples come.

    After each second of audio the header on disk is made right, so that what a crash leaves behind plays. Writing
    blocks: where the disk may be slow, call it from a thread.
    """

    def __init__(self, path: Path, *, rate_hz: int, channels: int) -> None:
        """Creates or truncates `path`. Raises OSError, or ValueError for a rate or channel count below 1."""
        if rate_hz < 1 or not 1 <= channels <= 0xFFFF:
            raise ValueError(f"{path}: cannot write {channels} channels at {rate_hz} Hz")
        self._rate_hz = rate_hz
        self._channels = channels
        self._samples = 0
        self._samples_in_header = 0
        self._file = path.open("wb")
        self._write_header()

    @property
    def duration_ms(self) -> int:
        """Whole milliseconds written so far."""
        return self._samples * 1000 // self._rate_hz

    def write(self, samples: Interleaved | Samples) -> None:
        """Append `int16[n, channels]`, or `int16[n]` already interleaved.

        Raises ValueError for other shapes and types, and when the file is closed.
        """
        if samples.dtype != np.int16:
            raise ValueError(f"WavWriter takes int16 samples, not {samples.dtype}: scale and convert them first")
        wrong = samples.size % self._channels if samples.ndim == 1 else samples.shape[1:] != (self._channels,)
        if wrong:
            raise ValueError(f"samples of shape {samples.shape} do not fit a file of {self._channels} channels")
        self._file.write(samples.astype("<i2", copy=False).tobytes())
        self._samples += samples.size // self._channels
        if self._samples - self._samples_in_header >= self._rate_hz:
            self._write_header()

    def close(self) -> None:
        """Complete the header and close the file; again is harmless."""
        if not self._file.closed:
            with self._file:
                self._write_header()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _write_header(self) -> None:
        # The audio first: a header on disk must never promise samples that are not there yet.
        self._file.flush()
        self._file.seek(0)
        self._file.write(_header(self._samples, self._rate_hz, self._channels))
        self._file.seek(0, 2)
        self._samples_in_header = self._samples


def write_wav(path: Path, samples: Interleaved | Samples, rate_hz: int) -> None:
    """Write `int16[n]` (mono) or `int16[n, channels]` as a 16-bit WAV file."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    with WavWriter(path, rate_hz=rate_hz, channels=channels) as file:
        file.write(samples)


def _header(samples: int, rate_hz: int, channels: int) -> bytes:
    """The 44 octets before the data. Beyond 4 GiB (18 hours of stereo at 16 kHz) the length is "unknown"."""
    size = samples * channels * 2
    align = channels * 2
    return _HEADER.pack(
        *(b"RIFF", min(size + 36, _UNKNOWN_SIZE), b"WAVE"),
        *(b"fmt ", 16, _Tag.PCM, channels, rate_hz, rate_hz * align, align, 16),
        *(b"data", size if size + 36 < _UNKNOWN_SIZE else _UNKNOWN_SIZE),
    )


def _name(source: Path | bytes | BinaryIO) -> str:
    if isinstance(source, Path):
        return str(source)
    return "WAV data" if isinstance(source, bytes) else str(getattr(source, "name", "WAV data"))


def _load(source: Path | bytes | BinaryIO) -> tuple[str, bytes]:
    if isinstance(source, Path):
        return _name(source), source.read_bytes()
    return _name(source), source if isinstance(source, bytes) else source.read()


def _chunks(data: bytes) -> tuple[_Format, memoryview]:
    """The format and the bytes of the data chunk, whatever other chunks lie around them."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise WavError(f"not a WAV file: it starts with {data[:12]!r}, not with RIFF....WAVE")
    wave_format = None
    position = 12
    while position + 8 <= len(data):
        kind = data[position : position + 4]
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        body = position + 8
        if kind == b"data":
            if wave_format is None:
                raise WavError("the data comes before its format ('fmt ' chunk): the file is damaged")
            return wave_format, memoryview(data)[body:] if _unfinished(data, size) else memoryview(data)[body:][:size]
        if kind == b"fmt ":
            wave_format = _parse_format(data[body : body + size])
        position = body + size + size % 2
    raise WavError(f"no {'audio' if wave_format else 'format'} in the file: its {len(data)} bytes end before it")


def _unfinished(data: bytes, data_size: int) -> bool:
    """The length of the data was never filled in. Zero is believed when the RIFF length agrees with the file."""
    whole_file = int.from_bytes(data[4:8], "little") + 8 == len(data)
    return data_size == _UNKNOWN_SIZE or (data_size == 0 and not whole_file)


def _parse_format(chunk: bytes) -> _Format:
    if len(chunk) < 16:
        raise WavError(f"the format ('fmt ' chunk) has {len(chunk)} bytes, at least 16 are needed")
    tag, channels, rate_hz, _, block_bytes, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == _Tag.EXTENSIBLE:
        if len(chunk) < 40:
            raise WavError(f"the extensible format has {len(chunk)} bytes, 40 are needed")
        tag = int.from_bytes(chunk[24:26], "little")  # the GUID of the sub-format starts with the old tag
    if channels < 1 or rate_hz < 1:
        raise WavError(f"the format says {channels} channels at {rate_hz} Hz")
    if block_bytes * 8 != channels * bits:
        raise WavError(f"{bits}-bit samples in {block_bytes} bytes for {channels} channels are not supported")
    return _Format(tag, channels, rate_hz, bits)


def _to_int16(wave_format: _Format, audio: memoryview) -> Samples:
    """All channels interleaved, `int16[n * channels]`; an incomplete last sample is dropped."""
    whole = len(audio) // (wave_format.channels * wave_format.bits // 8 or 1)
    octets = np.frombuffer(audio, np.uint8, count=whole * wave_format.channels * wave_format.bits // 8)
    match wave_format.tag, wave_format.bits:
        case (_Tag.PCM, 8):  # the only unsigned one
            return ((octets.astype(np.int16) - 128) << 8).astype(np.int16)
        case (_Tag.PCM, 16):
            return octets.view("<i2").astype(np.int16)
        case (_Tag.PCM, 24 | 32 as bits):  # little-endian: the upper 16 bits come last
            return octets.reshape(-1, bits // 8)[:, -2:].copy().view("<i2").reshape(-1).astype(np.int16)
        case (_Tag.FLOAT, 32):
            finite = np.nan_to_num(octets.view("<f4"), nan=0.0, posinf=1.0, neginf=-1.0)
            return saturate(np.rint(finite.clip(-1, 1).astype(np.float64) * 32768))
        case (_Tag.ALAW, 8):
            return decode_alaw(octets.data)
        case (_Tag.ULAW, 8):
            return decode_ulaw(octets.data)
    raise WavError(
        f"{wave_format.bits}-bit samples of format {wave_format.tag:#06x} are not supported; convert the file, "
        "for example with: ffmpeg -i in.wav -c:a pcm_s16le out.wav"
    )
