import numpy as np

from active_call.media.tap import FRAMES, Tap


def frame(value: int) -> np.ndarray:
    return np.full(320, value, np.int16)


def test_frames_come_out_in_order() -> None:
    tap = Tap()
    tap.push(frame(1))
    tap.push(frame(2))

    assert [tap.pull()[0], tap.pull()[0]] == [1, 2]


def test_an_empty_tap_is_silent() -> None:
    assert Tap().pull() is None


def test_a_full_tap_gives_up_the_oldest_and_counts_it() -> None:
    tap = Tap()
    for value in range(FRAMES + 2):
        tap.push(frame(value))

    assert tap.dropped == 2
    assert [tap.pull()[0] for _ in range(FRAMES)] == [2, 3, 4]
