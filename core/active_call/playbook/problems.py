"""What is wrong with a playbook, where, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One finding; `str` gives it as compilers do, `file:line:column: severity: problem. Remedy.`"""

    file: str
    line: int = 1
    """Counts from 1, in the file as it is on disk."""
    column: int = 1
    severity: Severity = Severity.ERROR
    key: str = ""
    """The key of the front matter that it is about, e.g. `tts.speed`."""
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f". {self.remedy[0].upper()}{self.remedy[1:]}" if self.remedy else ""
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.problem}{remedy}"


class PlaybookError(Exception):
    """A playbook that cannot be used. Its text is the first problem; `problems` has them all, in the file's order."""

    def __init__(self, first: Problem, *others: Problem) -> None:
        super().__init__(str(first))
        self.problems = (first, *others)
        self.file, self.line, self.column = first.file, first.line, first.column
        self.key, self.problem, self.remedy = first.key, first.problem, first.remedy

    @classmethod
    def of(cls, problems: list[Problem]) -> Self:
        """One error of all these problems, of which there is at least one."""
        return cls(*sorted(problems, key=lambda problem: (problem.line, problem.column)))
