from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.audio import RATE_HZ
from active_call.media.detection import Detection
from active_call.media.edges import DetectorFailed, SpeechBegan, SpeechEdges, SpeechEnded
from active_call.media.intake import HISTORY, STALLED_AFTER_MS, Intake
from active_call.testing.fakes import EnergyDetector

LOUD = np.full(320, 9000, np.int16)


def count_up(start: int, count: int) -> np.ndarray:
    return np.arange(start, start + count).astype(np.int16)


class Woken:
    """An intake whose wake-ups are counted and whose edges are kept."""

    def __init__(self, rate_hz: int = RATE_HZ) -> None:
        self.wakes = 0
        self.told: list[tuple[Any, int]] = []
        self.intake = Intake(rate_hz=rate_hz, wake=self._wake)
        self.detector = EnergyDetector()
        self.detection = Detection(self.detector)

    def _wake(self, intake: Intake) -> None:
        self.wakes += 1

    def detect(self) -> None:
        self.intake.detect(
            self.detection, SpeechEdges(window=512), lambda edge, now_ms: self.told.append((edge, now_ms))
        )

    def hear(self, samples: np.ndarray, now_ms: int = 0) -> None:
        self.intake.append(samples)
        self.intake.drain(now_ms)
        self.detection.run(now_ms)


@pytest.fixture
def woken() -> Woken:
    return Woken()


# ------------------------------------------------------------ the inbox


def test_an_inbox_wakes_the_clock_once_until_it_is_drained(woken: Woken) -> None:
    for _ in range(3):
        woken.intake.append(LOUD)
    assert woken.wakes == 1
    woken.intake.drain(7)
    assert (woken.intake.written, woken.intake.last_audio_ms) == (960, 7)
    woken.intake.append(LOUD)
    assert woken.wakes == 2


@pytest.mark.parametrize("chunk", [320, 7, 1, 50_000])
def test_of_a_burst_the_newest_two_seconds_are_kept_whatever_its_pieces(woken: Woken, chunk: int) -> None:
    everything = count_up(0, 50_000)
    for start in range(0, len(everything), chunk):
        woken.intake.append(everything[start : start + chunk])
    woken.intake.drain(0)
    assert woken.intake.written == 2 * RATE_HZ
    assert woken.intake.dropped == 50_000 - 2 * RATE_HZ
    np.testing.assert_array_equal(woken.intake.read(0, 2 * RATE_HZ), everything[-2 * RATE_HZ :])


def test_a_burst_after_a_long_call_is_taken_in_whole(woken: Woken) -> None:
    for _ in range(200):
        woken.hear(LOUD)
    woken.hear(count_up(0, 2 * RATE_HZ))
    np.testing.assert_array_equal(woken.intake.read(200 * 320, 200 * 320 + 2 * RATE_HZ), count_up(0, 2 * RATE_HZ))


def test_a_leg_of_8_khz_is_heard_at_16_khz() -> None:
    woken = Woken(rate_hz=8000)
    for _ in range(50):
        woken.hear(np.full(160, 1000, np.int16))
    assert woken.intake.written == RATE_HZ
    middle = woken.intake.read(8000, 12000)
    assert np.abs(middle.astype(int) - 1000).max() < 10


def test_a_burst_of_8_khz_is_kept_for_two_seconds_too() -> None:
    woken = Woken(rate_hz=8000)
    woken.hear(np.zeros(24_000, np.int16))
    assert woken.intake.dropped == 8000
    assert woken.intake.written == 2 * RATE_HZ


# ------------------------------------------------------------ looking back


@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=12))
def test_the_last_two_seconds_can_always_be_read(lengths: list[int]) -> None:
    intake, written = Woken().intake, 0
    for length in lengths:
        intake.append(count_up(written, length))
        intake.drain(0)
        kept = min(length, 2 * RATE_HZ)
        start = intake.written - kept
        np.testing.assert_array_equal(intake.read(start, intake.written), count_up(written + length - kept, kept))
        assert len(intake.read(0, intake.written)) >= min(intake.written, HISTORY)
        written += length


def test_what_was_forgotten_is_left_out(woken: Woken) -> None:
    for _ in range(400):
        woken.hear(LOUD)
    assert HISTORY <= len(woken.intake.read(0, woken.intake.written)) < woken.intake.written
    assert len(woken.intake.read(0, 100)) == 0


def test_the_newest_sample_was_spoken_just_now(woken: Woken) -> None:
    for _ in range(50):
        woken.hear(LOUD)
    assert woken.intake.at_ms(woken.intake.written, 5000) == 5000
    assert woken.intake.at_ms(woken.intake.written - 1600, 5000) == 4900


# ------------------------------------------------------------ feeds


def test_a_feed_gets_everything_from_its_start_in_whole_chunks(woken: Woken) -> None:
    got: list[np.ndarray] = []
    woken.hear(count_up(0, 1000))
    feed = woken.intake.feed(100, 400, got.append)
    woken.hear(count_up(1000, 500))
    assert [len(chunk) for chunk in got] == [400, 400, 400]
    woken.intake.unfeed(feed)
    woken.hear(count_up(1500, 1000))
    np.testing.assert_array_equal(np.concatenate(got), count_up(100, 1400))


def test_a_feed_cannot_reach_further_back_than_the_history(woken: Woken) -> None:
    got: list[np.ndarray] = []
    for second in range(4):
        woken.hear(count_up(second * RATE_HZ, RATE_HZ))
    woken.intake.unfeed(woken.intake.feed(0, 1600, got.append))
    np.testing.assert_array_equal(np.concatenate(got), count_up(2 * RATE_HZ, 2 * RATE_HZ))


def test_feeds_own_their_samples(woken: Woken) -> None:
    got: list[np.ndarray] = []
    woken.intake.feed(0, 320, got.append)
    for value in range(300):
        woken.hear(np.full(320, value, np.int16))
    assert [int(chunk[0]) for chunk in got] == list(range(300))


def test_a_feed_that_ends_itself_does_not_starve_the_next(woken: Woken) -> None:
    got: list[int] = []
    feeds: list[Any] = []
    feeds.append(woken.intake.feed(0, 320, lambda samples: woken.intake.unfeed(feeds[0])))
    feeds.append(woken.intake.feed(0, 320, lambda samples: got.append(len(samples))))
    woken.hear(LOUD)
    assert got == [320]


@given(st.lists(st.integers(1, 5000), max_size=20), st.integers(1, 3000))
def test_a_feed_loses_nothing_whatever_the_sizes(lengths: list[int], chunk: int) -> None:
    intake, got, written = Woken().intake, [], 0
    feed = intake.feed(0, chunk, got.append)
    for length in lengths:
        intake.append(count_up(written, length))
        intake.drain(0)
        written += length
    intake.unfeed(feed)
    if lengths:
        np.testing.assert_array_equal(np.concatenate(got), count_up(0, written))
    assert all(len(piece) == chunk for piece in got[:-1])


# ------------------------------------------------------------ detection


def test_edges_are_told_in_samples_of_the_leg_even_if_the_detector_came_late(woken: Woken) -> None:
    for _ in range(100):
        woken.hear(np.zeros(320, np.int16))
    woken.detect()
    for _ in range(30):
        woken.hear(LOUD, 2600)
    assert woken.told == [(SpeechBegan(32_000), 2600)]


def test_all_windows_of_a_burst_are_scored_in_order(woken: Woken) -> None:
    woken.detect()
    burst = np.concatenate([np.tile(LOUD, 30), np.zeros(3200, np.int16)])
    woken.hear(burst, 900)
    assert [edge for edge, _ in woken.told] == [SpeechBegan(0), SpeechEnded(0, 9728)]


def test_a_leg_that_delivers_nothing_for_400_ms_counts_as_silent(woken: Woken) -> None:
    woken.detect()
    for _ in range(20):
        woken.hear(LOUD, 1000)
    woken.intake.stall(1000 + STALLED_AFTER_MS - 1)
    assert [type(edge) for edge, _ in woken.told] == [SpeechBegan]
    woken.intake.stall(1000 + STALLED_AFTER_MS)
    woken.intake.stall(5000)
    assert [type(edge) for edge, _ in woken.told] == [SpeechBegan, SpeechEnded]


def test_a_closed_intake_gives_its_row_back_and_says_nothing_more(woken: Woken) -> None:
    woken.detect()
    assert woken.detector.joined == {0}
    for _ in range(20):
        woken.intake.append(LOUD)
    woken.intake.drain(0)
    woken.intake.close()
    woken.intake.close()
    woken.detection.run(0)
    woken.hear(LOUD)
    assert woken.detector.joined == set()
    assert woken.told == []


def test_a_new_detector_takes_the_place_of_the_old_one(woken: Woken) -> None:
    woken.detect()
    woken.detect()
    assert woken.detector.joined == {0}


def test_speech_that_runs_when_the_detector_fails_is_ended_first(woken: Woken) -> None:
    woken.detect()
    for _ in range(20):
        woken.hear(LOUD)
    woken.intake.detector_failed("broken", 5)
    woken.intake.detector_failed("broken", 6)
    assert [type(edge) for edge, _ in woken.told] == [SpeechBegan, SpeechEnded, DetectorFailed]
    assert woken.detector.joined == set()
