import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from active_call_whisper.loudness import Resumption, levels, quietest


def tone(seconds: float, amplitude: float) -> np.ndarray:
    t = np.arange(int(seconds * 16000)) / 16000
    return (amplitude * np.sin(2 * np.pi * 200 * t)).astype(np.int16)


def noise(seconds: float, rms: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, rms, int(seconds * 16000)).astype(np.int16)


def test_the_level_of_a_frame_is_its_rms():
    assert np.allclose(levels(np.full(640, 100, np.int16)), [100, 100])


def test_silence_is_no_speech_however_long():
    resumption = Resumption(tone(1, 5000))
    assert not any(resumption.hear(np.zeros(1600, np.int16)) for _ in range(50))


def test_the_noise_of_the_line_is_no_speech():
    utterance = np.concatenate([noise(0.5, 300), tone(1, 5000) + noise(1, 300), noise(0.3, 300)])
    resumption = Resumption(utterance)
    assert not any(resumption.hear(noise(0.1, 300)) for _ in range(50))


def test_quieter_speech_counts_after_a_tenth_of_a_second():
    resumption = Resumption(np.concatenate([noise(0.3, 20), tone(1, 5000)]))
    assert not resumption.hear(tone(0.08, 2000))
    assert resumption.hear(tone(0.02, 2000))


NOISE = noise(45, 500)


@given(st.integers(0, 14), st.integers(15, 40))
def test_a_cut_lies_between_the_limits(earliest_s, latest_s):
    assert earliest_s * 16000 <= quietest(NOISE, earliest_s * 16000, latest_s * 16000) <= latest_s * 16000


def test_a_cut_falls_into_the_gap():
    samples = tone(30, 5000)
    samples[20 * 16000 : 20 * 16000 + 6400] = 0
    assert 20.05 <= quietest(samples, 15 * 16000, 28 * 16000) / 16000 <= 20.35
