from typing import Any

import numpy as np
import pytest

from active_call.audio import FRAME_SAMPLES
from active_call.media.ledger import SpeechSpan, Utterance
from active_call.media.playback import Playback
from active_call.turns.heard import Heard


class Notices:
    """What playback told, in order; `react` may be replaced to answer at once."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.heard: dict[str, Heard] = {}
        self.acts: list[object] = []
        self.react = lambda what, utterance: None

    def _tell(self, what: str, utterance: Utterance) -> None:
        self.told.append((what, utterance.id))
        self.react(what, utterance)

    def playback_started(self, utterance: Utterance) -> None:
        self._tell("started", utterance)

    def playback_dry(self, utterance: Utterance) -> None:
        self._tell("dry", utterance)

    def playback_finished(self, utterance: Utterance, heard: Heard) -> None:
        self.heard[utterance.id] = heard
        self._tell("finished", utterance)

    def act_due(self, utterance: Utterance, act: object) -> None:
        self.acts.append(act)
        self._tell("act", utterance)


class Rig:
    """A playback, its owner, and a leg that holds back what the test says."""

    def __init__(self) -> None:
        self.notices = Notices()
        self.unsent = 0
        self.flushable = 0
        self.wakes = 0
        self.playback = Playback(self.notices, unsent=lambda: self.unsent, wake=self._wake, flush=self._flush)

    def _wake(self) -> None:
        self.wakes += 1

    def _flush(self) -> int:
        back, self.flushable = self.flushable, 0
        self.unsent = max(0, self.unsent - back)
        return back

    def pull(self, frames: int = 1) -> np.ndarray:
        """What was heard in so many frames; silence is left out."""
        got = [frame for _ in range(frames) if (frame := self.playback.pull()) is not None]
        assert all(len(frame) == FRAME_SAMPLES for frame in got)
        return np.concatenate(got) if got else np.zeros(0, np.int16)


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture
def utter() -> Any:
    """`utter("id", samples)`: a closed utterance of one finished span whose samples count up from 1."""

    def make(name: str, samples: int = 640, *, first: int = 1, close: bool = True, finish: bool = True) -> Utterance:
        span = SpeechSpan(f"text of {name}")
        span.push(np.arange(first, first + samples).astype(np.int16))
        if finish:
            span.finish()
        utterance = Utterance(name, spans=[span])
        if close:
            utterance.close()
        return utterance

    return make
