import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.audio import (
    FRAME_MS,
    FRAME_SAMPLES,
    RATE_HZ,
    from_s16le,
    ms_to_samples,
    samples_to_ms,
    silence,
    to_s16le,
)


def test_a_frame_is_twenty_milliseconds_at_sixteen_kilohertz():
    assert (RATE_HZ, FRAME_MS, FRAME_SAMPLES) == (16000, 20, 320)
    assert samples_to_ms(FRAME_SAMPLES) == FRAME_MS


@pytest.mark.parametrize(
    ("samples", "rate_hz", "ms"), [(0, 16000, 0), (15, 16000, 0), (31, 16000, 1), (441, 22050, 20)]
)
def test_only_whole_milliseconds_count_as_played(samples, rate_hz, ms):
    assert samples_to_ms(samples, rate_hz) == ms


def test_milliseconds_become_the_nearest_number_of_samples():
    assert ms_to_samples(20) == 320
    assert ms_to_samples(1.5, 8000) == 12
    assert ms_to_samples(1, 22050) == 22


def test_silence_is_zeros():
    assert silence(3).tolist() == [0, 0, 0]
    assert silence(3).dtype == np.int16


@given(st.binary(max_size=200).filter(lambda data: len(data) % 2 == 0))
def test_bytes_survive_the_way_in_and_out(data):
    assert to_s16le(from_s16le(data)) == data


def test_bytes_are_little_endian_whatever_the_machine():
    assert from_s16le(b"\x01\x02\x00\x80").tolist() == [0x0201, -32768]
    assert to_s16le(np.array([0x0201, -32768], ">i2").astype(np.int16)) == b"\x01\x02\x00\x80"


def test_samples_do_not_share_memory_with_the_bytes_they_came_from():
    buffer = bytearray(4)
    samples = from_s16le(buffer)
    buffer[:] = b"\xff" * 4
    samples[0] = 7
    assert samples.tolist() == [7, 0]


def test_half_a_sample_is_refused_with_its_length():
    with pytest.raises(ValueError, match="641 bytes are not whole 16-bit samples"):
        from_s16le(bytes(641))
