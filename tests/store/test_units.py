"""Sizes as people read them."""

import pytest

from active_call.store.units import human_size


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (141_200_000, "141.2 MB"),
        (2_500_000_000, "2.5 GB"),
        (3_000_000_000_000, "3.0 TB"),
    ],
)
def test_a_size_has_one_decimal_and_the_unit_that_fits(size, text):
    assert human_size(size) == text
