"""The `Detector` that the core's media clock calls: state rows for all calls, scored in one batch."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import numpy as np
from numpy.typing import NDArray

from active_call.plugin.host import Host
from active_call.plugin.providers import Settings

from .geometry import CELLS, GEOMETRIES, Engine, Floats, Geometry
from .network import Network
from .threads import one_blas_thread
from .weights import WeightsError, extract, read_file

ENGINES = ("numpy", "onnx")
ROWS = 16
"""Rows at the start; doubled whenever they run out."""
FULL_SCALE = np.float32(1 / 32768)


class SileroDetector:
    """All methods belong to one thread (the event loop's)."""

    def __init__(self, geometry: Geometry, engine: Engine) -> None:
        self.rate_hz = geometry.rate_hz
        self.window = geometry.window
        self.engine = engine
        self._geometry = geometry
        self._state: Floats = np.zeros((2, ROWS, CELLS), np.float32)
        self._context: Floats = np.zeros((ROWS, geometry.context), np.float32)
        self._joined: set[int] = set()
        self._free = list(reversed(range(ROWS)))

    def join(self) -> int:
        """The slot of a new stream, its state cleared. Slots of streams that left are given out again."""
        if not self._free:
            self._grow()
        slot = self._free.pop()
        self._state[:, slot] = 0
        self._context[slot] = 0
        self._joined.add(slot)
        return slot

    def leave(self, slot: int) -> None:
        """Raises ValueError for a slot that is not joined: giving it out twice would mix two calls."""
        if slot not in self._joined:
            raise ValueError(f"slot {slot} is not joined; leave() is called once for each join()")
        self._joined.remove(slot)
        self._free.append(slot)

    def score(self, slots: NDArray[np.intp], windows: NDArray[np.int16]) -> Floats:
        """Speech probabilities `[n]` of `windows` (`int16[n, window]`); the state of `slots` (`[n]`) advances.

        A slot may occur once in a call: of two windows of one stream, the second is scored by a second call.
        Raises ValueError for any other shape, type or slot.
        """
        count = len(slots)
        if windows.shape != (count, self.window) or windows.dtype != np.int16:
            raise ValueError(
                f"windows must be int16 of shape ({count}, {self.window}) at {self.rate_hz} Hz, "
                f"not {windows.dtype} of shape {windows.shape}"
            )
        wanted = set(slots.tolist())
        if len(wanted) != count or not wanted <= self._joined:
            raise self._refusal(slots)
        if count == 0:
            return np.empty(0, np.float32)
        context = self._geometry.context
        signal = np.empty((count, context + self.window), np.float32)
        signal[:, :context] = self._context[slots]
        np.multiply(windows, FULL_SCALE, out=signal[:, context:])
        state = np.take(self._state, slots, axis=1)  # C order, unlike fancy indexing; onnxruntime would copy again
        speech = self.engine.infer(signal, state)
        self._state[:, slots] = state
        self._context[slots] = signal[:, -context:]
        return speech

    def _refusal(self, slots: NDArray[np.intp]) -> ValueError:
        strangers = sorted(set(slots.tolist()) - self._joined)
        if strangers:
            return ValueError(f"slots {strangers} are not joined; call join() first, and not after leave()")
        return ValueError(f"slots {slots.tolist()} name a stream twice; score its windows in separate calls, in order")

    def _grow(self) -> None:
        rows = len(self._context)
        self._state = np.concatenate([self._state, np.zeros_like(self._state)], axis=1)
        self._context = np.concatenate([self._context, np.zeros_like(self._context)])
        self._free.extend(reversed(range(rows, 2 * rows)))


@asynccontextmanager
async def open_detector(host: Host, settings: Settings) -> AsyncIterator[SileroDetector]:
    """Settings: `rate_hz` 16000 (default) or 8000; `engine` "numpy" or "onnx" (default: numpy, or onnx if that fails).

    Raises ValueError for other settings and `WeightsError` (a `PluginError`) if the weights are not the known file.
    """
    rate_hz, engine_name = settings.get("rate_hz", 16000), settings.get("engine")
    if rate_hz not in GEOMETRIES:
        raise ValueError(f"silero: rate_hz must be 16000 or 8000, not {rate_hz!r}")
    if engine_name is not None and engine_name not in ENGINES:
        raise ValueError(f"silero: engine must be one of {', '.join(ENGINES)}, not {engine_name!r}")
    geometry = GEOMETRIES[rate_hz]
    data = await host.run(read_file)
    try:
        engine = await host.run(load_engine, engine_name or "numpy", geometry, data)
    except WeightsError as error:
        if engine_name is not None:
            raise
        host.log.warning("silero: %s; using onnxruntime instead, which is several times slower", error)
        engine = await host.run(load_engine, "onnx", geometry, data)
    with one_blas_thread() if isinstance(engine, Network) else nullcontext():
        yield SileroDetector(geometry, engine)


def load_engine(name: str, geometry: Geometry, data: bytes) -> Engine:
    """`name` is one of `ENGINES`, `data` the ONNX file. Raises `WeightsError`."""
    if name == "numpy":
        return Network(geometry, extract(data, geometry))
    # Imported here because the default engine does without onnxruntime and its 100 ms of import.
    from .onnx_engine import OnnxEngine

    return OnnxEngine(geometry, data)
