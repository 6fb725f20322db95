"""The model behind the plugin's border: on a stand-in everywhere, on the real weights where the store holds them."""

import asyncio
import threading
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

import active_call_smart_turn
from active_call.plugin import MissingModel
from active_call.plugin.discovery import discover
from active_call.plugin.values import Audio
from active_call.store.models import ModelStore, default_root
from active_call_smart_turn.features import log_mel, standardise
from active_call_smart_turn.turn import latest, open_turn

Clip = Callable[[str], NDArray[np.int16]]
Formula = Callable[[float], NDArray[np.int16]]


def heard(samples: NDArray[np.int16]) -> Audio:
    return Audio(samples=samples, rate_hz=16000)


async def test_the_models_answer_to_the_features_is_returned(host: SimpleNamespace, formula: Formula):
    samples = formula(3)
    mean = log_mel(standardise(latest(samples))).mean(dtype=np.float64)

    async with open_turn(host, {}) as turn:
        assert await turn.score(heard(samples)) == pytest.approx(1 / (1 + np.exp(-mean)), abs=1e-5)


async def test_only_the_last_eight_seconds_count(host: SimpleNamespace, formula: Formula):
    late = formula(8)
    noise = np.random.default_rng(1).integers(-9000, 9000, 48000).astype(np.int16)

    async with open_turn(host, {}) as turn:
        assert await turn.score(heard(np.concatenate([noise, late]))) == await turn.score(heard(late))


async def test_no_audio_at_all_is_silence_not_an_error(host: SimpleNamespace):
    async with open_turn(host, {}) as turn:
        assert 0 <= await turn.score(heard(np.zeros(0, np.int16))) <= 1


@pytest.mark.parametrize("rate_hz", [8000, 24000, 48000])
async def test_other_rates_are_refused(host: SimpleNamespace, rate_hz: int):
    async with open_turn(host, {}) as turn:
        with pytest.raises(ValueError, match=f"16000 Hz only, not {rate_hz}"):
            await turn.score(Audio(samples=np.zeros(800, np.int16), rate_hz=rate_hz))


@pytest.mark.parametrize("samples", [np.zeros((800, 2), np.int16), np.zeros(800, np.float32)], ids=["stereo", "floats"])
async def test_other_shapes_and_types_are_refused(host: SimpleNamespace, samples: NDArray[np.int16]):
    async with open_turn(host, {}) as turn:
        with pytest.raises(ValueError, match=r"mono int16 of shape \[n\]"):
            await turn.score(heard(samples))


async def test_the_work_is_done_off_the_loop(host: SimpleNamespace, formula: Formula):
    threads = []
    run = host.run

    def noting(function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object) -> object:
            threads.append(threading.current_thread())
            return function(*args)

        return call

    host.run = lambda function, *args: run(noting(function), *args)
    async with open_turn(host, {}) as turn:
        await turn.score(heard(formula(1)))

    assert len(threads) == 2  # loading and scoring
    assert threading.main_thread() not in threads


async def test_many_calls_share_one_session(host: SimpleNamespace, formula: Formula):
    turns = [heard(formula(seconds)) for seconds in (1, 2, 3, 4)]

    async with open_turn(host, {}) as turn:
        alone = [await turn.score(audio) for audio in turns]
        together = await asyncio.gather(*(turn.score(audio) for audio in turns))

    assert together == alone
    assert len(set(alone)) == 4


async def test_audio_overwritten_while_the_pool_works_changes_nothing(host: SimpleNamespace, formula: Formula):
    ring = formula(2)
    async with open_turn(host, {}) as turn:
        expected = await turn.score(heard(ring.copy()))
        scoring = asyncio.create_task(turn.score(heard(ring)))
        await asyncio.sleep(0)
        ring[:] = 0

        assert await scoring == expected


async def test_a_missing_model_is_reported_with_its_remedy(host: SimpleNamespace):
    def files(name: str) -> None:
        raise MissingModel(name)

    host.models = SimpleNamespace(files=files)
    with pytest.raises(MissingModel, match="active-call models pull smart-turn"):
        async with open_turn(host, {}):
            pass


@pytest.fixture
def real_host(host: SimpleNamespace) -> SimpleNamespace:
    host.models = ModelStore(default_root(), discover(points=(), extra=(active_call_smart_turn,)).models)
    try:
        host.models.files("smart-turn")
    except MissingModel as missing:
        pytest.skip(str(missing))
    return host


@pytest.mark.model
async def test_whole_sentences_are_complete_and_cut_ones_are_not(real_host: SimpleNamespace, clip: Clip):
    """Only real speech can show this: a synthesiser ends every fragment as if it were a sentence."""
    async with open_turn(real_host, {}) as turn:
        whole = [await turn.score(heard(clip(name))) for name in ("0870", "0890", "0920")]
        cut = [await turn.score(heard(clip(name)[: len(clip(name)) * 55 // 100])) for name in ("0880", "0890", "0920")]

    assert min(whole) > 0.8
    assert max(cut) < 0.2
