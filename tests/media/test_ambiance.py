import numpy as np
import pytest

from active_call.media.ambiance import Ambiance

LOOP = np.arange(1, 1001, dtype=np.int16) * 10
SPEECH = np.full(320, 1000, np.int16)


def test_alone_it_sounds_at_its_normal_level() -> None:
    assert np.array_equal(Ambiance(LOOP, normal=0.5).under(None), np.rint(LOOP[:320] * 0.5))


def test_it_goes_round_without_a_seam() -> None:
    ambiance = Ambiance(LOOP, normal=1.0)
    heard = np.concatenate([ambiance.under(None) for _ in range(10)])

    assert np.array_equal(heard, np.tile(LOOP, 4)[:3200])


def test_it_steps_back_while_somebody_speaks_and_returns_afterwards() -> None:
    ambiance = Ambiance(LOOP, duck=0.1, normal=0.3, step=0.01)
    for _ in range(30):
        ambiance.under(SPEECH)
    assert ambiance.gain == pytest.approx(0.1)

    gains = []
    for _ in range(30):
        ambiance.under(None)
        gains.append(ambiance.gain)
    assert gains[0] == pytest.approx(0.11)
    assert ambiance.gain == pytest.approx(0.3)


def test_speech_over_it_does_not_wrap_around() -> None:
    loud = np.full(320, 32000, np.int16)
    background = np.full(1000, 30000, np.int16)

    assert Ambiance(background, duck=1.0, normal=1.0).under(loud).min() == 32767


def test_a_loop_shorter_than_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than 20 ms"):
        Ambiance(np.zeros(100, np.int16))
