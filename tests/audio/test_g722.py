import numpy as np
import pytest

from active_call.audio.g722 import G722Codec

TONE = (np.sin(2 * np.pi * 440 * np.arange(16000) / 16000) * 8000).astype(np.int16)


def frames(samples: np.ndarray) -> list[np.ndarray]:
    return [samples[n : n + 320] for n in range(0, len(samples), 320)]


def test_a_frame_of_20_ms_has_160_bytes() -> None:
    assert len(G722Codec().encode(TONE[:320])) == 160


def test_a_tone_survives_the_way_there_and_back() -> None:
    near, far = G722Codec(), G722Codec()
    back = np.concatenate([far.decode(near.encode(frame)) for frame in frames(TONE)])

    assert back.dtype == np.int16
    assert len(back) == len(TONE)
    power = np.abs(np.fft.rfft(back.astype(float))) ** 2
    assert power.argmax() == 440
    assert power[435:446].sum() > 0.99 * power.sum()


def test_each_stream_has_its_own_memory() -> None:
    one, other = G722Codec(), G722Codec()
    one.encode(TONE)

    assert other.encode(TONE[:320]) == G722Codec().encode(TONE[:320])


@pytest.mark.parametrize("samples", [0, 1, 2, 321])
def test_any_length_is_taken(samples: int) -> None:
    assert len(G722Codec().encode(TONE[:samples])) == samples // 2
