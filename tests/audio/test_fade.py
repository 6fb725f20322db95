import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.audio import Fade, FadeShape, silence

FULL = np.full(1000, 10000, np.int16)


def test_a_fade_out_ends_in_silence_and_stays_there():
    fade = Fade(4)
    assert fade.apply(FULL[:6]).tolist() == [7500, 5000, 2500, 0, 0, 0]
    assert fade.done
    assert fade.apply(FULL[:2]).tolist() == [0, 0]


def test_a_fade_in_ends_at_full_volume_and_stays_there():
    fade = Fade(4, start=0.0, end=1.0)
    assert fade.apply(FULL[:5]).tolist() == [2500, 5000, 7500, 10000, 10000]


def test_it_is_not_done_before_its_last_sample():
    fade = Fade(4)
    fade.apply(FULL[:3])
    assert not fade.done
    fade.apply(FULL[:1])
    assert fade.done


@pytest.mark.parametrize("shape", FadeShape)
@given(cuts=st.lists(st.integers(0, 1000), max_size=6))
def test_frames_of_any_length_make_the_same_ramp(shape, cuts):
    whole = Fade(700, start=1.0, end=0.2, shape=shape).apply(FULL)
    fade = Fade(700, start=1.0, end=0.2, shape=shape)
    pieces = [fade.apply(piece) for piece in np.split(FULL, sorted(cuts))]
    assert np.array_equal(np.concatenate(pieces), whole)


@pytest.mark.parametrize("shape", FadeShape)
def test_a_fade_never_turns_back_or_steps(shape):
    steps = np.diff(Fade(500, shape=shape).apply(FULL).astype(int))
    assert steps.max() <= 0
    assert steps.min() >= -32  # pi / 2 times the linear step of 20, rounded up


def test_a_raised_cosine_begins_and_ends_gently():
    ramp = Fade(500, shape=FadeShape.RAISED_COSINE).apply(FULL)[:500].astype(int)
    assert ramp[0] >= 9999
    assert ramp[-3] <= 1
    assert abs(ramp[249] - 5000) <= 1


def test_a_fade_over_nothing_is_a_step():
    fade = Fade(0, end=0.5)
    assert fade.done
    assert fade.apply(FULL[:2]).tolist() == [5000, 5000]


def test_the_input_is_left_alone():
    frame = FULL[:10].copy()
    Fade(5).apply(frame)
    Fade(0, end=1.0).apply(frame)[0] = 1
    assert np.array_equal(frame, FULL[:10])


def test_an_empty_frame_does_not_move_the_ramp():
    fade = Fade(4)
    assert fade.apply(silence(0)).size == 0
    assert fade.apply(FULL[:1]).tolist() == [7500]


def test_a_negative_length_is_refused():
    with pytest.raises(ValueError, match="-1 samples"):
        Fade(-1)
