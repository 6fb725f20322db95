"""What is wrong with the settings, where, and what to do about it."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a value was given."""

    source: str
    """A file's name, `environment` or `command line`."""
    name: str = ""
    """What it is called there: a variable, a flag; empty in a TOML file, where it is the key."""
    line: int | None = None
    """Counts from 1, as `column` does."""
    column: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.source, self.line, self.column) if part is not None)
        return f"{place} {self.name}" if self.name else place


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One finding; `str` gives `config.toml:3:1: udp_port: problem; suggestion`."""

    origin: Origin
    key: str = ""
    """Dotted, e.g. `handler.rules[0].playbook`; empty when the whole source is meant."""
    problem: str
    suggestion: str = ""

    def __str__(self) -> str:
        parts = [str(self.origin), self.key if self.key != self.origin.name else "", self.problem]
        said = ": ".join(part for part in parts if part)
        return f"{said}; {self.suggestion}" if self.suggestion else said


class ConfigError(Exception):
    """The process must not start with these settings. `problems` has all of them, in the order of their places."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.origin.source, p.origin.line or 0, p.key)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Wrong(ValueError):
    """Raised by a validator that knows how to mend the value; the text must hold no secret.

    `key` says which one of the table is meant, where the validator is the table's.
    """

    def __init__(self, problem: str, suggestion: str = "", *, key: str = "") -> None:
        self.problem, self.suggestion, self.key = problem, suggestion, key
        super().__init__(problem)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A suggestion, or what there is when nothing is near."""
    names = sorted(known)
    near = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"known: {', '.join(names)}" if len(names) <= 12 else ""


def dotted(path: Iterable[str | int]) -> str:
    """`("rules", 0, "caller")` as `rules[0].caller`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
