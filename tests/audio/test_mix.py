import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.audio import gain, mix, silence


def samples(*values):
    return np.array(values, np.int16)


@given(st.lists(st.lists(st.integers(-32768, 32767), min_size=4, max_size=4), min_size=1, max_size=5))
def test_a_mix_is_the_sum_clipped_at_full_scale(frames):
    expected = np.clip(np.sum(frames, axis=0), -32768, 32767)
    assert mix([samples(*frame) for frame in frames]).tolist() == expected.tolist()


def test_a_loud_mix_clips_instead_of_wrapping_around():
    assert mix([samples(30000, -30000), samples(30000, -30000)]).tolist() == [32767, -32768]


def test_a_mix_goes_into_the_given_array_even_if_it_is_one_of_the_frames():
    frame = samples(1, 2)
    assert mix([samples(10, 20), frame], out=frame) is frame
    assert frame.tolist() == [11, 22]


def test_a_mix_of_one_is_a_copy():
    frame = samples(1, 2)
    mixed = mix([frame])
    mixed[0] = 9
    assert frame.tolist() == [1, 2]


def test_a_mix_of_nothing_is_silence_when_the_length_is_known():
    out = samples(1, 2)
    assert mix([], out=out).tolist() == [0, 0]
    with pytest.raises(ValueError, match="no frames has no length"):
        mix([])


@pytest.mark.parametrize("short", [silence(1), silence(319)])
def test_frames_of_different_lengths_are_refused(short):
    with pytest.raises(ValueError, match=f"320 and {short.size} samples"):
        mix([silence(320), short])


def test_an_out_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="out has 2 samples, 3 are needed"):
        gain(silence(3), 1.0, out=silence(2))


@given(st.lists(st.integers(-32768, 32767), max_size=8), st.floats(-4, 4))
def test_gain_multiplies_rounds_and_saturates(values, factor):
    expected = np.clip(np.rint(np.array(values, float) * factor), -32768, 32767)
    assert gain(samples(*values), factor).tolist() == expected.tolist()


def test_gain_can_work_in_place():
    frame = samples(100, -100)
    assert gain(frame, 0.5, out=frame) is frame
    assert frame.tolist() == [50, -50]


def test_gain_leaves_its_input_alone():
    frame = samples(100)
    gain(frame, 2)
    assert frame.tolist() == [100]
