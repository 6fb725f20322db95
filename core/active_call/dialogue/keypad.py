"""What happens to a collector of digits, and what it wants done: the inputs and outputs of `Collector.step`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Begun:
    """All speech before the `<collect>` was heard."""


@dataclass(frozen=True, slots=True)
class PromptOver:
    """The `Say` of that attempt was heard to its end, or cut."""

    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Pressed:
    key: str


@dataclass(frozen=True, slots=True)
class CallerBegan:
    """The caller has (perhaps) begun to speak: `TurnBegan` of turn taking."""


@dataclass(frozen=True, slots=True)
class CallerSaid:
    """Text of the caller, spoken or typed: `Commit` of turn taking."""

    text: str


@dataclass(frozen=True, slots=True)
class CallerSaidNothing:
    """`DropTurn` of turn taking."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The call is over, the scene has changed, or another collector takes its place."""


@dataclass(frozen=True, slots=True)
class Tick:
    """`Collector.deadline_ms` has come."""


Event = Begun | PromptOver | Pressed | CallerBegan | CallerSaid | CallerSaidNothing | Dropped | Tick


# -- effects, to be carried out in their order


@dataclass(frozen=True, slots=True)
class Say:
    """Speak, and report `PromptOver` with the same number."""

    text: str
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class StopPrompt:
    """The caller has pressed a key: the rest of the prompt is not needed."""


@dataclass(frozen=True, slots=True)
class SetVariable:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Note:
    """A system note for the history."""

    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the brain for its answer (`reason="dtmf"`)."""


@dataclass(frozen=True, slots=True)
class PassOn:
    """What the caller said is a turn like any other; it is answered. Without this effect, it is not for the brain."""

    text: str


Effect = Say | StopPrompt | SetVariable | Note | Ask | PassOn
