"""What a playbook test says: `NAME.test.md` beside `NAME.md`. See `docs/reference/playbook-tests.md`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

SUFFIX = ".test.md"


class Match(StrEnum):
    """How a text is compared with what was expected."""

    WORDS = "words"
    """These words in a row, whatever their case and punctuation; `...` stands for any others."""
    ROUGHLY = "roughly"
    """Three of four words, in order and nearly together."""
    EXACT = "exact"
    """The whole of it, sign by sign, but for spare blanks."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A text that is expected; `texts` are alternatives, each a template."""

    match: Match
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a test."""

    line: int
    """Of the file, from 1."""
    written: str
    """As the author wrote it, without the bullet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerSays(Step):
    text: str
    """A template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerPresses(Step):
    keys: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerWaits(Step):
    ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSays(Step):
    wanted: Wanted
    never: bool = False
    """The agent must not say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentIsSilent(Step):
    """Nothing was said."""


class Deed(StrEnum):
    """What an agent can do besides speaking, as a test says it."""

    HANGS_UP = "hangs up"
    TRANSFERS = "transfers to"
    PLAYS = "plays"
    SENDS = "sends"
    FETCHES = "fetches"
    COLLECTS = "collects"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDoes(Step):
    deed: Deed
    wanted: Wanted | None = None
    """None: whatever its target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InScene(Step):
    scene: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableIs(Step):
    name: str
    wanted: Wanted


Action = CallerSays | CallerPresses | CallerWaits
Expectation = AgentSays | AgentIsSilent | AgentDoes | InScene | VariableIs
AnyStep = Action | Expectation


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One test."""

    name: str
    line: int
    steps: tuple[AnyStep, ...]
    given: Mapping[str, str]
    """Variables that the call begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioFile:
    """A file of tests; `playbook` is what they are about."""

    path: Path
    playbook: Path
    scenarios: tuple[Scenario, ...]
