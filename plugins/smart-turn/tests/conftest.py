"""A host with a worker thread, an ONNX stand-in written by hand, real speech, and the formula of the golden values."""

import asyncio
import logging
import wave
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

SPEECH = Path("/usr/share/pocketsphinx/test/data/librivox")


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, content: bytes | str) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def reduce_mean(source: str, target: str, axis: int, keep: int) -> bytes:
    """A ReduceMean node of opset 13 over one axis."""
    axes = message(5, message(1, "axes") + number(8, axis) + number(20, 7))
    keepdims = message(5, message(1, "keepdims") + number(3, keep) + number(20, 2))
    return message(1, message(1, source) + message(2, target) + message(4, "ReduceMean") + axes + keepdims)


def value(name: str, *shape: int) -> bytes:
    """ValueInfoProto of a float tensor; 0 stands for a size that may vary."""
    dims = b"".join(message(1, message(2, "n") if size == 0 else number(1, size)) for size in shape)
    return message(1, name) + message(2, message(1, number(1, 1) + message(2, dims)))


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the real one's inputs and outputs that answers sigmoid(mean of the features)."""
    graph = (
        reduce_mean("input_features", "rows", 2, 0)
        + reduce_mean("rows", "mean", 1, 1)
        + message(1, message(1, "mean") + message(2, "logits") + message(4, "Sigmoid"))
        + message(2, "stand-in")
        + message(11, value("input_features", 0, 80, 800))
        + message(12, value("logits", 0, 1))
    )
    path = tmp_path_factory.mktemp("model") / "smart-turn-v3.2-cpu.onnx"
    path.write_bytes(number(1, 8) + message(7, graph) + message(8, number(2, 13)))
    return path


@pytest.fixture
def host(stand_in: Path) -> SimpleNamespace:
    async def run(function: Callable[..., Any], /, *args: object) -> Any:
        return await asyncio.to_thread(function, *args)

    models = SimpleNamespace(files=lambda name: {"smart-turn": {stand_in.name: stand_in}}[name])
    return SimpleNamespace(run=run, models=models, log=logging.getLogger("smart-turn-test"))


@pytest.fixture(scope="session")
def clip() -> Callable[[str], NDArray[np.int16]]:
    """A sentence of a reader's voice at 16 kHz, by number."""

    def load(number: str) -> NDArray[np.int16]:
        path = SPEECH / f"sense_and_sensibility_01_austen_64kb-{number}.wav"
        if not path.exists():
            pytest.skip(f"{path} is missing: apt-get install pocketsphinx-testdata")
        with wave.open(str(path), "rb") as file:
            return np.frombuffer(file.readframes(file.getnframes()), np.int16)

    return load


@pytest.fixture(scope="session")
def formula() -> Callable[[float], NDArray[np.int16]]:
    """Seconds of a rising tone that swells, under a trembling one and a little noise; the golden values are of this."""

    def make(seconds: float) -> NDArray[np.int16]:
        count = np.arange(int(seconds * 16000))
        t = count / 16000
        rising = 0.3 * np.sin(2 * np.pi * (80 * t + 180 * t * t)) * (1 + np.sin(2 * np.pi * 3 * t)) / 2
        trembling = 0.1 * np.sin(2 * np.pi * 2500 * t + 3 * np.sin(2 * np.pi * 5 * t))
        noise = 0.01 * ((count * 7919 % 1009) / 1009 - 0.5)
        return np.round((rising + trembling + noise) * 20000).astype(np.int16)

    return make
