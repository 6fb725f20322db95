"""Our features against those of `transformers` 5.23.0, and the definition they follow.

`golden_features.npz` holds every 20th frame of `WhisperFeatureExtractor(chunk_length=8)` with `do_normalize=True`
(`plain`: False) on the last 8 s of the formula, `short` 2.7 s and `long` 9.3 s of it, and on clip 0880 (`voice`), all
padded on the left; `filters` is every 8th band of its `mel_filters`.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from active_call_smart_turn.features import BLOCK, HOP, log_mel, mel_filters, standardise
from active_call_smart_turn.turn import WINDOW, latest

GOLDEN = np.load(Path(__file__).parent / "golden_features.npz")
Clip = Callable[[str], NDArray[np.int16]]
Formula = Callable[[float], NDArray[np.int16]]


@pytest.mark.parametrize(("name", "seconds"), [("short", 2.7), ("long", 9.3)])
def test_features_equal_those_of_transformers(formula: Formula, name: str, seconds: float):
    features = log_mel(standardise(latest(formula(seconds))))

    assert features.shape == (80, 800)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features[:, ::20], GOLDEN[name], atol=1e-4)


def test_without_normalising_they_equal_what_plain_whisper_hears(formula: Formula):
    np.testing.assert_allclose(log_mel(latest(formula(9.3)))[:, ::20], GOLDEN["plain"], atol=1e-4)


def test_features_of_a_real_voice_equal_those_of_transformers(clip: Clip):
    np.testing.assert_allclose(log_mel(standardise(latest(clip("0880"))))[:, ::20], GOLDEN["voice"], atol=1e-4)


def test_the_filters_are_slaneys():
    filters = mel_filters(80)

    np.testing.assert_allclose(filters[:, ::8], GOLDEN["filters"], atol=1e-7)
    assert not filters.flags.writeable


def test_large_whisper_models_get_their_128_bands():
    assert log_mel(np.zeros(16000, np.float32), bands=128).shape == (128, 100)


@given(st.integers(201, 40 * HOP * BLOCK // 8))
def test_there_is_a_frame_for_each_full_10_ms(samples: int):
    tone = np.sin(np.arange(samples, dtype=np.float32) / 7)

    features = log_mel(tone)

    assert features.shape == (80, samples // HOP)
    assert np.isfinite(features).all()


def test_a_tone_lands_in_the_band_of_its_frequency():
    tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)

    loudest = log_mel(tone)[:, 50].argmax()

    assert mel_filters(80)[:, loudest].argmax() == 25  # 1000 Hz in steps of 40 Hz


def test_nothing_is_further_below_the_peak_than_the_span():
    loud_then_silent = np.zeros(32000, np.float32)
    loud_then_silent[:16000] = np.random.default_rng(1).normal(0, 0.3, 16000)

    features = log_mel(loud_then_silent)

    assert np.ptp(features) == pytest.approx(2.0)  # 8 decades, divided by 4


@pytest.mark.parametrize("shape", [(200,), (0,), (2, 16000)])
def test_audio_too_short_or_not_mono_is_refused(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match="at least 201 mono samples"):
        log_mel(np.zeros(shape, np.float32))


@given(st.floats(-0.5, 0.5), st.floats(0.01, 0.5))
def test_level_and_offset_do_not_matter_once_standardised(offset: float, level: float):
    shape = np.sin(np.arange(1600) / 9)

    standard = standardise((offset + level * shape).astype(np.float32))

    assert abs(standard.mean()) < 1e-3
    assert standard.std() == pytest.approx(1, abs=5e-3)


def test_silence_stays_silent_when_standardised():
    assert (standardise(np.zeros(1600, np.float32)) == 0).all()


@pytest.mark.parametrize("samples", [0, 1, WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW])
def test_the_latest_audio_stands_at_the_right(samples: int):
    audio = np.arange(1, samples + 1).astype(np.int16)

    window = latest(audio)

    kept = min(samples, WINDOW)
    assert window.shape == (WINDOW,)
    assert (window[: WINDOW - kept] == 0).all()
    np.testing.assert_array_equal(window[WINDOW - kept :] * 32768, audio[samples - kept :])
