import numpy as np

from active_call_whisper.features import log_mel


def test_the_shape_is_what_was_asked_for():
    assert log_mel(np.ones(16000, np.int16), 1000).shape == (80, 1000)
    assert log_mel(np.ones(0, np.int16), 1000).shape == (80, 1000)


def test_behind_the_audio_the_spectrogram_is_zero():
    mel = log_mel(np.full(16000, 500, np.int16), 1000)
    assert not mel[:, 100:].any()
    assert mel[:, :100].any()


def test_audio_beyond_the_window_is_cut():
    assert log_mel(np.ones(32000, np.int16), 100).shape == (80, 100)


def test_a_tone_is_loudest_in_its_band():
    t = np.arange(16000) / 16000
    for hz, band in [(500, 12), (1000, 25), (4000, 61)]:
        mel = log_mel((8000 * np.sin(2 * np.pi * hz * t)).astype(np.int16), 100)
        assert abs(int(mel[:, 50].argmax()) - band) <= 1


def test_eight_decades_below_the_loudest_is_the_floor():
    t = np.arange(16000) / 16000
    mel = log_mel((8000 * np.sin(2 * np.pi * 1000 * t)).astype(np.int16), 100)
    assert mel.max() - mel.min() == np.float32(2.0)


def test_a_frame_is_the_filtered_power_of_its_window():
    rng = np.random.default_rng(1)
    samples = rng.integers(-9000, 9000, 16000).astype(np.int16)
    n, k = np.arange(400), np.arange(201)
    window = samples[50 * 160 - 200 : 50 * 160 + 200] / 32768 * (0.5 - 0.5 * np.cos(2 * np.pi * n / 400))
    power = np.abs(np.exp(-2j * np.pi * np.outer(k, n) / 400) @ window) ** 2
    # Band 10 of Slaney's scale: 80 bands over 45.245 mels, 66.67 Hz each, so a triangle around 409.7 Hz.
    step = (15 + 27 * np.log(8) / np.log(6.4)) / 81 * 200 / 3
    left, right = step * 10, step * 12
    hz = k * 40.0
    triangle = np.clip(np.minimum((hz - left) / step, (right - hz) / step), 0, None) * 2 / (right - left)
    expected = (np.log10(triangle @ power) + 4) / 4
    assert abs(log_mel(samples, 100)[10, 50] - expected) < 1e-4
