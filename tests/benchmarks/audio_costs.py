"""Prints what each operation of active_call.audio costs per 20 ms of one call: python tests/benchmarks/audio_costs.py

Pin the BLAS to one thread (OPENBLAS_NUM_THREADS=1), as the server does; figures are the best of seven rounds.
"""

import tempfile
import timeit
from collections.abc import Callable
from pathlib import Path

import numpy as np

from active_call.audio import (
    FRAME_SAMPLES,
    Fade,
    FadeShape,
    Resampler,
    Samples,
    WavWriter,
    decode_alaw,
    decode_ulaw,
    encode_alaw,
    encode_ulaw,
    from_s16le,
    gain,
    mix,
    peak,
    rms_dbfs,
    to_s16le,
)

CALLS_PER_ROUND = 1000
ROUNDS = 7


def noise(samples: int) -> Samples:
    return np.random.default_rng(0).integers(-20000, 20000, samples).astype(np.int16)


def operations() -> dict[str, Callable[[], object]]:
    wide, narrow, other = noise(FRAME_SAMPLES), noise(160), noise(FRAME_SAMPLES)
    ulaw, alaw, pcm = encode_ulaw(narrow), encode_alaw(narrow), to_s16le(wide)
    out = np.empty_like(wide)
    fade = Fade(10**7, shape=FadeShape.RAISED_COSINE)
    table: dict[str, Callable[[], object]] = {
        "s16le bytes -> samples": lambda: from_s16le(pcm),
        "samples -> s16le bytes": lambda: to_s16le(wide),
        "mu-law decode": lambda: decode_ulaw(ulaw),
        "mu-law encode": lambda: encode_ulaw(narrow),
        "A-law decode": lambda: decode_alaw(alaw),
        "A-law encode": lambda: encode_alaw(narrow),
        "mix of two": lambda: mix([wide, other]),
        "mix of two, out=": lambda: mix([wide, other], out),
        "gain": lambda: gain(wide, 0.5),
        "fade": lambda: fade.apply(wide),
        "rms_dbfs": lambda: rms_dbfs(wide),
        "peak": lambda: peak(wide),
    }
    for from_hz, to_hz in [
        (8000, 16000),
        (16000, 8000),
        (24000, 16000),
        (48000, 16000),
        (22050, 16000),
        (44100, 16000),
    ]:
        for steady in (True, False):
            name = f"resample {from_hz} -> {to_hz}, {'steady' if steady else 'aligned'}"
            stream, frame = Resampler(from_hz, to_hz, steady=steady), noise(from_hz // 50)
            table[name] = lambda stream=stream, frame=frame: stream.process(frame)  # type: ignore[misc]
    return table


def best_us(operation: Callable[[], object]) -> float:
    return min(timeit.repeat(operation, number=CALLS_PER_ROUND, repeat=ROUNDS)) / CALLS_PER_ROUND * 1e6


def main() -> None:
    print(f"{'operation':36}  us per 20 ms")
    for name, operation in operations().items():
        print(f"{name:36} {best_us(operation):8.2f}")
    with (
        tempfile.TemporaryDirectory() as folder,
        WavWriter(Path(folder) / "x.wav", rate_hz=16000, channels=2) as writer,
    ):
        frame = noise(2 * FRAME_SAMPLES)
        print(f"{'WavWriter, 16 kHz stereo':36} {best_us(lambda: writer.write(frame)):8.2f}")


if __name__ == "__main__":
    main()
