"""Voice activity for all calls in one call per tick: intakes hand in complete windows, one `score` serves them all."""

import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from active_call.plugin.providers import Detector

if TYPE_CHECKING:
    from .intake import Intake

T = TypeVar("T")
log = logging.getLogger(__name__)

AT_ONCE = 128
"""Windows per run at most (2 to 3 ms of work): a backlog of everybody's audio must not hold up what is being said."""


class Detection:
    """One detector and the intakes that wait for its scores."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.window = detector.window
        self._waiting: deque[Intake] = deque()
        self._added: set[Intake] = set()
        self._slots = np.zeros(AT_ONCE, np.intp)
        self._windows = np.zeros((AT_ONCE, self.window), np.int16)

    @property
    def waiting(self) -> int:
        """How many intakes wait for scores."""
        return len(self._waiting)

    def add(self, intake: "Intake") -> None:
        """`intake` has at least one complete window."""
        if intake not in self._added:
            self._added.add(intake)
            self._waiting.append(intake)

    def run(self, now_ms: int) -> None:
        """Score what waits, an intake with several windows in several rounds; what is too much now waits on."""
        budget = AT_ONCE
        while budget > 0 and (batch := self._next(budget)):
            budget -= len(batch)
            self._score(batch, now_ms)
            for intake in batch:
                if intake.window_ready:
                    self.add(intake)

    def _next(self, most: int) -> "list[Intake]":
        batch: list[Intake] = []
        while self._waiting and len(batch) < most:
            intake = self._waiting.popleft()
            self._added.discard(intake)
            if intake.window_ready:
                batch.append(intake)
        return batch

    def _score(self, batch: "list[Intake]", now_ms: int) -> None:
        count = len(batch)
        for row, intake in enumerate(batch):
            self._slots[row] = intake.slot
            self._windows[row] = intake.next_window()
        try:
            scores = self.detector.score(self._slots[:count], self._windows[:count]).tolist()
            if len(scores) != count:
                raise ValueError(f"{count} windows got {len(scores)} scores")
        except Exception as error:  # a plugin can raise anything; one failure must not stop the clock
            for intake in batch:
                self._deliver(intake.detector_failed, f"{type(error).__name__}: {error}", now_ms)
            return
        for intake, score in zip(batch, scores, strict=True):
            self._deliver(intake.scored, score, now_ms)

    @staticmethod
    def _deliver(take: Callable[[T, int], None], what: T, now_ms: int) -> None:
        try:
            take(what, now_ms)
        except Exception:
            # Whoever listens to one call's edges must not deafen the others.
            log.exception("an edge could not be handled")
