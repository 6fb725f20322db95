"""Voice activity for all calls in one call per tick: intakes hand in complete windows, one `score` serves them all."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from active_call.plugin.providers import Detector

if TYPE_CHECKING:
    from .intake import Intake

T = TypeVar("T")
log = logging.getLogger(__name__)


class Detection:
    """One detector and the intakes that wait for its scores."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.window = detector.window
        self._waiting: list[Intake] = []
        self._slots = np.zeros(64, np.intp)
        self._windows = np.zeros((64, self.window), np.int16)

    @property
    def waiting(self) -> int:
        """How many intakes wait for scores."""
        return len(self._waiting)

    def add(self, intake: "Intake") -> None:
        """`intake` has at least one complete window."""
        self._waiting.append(intake)

    def run(self, now_ms: int) -> None:
        """Score everything that waits; an intake with several windows is served in several rounds."""
        waiting, self._waiting = self._waiting, []
        while waiting := [intake for intake in waiting if intake.window_ready]:
            count = len(waiting)
            if count > len(self._slots):
                self._slots = np.zeros(count * 2, np.intp)
                self._windows = np.zeros((count * 2, self.window), np.int16)
            for row, intake in enumerate(waiting):
                self._slots[row] = intake.slot
                self._windows[row] = intake.next_window()
            try:
                scores = self.detector.score(self._slots[:count], self._windows[:count]).tolist()
                if len(scores) != count:
                    raise ValueError(f"{count} windows got {len(scores)} scores")
            except Exception as error:  # a plugin can raise anything; one failure must not stop the clock
                for intake in waiting:
                    self._deliver(intake.detector_failed, f"{type(error).__name__}: {error}", now_ms)
                return
            for intake, score in zip(waiting, scores, strict=True):
                self._deliver(intake.scored, score, now_ms)

    @staticmethod
    def _deliver(take: Callable[[T, int], None], what: T, now_ms: int) -> None:
        try:
            take(what, now_ms)
        except Exception:
            # Whoever listens to one call's edges must not deafen the others.
            log.exception("an edge could not be handled")
