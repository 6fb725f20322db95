"""Keeps the audio of the caller's turn and asks the turn model about it, one question at a time."""

import asyncio
from collections import deque
from collections.abc import Callable

import numpy as np

from active_call.audio import RATE_HZ
from active_call.media.intake import Feed, Intake
from active_call.plugin.providers import TurnModel
from active_call.plugin.values import Audio, Samples
from active_call.providers.errors import classify
from active_call.providers.trust import Trust, act_for

from .reports import Reports, Task

CHUNK = RATE_HZ // 10


class TurnJudge:
    """Made when the model is there. A verdict about a pause that is over is never given."""

    def __init__(
        self, model: TurnModel, intake: Intake, reports: Reports, *, window_ms: int, on_verdict: Callable[[float], None]
    ) -> None:
        self._model = model
        self._intake = intake
        self._reports = reports
        self._window = window_ms * RATE_HZ // 1000
        self._on_verdict = on_verdict
        self._feed: Feed | None = None
        self._audio: deque[Samples] = deque()
        self._samples = 0
        self._question: Task | None = None

    def speech_began(self, start: int) -> None:
        """The caller speaks, or speaks again: from sample `start` on it is his turn."""
        self.withdraw()
        if self._feed is None:
            self._feed = self._intake.feed(start, CHUNK, self._keep)

    def ask(self) -> None:
        """Is the turn complete? The answer comes to `on_verdict`, unless speech begins first."""
        if self._feed is None:
            return
        self._feed.advance(self._intake, flush=True)
        if not self._audio:
            return
        self.withdraw()
        audio = Audio(samples=np.concatenate(self._audio)[-self._window :], rate_hz=RATE_HZ)
        self._question = self._reports.spawn("eou", self._score(audio))

    def withdraw(self) -> None:
        if self._question is not None:
            self._question.cancel()
            self._question = None

    def forget(self) -> None:
        """The turn is over, or was none."""
        self.withdraw()
        if self._feed is not None:
            self._intake.unfeed(self._feed)
            self._feed = None
        self._audio.clear()
        self._samples = 0

    def _keep(self, samples: Samples) -> None:
        self._audio.append(samples)
        self._samples += len(samples)
        while self._samples - len(self._audio[0]) > self._window:
            self._samples -= len(self._audio.popleft())

    async def _score(self, audio: Audio) -> None:
        act_for(Trust.OPERATOR)  # where a turn model is reached stands in its settings alone
        try:
            probability = await self._model.score(audio)
        except Exception as error:  # a model can raise anything; without a verdict silence alone decides
            self._reports.error("eou", str(classify(error)), 500)
            return
        if self._question is asyncio.current_task():
            self._on_verdict(probability)
