"""Both engines against the plainest use of the ONNX file: one stream, one window at a time, the context in front."""

from collections.abc import Callable

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from active_call_silero.detector import ENGINES, SileroDetector, load_engine
from active_call_silero.geometry import GEOMETRIES, Floats
from active_call_silero.network import BLOCK, Network
from active_call_silero.weights import extract

Speech = Callable[[int], NDArray[np.int16]]


def cut(samples: NDArray[np.int16], window: int) -> NDArray[np.int16]:
    return samples[: len(samples) // window * window].reshape(-1, window)


def reference(onnx_file: bytes, samples: NDArray[np.int16], rate_hz: int) -> Floats:
    sizes = GEOMETRIES[rate_hz]
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(onnx_file, options, providers=["CPUExecutionProvider"])
    state = np.zeros((2, 1, 128), np.float32)
    before = np.zeros((1, sizes.context), np.float32)
    scores = []
    for window in cut(samples, sizes.window):
        now = window[None].astype(np.float32) / 32768
        inputs = {"input": np.hstack([before, now]), "state": state, "sr": np.array(rate_hz, np.int64)}
        score, state = session.run(None, inputs)
        before = now[:, -sizes.context :]
        scores.append(score[0, 0])
    return np.array(scores)


@pytest.mark.parametrize("rate_hz", [16000, 8000])
@pytest.mark.parametrize("engine", ENGINES)
def test_real_speech_scores_as_the_published_model_scores_it(
    onnx_file: bytes, speech: Speech, engine: str, rate_hz: int
):
    samples = speech(rate_hz)
    expected = reference(onnx_file, samples, rate_hz)
    detector = SileroDetector(GEOMETRIES[rate_hz], load_engine(engine, GEOMETRIES[rate_hz], onnx_file))
    slot = np.array([detector.join()])

    scores = [detector.score(slot, window[None])[0] for window in cut(samples, detector.window)]

    assert expected.min() < 0.2  # the clip holds silence as well as speech, or this would prove little
    assert expected.max() > 0.9
    np.testing.assert_allclose(scores, expected, atol=1e-4)


@pytest.mark.parametrize("rate_hz", [16000, 8000])
def test_both_engines_agree_on_loud_noise(onnx_file: bytes, rate_hz: int):
    """Without the speech package there is still this: full-scale input, from the worst-behaved caller."""
    sizes = GEOMETRIES[rate_hz]
    noise = np.random.default_rng(7).integers(-32768, 32768, 40 * sizes.window).astype(np.int16)
    expected = reference(onnx_file, noise, rate_hz)
    detector = SileroDetector(sizes, load_engine("numpy", sizes, onnx_file))
    slot = np.array([detector.join()])

    scores = [detector.score(slot, window[None])[0] for window in cut(noise, sizes.window)]

    np.testing.assert_allclose(scores, expected, atol=1e-4)


@pytest.mark.parametrize("rows", [1, 2, BLOCK, BLOCK + 1, 3 * BLOCK - 1])
def test_a_row_scores_the_same_in_a_batch_of_any_size(onnx_file: bytes, rows: int):
    sizes = GEOMETRIES[16000]
    network = Network(sizes, extract(onnx_file, sizes))
    random = np.random.default_rng(rows)
    signal = random.normal(0, 0.1, (rows, sizes.context + sizes.window)).astype(np.float32)
    state = random.normal(0, 0.3, (2, rows, 128)).astype(np.float32)
    alone = state.copy()

    together = network.infer(signal, state)
    one_by_one = [network.infer(signal[[row]], alone[:, row : row + 1])[0] for row in range(rows)]

    np.testing.assert_allclose(together, one_by_one, atol=1e-5)
    np.testing.assert_allclose(state, alone, atol=1e-5)


def test_an_extreme_state_still_scores_between_zero_and_one(onnx_file: bytes):
    sizes = GEOMETRIES[8000]
    network = Network(sizes, extract(onnx_file, sizes))
    state = np.full((2, 2, 128), 1e6, np.float32)

    scores = network.infer(np.ones((2, sizes.context + sizes.window), np.float32), state)

    assert np.isfinite(state).all()
    assert ((scores >= 0) & (scores <= 1)).all()
