"""How much silence ends a turn."""

import pytest

from active_call.turns import Endpointing, Patience


@pytest.mark.parametrize(("probability", "wait_ms"), [(None, 700), (0.51, 200), (0.5, 1500), (0.0, 1500), (1.0, 200)])
def test_the_verdict_chooses_the_wait(probability, wait_ms):
    assert Endpointing().wait_ms(probability) == wait_ms


def test_patience_is_the_policys_unless_given():
    endpointing = Endpointing(patience=Patience.SLOW)
    assert endpointing.wait_ms(None) == 1400
    assert endpointing.wait_ms(None, Patience.DIGITS) == 2100
    assert endpointing.wait_ms(None, Patience.NORMAL) == 700
