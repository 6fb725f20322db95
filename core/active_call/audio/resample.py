"""Streaming rate conversion: a polyphase FIR (Kaiser-windowed sinc) with 2 ms of delay at 8 kHz, 1 ms at 16 kHz.

Library resamplers at high quality hold back 20 to 115 ms of a live stream; a phone call has no such time to give.

The filter runs as a matrix product over blocks of outputs, in float64 with coefficients that are multiples of
2**-32: every sum is then exact, so that the result does not depend on how the stream was cut, nor on the BLAS.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from .frames import Samples, silence
from .mix import saturate

HALF_LENGTH = 16
"""Reach of the filter to either side, in periods of the lower of the two rates."""

# 70 dB of stopband. With HALF_LENGTH 16, 8 kHz audio is flat to 3.4 kHz, -6 dB at 4 kHz, gone at 4.6 kHz.
_KAISER_BETA = 6.755
_COEFFICIENT_STEP = 2.0**-32
_OUTPUTS_PER_BLOCK = 32
_WORK_SAMPLES = 1024
_MAX_PHASES = 1280


class Resampler:
    """One stream of mono audio from one rate to another; chunks may have any length, none included.

    Output is aligned with the input: nothing is added in front, `delay_ms` of audio is held back and comes out of
    `flush()`, and the whole has input * ratio samples (rounded up). With `steady=True` the stream starts with
    `delay_ms` of silence instead and every chunk yields its full share at once: a frame of 20 ms in is a frame of
    20 ms out, from the first. That is the mode for a live leg; its `flush()` yields the last `delay_ms`.
    """

    def __init__(self, from_hz: int, to_hz: int, *, steady: bool = False) -> None:
        """Raises ValueError for rates that are not positive or have no ratio of small whole numbers."""
        self._bank = _filter_bank(from_hz, to_hz, steady)
        bank = self._bank
        self._limit = bank.span + bank.hop + _WORK_SAMPLES
        self._work = np.zeros(self._limit + bank.span + bank.hop)
        self._windows = bank.windows(self._work)
        self.reset()

    @property
    def delay_ms(self) -> float:
        """How long a sample stays inside: 2 ms when the lower rate is 8 kHz, 1 ms at 16 kHz, 0 for equal rates."""
        return self._bank.delay_ms

    def reset(self) -> None:
        """Forget the stream; the next chunk starts a new one."""
        self._work[: self._bank.before] = 0
        self._filled = self._bank.before
        self._emitted = 0

    def process(self, samples: Samples) -> Samples:
        """The next `int16[n]` at the old rate; returns what is ready at the new rate, a new `int16[m]`, m >= 0.

        Raises TypeError for another sample type: floats in -1..1 would come out as silence.
        """
        if samples.dtype != np.int16:
            raise TypeError(f"Resampler takes int16 samples, not {samples.dtype}: scale and convert them first")
        if self._bank.identity:
            return samples.copy()
        if samples.size <= self._limit - self._filled:
            return self._step(samples)
        ready = []
        while samples.size:
            room = self._limit - self._filled
            ready.append(self._step(samples[:room]))
            samples = samples[room:]
        return np.concatenate(ready)

    def flush(self) -> Samples:
        """End the stream: what was held back. The next chunk starts a new stream."""
        bank = self._bank
        if bank.identity:
            return silence(0)
        left = bank.outputs_of(self._filled - bank.before) - self._emitted
        tail = self.process(silence(bank.after))[:left]
        self.reset()
        return tail

    def _step(self, samples: Samples) -> Samples:
        """Work holds the inputs of the current block onwards; its first `_emitted` outputs are already out."""
        bank, work = self._bank, self._work
        filled = self._filled + samples.size
        work[self._filled : filled] = samples
        ready = bank.outputs_ready(filled - bank.before)
        emitted = self._emitted
        if ready <= emitted:
            self._filled = filled
            return silence(0)
        result = bank.filter(self._windows, -(-ready // bank.outputs))[emitted:ready]
        blocks, self._emitted = divmod(ready, bank.outputs)
        if blocks:
            used = blocks * bank.hop
            work[: filled - used] = work[used:filled]
            filled -= used
        self._filled = filled
        np.rint(result, out=result)
        return saturate(result)


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """A whole `int16[n]` at another rate, not delayed: `int16[ceil(n * to_hz / from_hz)]`."""
    stream = Resampler(from_hz, to_hz)
    return np.concatenate([stream.process(samples), stream.flush()])


@dataclass(frozen=True, slots=True, kw_only=True)
class _FilterBank:
    """The filter for one ratio up/down, cut into blocks; shared by all streams, never written to.

    A block turns `hop` new inputs into `outputs` outputs. It has one or more groups; a group sees a window of
    inputs and has a matrix [window, group outputs] of its own. Times are in units of 1 / (from_hz * up).
    """

    up: int
    down: int
    reach: int
    lag: int
    """How far the output trails the input: 0, or `reach` in a steady stream."""
    delay_ms: float
    hop: int
    outputs: int
    before: int
    """Zeros in front of the stream."""
    span: int
    """Inputs that one block looks at."""
    starts: NDArray[np.intp]
    matrices: NDArray[np.float64]
    """[groups, window, outputs of a group]"""

    @property
    def identity(self) -> bool:
        return self.up == self.down

    @property
    def after(self) -> int:
        """Zeros behind the stream that push its last sample out."""
        return -(-self.reach // self.up)

    def outputs_ready(self, inputs: int) -> int:
        """Outputs whose latest input is among the first `inputs`."""
        return -((self.reach - self.lag - inputs * self.up) // self.down)

    def outputs_of(self, inputs: int) -> int:
        """All outputs of a stream of `inputs`."""
        return -((-self.lag - inputs * self.up) // self.down)

    def windows(self, work: NDArray[np.float64]) -> NDArray[np.float64]:
        """What each block sees of `work`, [blocks, span], as an overlapping view."""
        blocks = (work.size - self.span) // self.hop + 1
        step = work.itemsize
        return as_strided(work, (blocks, self.span), (self.hop * step, step), writeable=False)

    def filter(self, windows: NDArray[np.float64], blocks: int) -> NDArray[np.float64]:
        """The outputs of the first `blocks`, `float64[blocks * outputs]`."""
        if len(self.matrices) == 1:
            outputs: NDArray[np.float64] = windows[:blocks].dot(self.matrices[0])
            return outputs.reshape(-1)
        seen = windows[:blocks, self.starts[:, None] + np.arange(self.matrices.shape[1])]
        outputs = np.matmul(seen.transpose(1, 0, 2), self.matrices)
        return outputs.transpose(1, 0, 2).reshape(-1)


@lru_cache(maxsize=64)
def _filter_bank(from_hz: int, to_hz: int, steady: bool) -> _FilterBank:
    if from_hz <= 0 or to_hz <= 0:
        raise ValueError(f"cannot resample from {from_hz} Hz to {to_hz} Hz: rates are positive")
    divisor = gcd(from_hz, to_hz)
    up, down = to_hz // divisor, from_hz // divisor
    if max(up, down) > _MAX_PHASES:
        raise ValueError(
            f"cannot resample from {from_hz} Hz to {to_hz} Hz: the ratio {up}/{down} needs numbers up to "
            f"{_MAX_PHASES}; use a standard rate such as 8000, 16000, 22050, 24000, 44100 or 48000"
        )
    reach = HALF_LENGTH * max(up, down) if up != down else 0
    lag = reach if steady else 0
    size, groups = _block_shape(up)
    time = np.arange(groups * size) * down - lag
    first = -((reach - time) // up)
    last = (time + reach) // up
    starts = first[::size]
    window = int((last[size - 1 :: size] - starts).max()) + 1
    inputs = starts[:, None, None] + np.arange(window)[:, None]
    before = int(-starts[0])
    return _FilterBank(
        up=up,
        down=down,
        reach=reach,
        lag=lag,
        delay_ms=1000 * reach / (up * from_hz),
        hop=groups * size // up * down,
        outputs=groups * size,
        before=before,
        span=int(starts[-1]) + before + window,
        starts=(starts + before).astype(np.intp),
        matrices=_coefficients(time.reshape(groups, 1, size) - inputs * up, up, down),
    )


def _block_shape(up: int) -> tuple[int, int]:
    """Outputs per group and groups per block; together a multiple of the `up` phases.

    Wide groups multiply by many zeros, narrow ones are many small products: about 32 outputs cost least.
    """
    if up <= _OUTPUTS_PER_BLOCK:
        return up * (_OUTPUTS_PER_BLOCK // up), 1
    size = max(n for n in range(1, _OUTPUTS_PER_BLOCK + 1) if up % n == 0)
    return size, up // size


def _coefficients(offset: NDArray[np.int64], up: int, down: int) -> NDArray[np.float64]:
    """The low-pass at `offset` from its centre, [groups, window, outputs]; each output's sum to exactly 1."""
    slow = max(up, down)
    position = offset / (HALF_LENGTH * slow)
    inside = np.sqrt(np.maximum(1 - position**2, 0))
    taps = np.sinc(offset / slow) * np.i0(_KAISER_BETA * inside) * (np.abs(position) <= 1)
    taps /= taps.sum(axis=1, keepdims=True)
    taps = np.rint(taps / _COEFFICIENT_STEP) * _COEFFICIENT_STEP
    largest = taps.argmax(axis=1, keepdims=True)
    missing = 1 - taps.sum(axis=1, keepdims=True)
    np.put_along_axis(taps, largest, np.take_along_axis(taps, largest, axis=1) + missing, axis=1)
    return taps
