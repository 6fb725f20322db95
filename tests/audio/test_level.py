import numpy as np
import pytest

from active_call.audio import peak, rms_dbfs, silence


def test_a_full_scale_square_wave_is_zero_dbfs():
    assert rms_dbfs(np.full(320, -32768, np.int16)) == 0.0


def test_a_full_scale_sine_is_three_decibels_below():
    sine = np.rint(32767 * np.sin(np.arange(16000) * 2 * np.pi * 440 / 16000)).astype(np.int16)
    assert rms_dbfs(sine) == pytest.approx(-3.01, abs=0.01)


def test_half_the_amplitude_is_six_decibels_less():
    assert rms_dbfs(np.full(320, 16384, np.int16)) == pytest.approx(-6.02, abs=0.01)


@pytest.mark.parametrize("quiet", [silence(320), silence(0), np.array([1] + [0] * 9999, np.int16)])
def test_silence_is_finite(quiet):
    assert rms_dbfs(quiet) == -96.0


def test_the_peak_is_the_largest_magnitude_of_either_sign():
    assert peak(np.array([5, -7, 3], np.int16)) == 7
    assert peak(np.array([-32768, 32767], np.int16)) == 32768
    assert peak(silence(0)) == 0
