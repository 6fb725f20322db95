"""Clocks."""

import pytest

from active_call.turns import FakeClock, MonotonicClock


def test_a_monotonic_clock_never_goes_back():
    clock = MonotonicClock()
    assert clock.now_ms() <= clock.now_ms()


def test_a_fake_clock_moves_only_when_told():
    clock = FakeClock(5)
    assert clock.now_ms() == 5
    assert clock.advance(10) == clock.now_ms() == 15
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(-1)
