import logging
from typing import Any

import numpy as np
import pytest

from active_call.audio import RATE_HZ
from active_call.media.detection import AT_ONCE, Detection
from active_call.media.edges import DetectorFailed, SpeechBegan, SpeechEdges
from active_call.media.intake import Intake
from active_call.testing.fakes import EnergyDetector

LOUD = np.full(512, 9000, np.int16)


class Counting(EnergyDetector):
    """Remembers how many windows each call of `score` had."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.error: Exception | None = None
        self.too_few = False

    def score(self, slots: Any, windows: Any) -> Any:
        self.batches.append(len(slots))
        assert len(set(slots.tolist())) == len(slots)
        if self.error is not None:
            raise self.error
        return super().score(slots, windows)[: -1 if self.too_few else None]


def streams(detection: Detection, count: int) -> tuple[list[Intake], list[list[Any]]]:
    intakes, told = [], []
    for _ in range(count):
        edges: list[Any] = []
        intake = Intake(rate_hz=RATE_HZ, wake=lambda intake: None)
        intake.detect(detection, SpeechEdges(window=512), lambda edge, now_ms, edges=edges: edges.append(edge))
        intakes.append(intake)
        told.append(edges)
    return intakes, told


def hear(intakes: list[Intake], samples: np.ndarray) -> None:
    for intake in intakes:
        intake.append(samples)
        intake.drain(0)


def test_one_call_of_the_detector_serves_all_streams() -> None:
    detector = Counting()
    detection = Detection(detector)
    intakes, told = streams(detection, 100)
    for _ in range(8):
        hear(intakes, LOUD)
        detection.run(0)
    assert detector.batches == [100] * 8
    assert told == [[SpeechBegan(0)]] * 100


def test_a_stream_with_several_windows_is_served_in_rounds() -> None:
    detector = Counting()
    detection = Detection(detector)
    intakes, _ = streams(detection, 3)
    hear(intakes[:1], np.tile(LOUD, 3))
    hear(intakes[1:], LOUD)
    detection.run(0)
    assert detector.batches == [3, 1, 1]


def test_a_backlog_is_scored_in_portions_and_in_order_for_everyone() -> None:
    detector = Counting()
    detection = Detection(detector)
    intakes, told = streams(detection, 100)
    runs = 0
    for _ in range(8):
        hear(intakes, LOUD)  # faster than it is scored
    while detection.waiting:
        before = len(detector.batches)
        detection.run(0)
        runs += 1
        assert sum(detector.batches[before:]) <= AT_ONCE
    assert sum(detector.batches) == 800
    assert runs == -(-800 // AT_ONCE)
    assert told == [[SpeechBegan(0)]] * 100


def test_times_stay_right_when_a_backlog_was_too_long_to_be_kept() -> None:
    detection = Detection(Counting())
    [intake], [told] = streams(detection, 1)
    for _ in range(200):
        hear([intake], np.zeros(512, np.int16))
    start = intake.written
    hear([intake], np.tile(LOUD, 20))
    while detection.waiting:
        detection.run(0)
    [edge] = told
    assert abs(edge.start - start) < 512


def test_nothing_is_scored_when_nothing_waits() -> None:
    detector = Counting()
    detection = Detection(detector)
    intakes, _ = streams(detection, 1)
    hear(intakes, LOUD[:511])
    detection.run(0)
    assert detector.batches == []


@pytest.mark.parametrize("how", ["raises", "gives too few scores"])
def test_a_detector_that_fails_is_reported_once_to_each_stream(how: str) -> None:
    detector = Counting()
    detection = Detection(detector)
    intakes, told = streams(detection, 2)
    detector.error = RuntimeError("broken") if how == "raises" else None
    detector.too_few = how != "raises"
    for _ in range(3):
        hear(intakes, LOUD)
        detection.run(0)
    assert [[type(edge) for edge in edges] for edges in told] == [[DetectorFailed]] * 2
    assert detector.batches == [2]
    assert detector.joined == set()


def test_a_listener_that_raises_does_not_deafen_the_others(caplog: pytest.LogCaptureFixture) -> None:
    detection = Detection(Counting())
    intakes, told = streams(detection, 3)

    def broken(edge: object, now_ms: int) -> None:
        raise RuntimeError("listener")

    intakes[1].detect(detection, SpeechEdges(window=512), broken)
    with caplog.at_level(logging.ERROR):
        for _ in range(8):
            hear(intakes, LOUD)
            detection.run(0)
    assert [len(edges) for edges in told] == [1, 0, 1]
    assert "could not be handled" in caplog.text


def test_a_stream_closed_by_anothers_edge_is_left_out() -> None:
    detection = Detection(Counting())
    intakes, told = streams(detection, 2)
    intakes[0].detect(detection, SpeechEdges(window=512), lambda edge, now_ms: intakes[1].close())
    hear(intakes, np.tile(LOUD, 10))
    detection.run(0)
    assert told[1] == []
