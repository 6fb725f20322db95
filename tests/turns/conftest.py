"""Drives a turn machine through a scene, by name, with a clock that only moves when told."""

import itertools
from collections.abc import Iterable

import pytest

from active_call.turns import FakeClock, Policy, TurnMachine, TurnState
from active_call.turns import effects as do
from active_call.turns import events as ev


class Driver:
    """Time passes with `wait`, which sends every `Tick` the machine asks for."""

    def __init__(self, policy: Policy | None = None, *, turn_model: bool = False, recogniser: bool = True) -> None:
        self.clock = FakeClock(1000)
        numbers = itertools.count(1)
        self.machine = TurnMachine(
            policy or Policy(),
            has_turn_model=turn_model,
            has_recogniser=recogniser,
            ids=lambda: f"t{next(numbers)}",
        )
        self.log: list[do.Effect] = []

    @property
    def state(self) -> TurnState:
        return self.machine.state

    @property
    def now_ms(self) -> int:
        return self.clock.now_ms()

    def send(self, *sent: ev.Event) -> list[do.Effect]:
        """What the machine wants done about these events, all of which happen now."""
        done: list[do.Effect] = []
        for event in sent:
            done += self.machine.step(event, self.clock.now_ms())
        self.log += done
        return done

    def wait(self, ms: int) -> list[do.Effect]:
        until_ms = self.now_ms + ms
        done: list[do.Effect] = []
        while (deadline_ms := self.machine.deadline_ms) is not None and deadline_ms <= until_ms:
            self.clock.advance(deadline_ms - self.now_ms)
            done += self.send(ev.Tick())
        self.clock.advance(until_ms - self.now_ms)
        return done

    def voice_on(self) -> list[do.Effect]:
        return self.send(ev.SpeechStarted(self.now_ms))

    def voice_off(self) -> list[do.Effect]:
        return self.send(ev.SpeechPaused(self.now_ms))

    def speak(self, ms: int) -> list[do.Effect]:
        return self.voice_on() + self.wait(ms) + self.voice_off()

    def say(self, text: str, ms: int = 1000) -> list[do.Effect]:
        """A whole turn: speech, the silence that ends it, its final text."""
        return self.speak(ms) + self.wait(700) + self.send(ev.FinalText(text))

    def agent_says(self, ms: int = 2000) -> list[do.Effect]:
        """The answer to the last turn comes, and its first `ms` are heard."""
        return self.send(ev.ReplyReady(), ev.PlaybackStarted()) + self.wait(ms)

    @property
    def history(self) -> dict[str, str]:
        """The caller's turns as the effects leave them, in the order of their commits."""
        return history(self.log)


def history(log: Iterable[do.Effect]) -> dict[str, str]:
    """The caller's turns as the effects leave them, in the order of their commits."""
    turns: dict[str, str] = {}
    for effect in log:
        match effect:
            case do.Commit(turn_id, text):
                assert turn_id not in turns, f"{turn_id} was committed twice"
                turns[turn_id] = text
            case do.Uncommit(turn_id):
                del turns[turn_id]
            case do.Amend(turn_id, text):
                turns[turn_id] = text
    return turns


@pytest.fixture
def driver() -> type[Driver]:
    return Driver


@pytest.fixture
def call() -> Driver:
    return Driver()
