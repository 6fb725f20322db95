"""What the media clock relies on: speech is found, silence is not, and no call ever hears another."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from active_call_silero import detector as room
from active_call_silero.detector import ENGINES, ROWS, SileroDetector, load_engine, open_detector
from active_call_silero.geometry import GEOMETRIES, Geometry
from active_call_silero.network import Network
from active_call_silero.onnx_engine import OnnxEngine
from active_call_silero.weights import WeightsError

Speech = Callable[[int], NDArray[np.int16]]
Make = Callable[[], SileroDetector]


@pytest.fixture(params=ENGINES)
def make(request: pytest.FixtureRequest, onnx_file: bytes) -> Make:
    engine = load_engine(request.param, GEOMETRIES[16000], onnx_file)
    return lambda: SileroDetector(GEOMETRIES[16000], engine)


def noise(windows: int, seed: int, window: int = 512, level: float = 3000) -> NDArray[np.int16]:
    return np.random.default_rng(seed).normal(0, level, (windows, window)).astype(np.int16)


def listen(detector: SileroDetector, slot: int, windows: NDArray[np.int16]) -> list[float]:
    return [float(detector.score(np.array([slot]), window[None])[0]) for window in windows]


@pytest.mark.parametrize("rate_hz", [16000, 8000])
@pytest.mark.parametrize("engine", ENGINES)
async def test_speech_is_found_and_silence_is_not(host: SimpleNamespace, speech: Speech, engine: str, rate_hz: int):
    async with open_detector(host, {"rate_hz": rate_hz, "engine": engine}) as detector:
        assert (detector.rate_hz, detector.window) == (rate_hz, rate_hz // 1000 * 32)
        voice = speech(rate_hz)
        voice = voice[: len(voice) // detector.window * detector.window].reshape(-1, detector.window)
        quiet = np.zeros((60, detector.window), np.int16)
        hiss = noise(60, seed=1, window=detector.window, level=20)

        assert np.mean(np.array(listen(detector, detector.join(), voice)) > 0.5) > 0.7
        assert max(listen(detector, detector.join(), quiet)) < 0.2
        assert max(listen(detector, detector.join(), hiss)) < 0.3


def test_calls_scored_together_score_as_if_each_were_alone(make: Make, speech: Speech):
    voice = speech(16000)[: 512 * 60].reshape(60, 512)
    calls = [voice, noise(60, seed=3), np.zeros((60, 512), np.int16), voice[::-1].copy()]
    alone = [listen(detector, detector.join(), call) for call in calls for detector in [make()]]
    together = make()
    slots = np.array([together.join() for _ in calls])

    scores = np.array([together.score(slots, np.stack([call[at] for call in calls])) for at in range(60)]).T

    np.testing.assert_allclose(scores, alone, atol=1e-4)
    assert np.ptp(scores, axis=0).max() > 0.5  # the calls differ, or nothing was shown


def test_a_call_that_misses_a_tick_keeps_its_state(make: Make):
    calls = [noise(12, seed=4), noise(12, seed=5)]
    alone = [listen(detector, detector.join(), call) for call in calls for detector in [make()]]
    detector = make()
    first, second = detector.join(), detector.join()
    scores: dict[int, list[float]] = {first: [], second: []}

    for at in range(12):  # the second call's audio comes in bursts of two, and in the other order
        scores[first].append(float(detector.score(np.array([first]), calls[0][[at]])[0]))
        if at % 2:
            scores[second] += listen(detector, second, calls[1][at - 1 : at + 1])

    np.testing.assert_allclose(list(scores.values()), alone, atol=1e-5)


def test_the_order_of_slots_in_a_batch_does_not_matter(make: Make):
    detector, other = make(), make()
    slots = np.array([detector.join() for _ in range(3)])
    for _ in range(3):
        other.join()

    for windows in noise(15, seed=6).reshape(5, 3, 512):
        forward = detector.score(slots, windows)
        backward = other.score(slots[::-1], windows[::-1])
        np.testing.assert_allclose(forward, backward[::-1], atol=1e-5)


def test_a_slot_given_out_again_remembers_nothing(make: Make):
    detector = make()
    fresh = listen(detector, detector.join(), noise(5, seed=8))
    used = detector.join()
    listen(detector, used, noise(20, seed=9, level=9000))
    detector.leave(used)

    again = detector.join()

    assert again == used
    assert listen(detector, again, noise(5, seed=8)) == fresh


def test_more_calls_than_rows_make_room_without_losing_state(make: Make):
    detector, quiet = make(), make()
    slots = [detector.join()]
    expected = listen(quiet, quiet.join(), noise(10, seed=10))
    before = listen(detector, slots[0], noise(10, seed=10)[:5])

    slots += [detector.join() for _ in range(3 * ROWS)]
    after = listen(detector, slots[0], noise(10, seed=10)[5:])

    assert len(set(slots)) == 3 * ROWS + 1
    np.testing.assert_allclose(before + after, expected, atol=1e-6)
    assert detector.score(np.array(slots), noise(len(slots), seed=11)).shape == (len(slots),)


def test_no_windows_are_no_scores(make: Make):
    assert make().score(np.empty(0, np.intp), np.empty((0, 512), np.int16)).shape == (0,)


def test_scores_are_float32_and_the_windows_are_left_alone(make: Make):
    detector = make()
    windows = noise(1, seed=12)
    kept = windows.copy()

    assert detector.score(np.array([detector.join()]), windows).dtype == np.float32
    np.testing.assert_array_equal(windows, kept)


@pytest.mark.parametrize(
    "windows",
    [np.zeros((1, 256), np.int16), np.zeros(512, np.int16), np.zeros((2, 512), np.int16), np.zeros((1, 512), "f4")],
    ids=["half a window", "one dimension", "more windows than slots", "floats"],
)
def test_windows_of_another_shape_or_type_are_refused(make: Make, windows: NDArray[np.int16]):
    detector = make()

    with pytest.raises(ValueError, match=r"must be int16 of shape \(1, 512\) at 16000 Hz"):
        detector.score(np.array([detector.join()]), windows)


@pytest.mark.parametrize("stranger", [-1, 1, ROWS, 10_000])
def test_a_slot_that_never_joined_is_refused(make: Make, stranger: int):
    detector = make()
    detector.join()

    with pytest.raises(ValueError, match=rf"slots \[{stranger}\] are not joined"):
        detector.score(np.array([0, stranger]), noise(2, seed=13))


def test_a_stream_named_twice_in_one_call_is_refused(make: Make):
    detector = make()
    slot = detector.join()

    with pytest.raises(ValueError, match="name a stream twice"):
        detector.score(np.array([slot, slot]), noise(2, seed=14))


def test_leaving_twice_is_refused_because_two_calls_would_share_a_row(make: Make):
    detector = make()
    slot = detector.join()
    detector.leave(slot)

    with pytest.raises(ValueError, match=f"slot {slot} is not joined"):
        detector.leave(slot)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"rate_hz": 48000}, "rate_hz must be 16000 or 8000, not 48000"),
        ({"engine": "torch"}, "numpy, onnx, not 'torch'"),
    ],
)
async def test_settings_it_cannot_honour_are_refused(
    host: SimpleNamespace, settings: dict[str, object], complaint: str
):
    with pytest.raises(ValueError, match=complaint):
        async with open_detector(host, settings):
            pass


async def test_numpy_is_the_default_engine_and_runs_on_one_thread(host: SimpleNamespace):
    async with open_detector(host, {}) as detector:
        assert isinstance(detector.engine, Network)
        assert blas_threads() <= {1}


def blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


async def test_the_thread_limit_ends_with_the_last_detector(host: SimpleNamespace):
    before = blas_threads()
    wide, narrow = open_detector(host, {}), open_detector(host, {"rate_hz": 8000})
    await wide.__aenter__()
    await narrow.__aenter__()
    await wide.__aexit__(None, None, None)
    limited = blas_threads()
    await narrow.__aexit__(None, None, None)

    assert limited <= {1}
    assert blas_threads() == before


async def test_weights_that_cannot_be_extracted_fall_back_to_onnxruntime(
    host: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def fail(data: bytes, geometry: Geometry) -> None:
        raise WeightsError("no such tensor")

    monkeypatch.setattr(room, "extract", fail)

    async with open_detector(host, {}) as detector:
        assert isinstance(detector.engine, OnnxEngine)
    assert "no such tensor; using onnxruntime instead" in caplog.text
    with pytest.raises(WeightsError):  # who asked for numpy gets numpy or an error
        async with open_detector(host, {"engine": "numpy"}):
            pass
