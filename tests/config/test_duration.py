"""Durations as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.config.duration import UNITS_S, seconds
from active_call.config.problems import Wrong


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50s", 50),
        ("500ms", 0.5),
        ("2m", 120),
        ("1h30m", 5400),
        ("1 h 30 min", 5400),
        ("1.5s", 1.5),
        ("30", 30),
        (7, 7),
    ],
)
def test_a_duration_is_seconds(text, expected):
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text", ["soon", "", "5 parsecs", "-1s", "1s and more", -1, True, None, [], float("nan"), 1e400]
)
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(Wrong) as refused:
        seconds(text)
    assert "50s" in refused.value.suggestion


@given(st.integers(0, 10**6), st.sampled_from(sorted(UNITS_S)))
def test_a_number_and_a_unit_multiply(number, unit):
    assert seconds(f"{number}{unit}") == pytest.approx(number * UNITS_S[unit])
