"""Reads `NAME.test.md`: headings are tests, list items are steps, everything else is for the reader.

Errors name file and line, all at once. See `docs/reference/playbook-tests.md`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from .load import read_file
from .model import DIGITS
from .problems import PlaybookError, Problem
from .scenario import (
    SUFFIX,
    AgentDoes,
    AgentIsSilent,
    AgentSays,
    AnyStep,
    CallerPresses,
    CallerSays,
    CallerWaits,
    Deed,
    Expectation,
    InScene,
    Match,
    Scenario,
    ScenarioFile,
    VariableIs,
    Wanted,
)

HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+(.*?)\s*$")
FENCE = re.compile(r"^\s*(```|~~~)")
EXAMPLES = (
    "caller: When are you open?",
    "press: 1",
    "wait: 10 s",
    "agent: we are open",
    "agent does not say: closed",
    "agent says nothing",
    "agent hangs up",
    "agent transfers to: sip:desk@example.com",
    "agent plays: jingle.wav",
    "agent sends: text",
    "agent fetches: https://example.com",
    "agent collects: pin",
    "scene: message",
    "variable name = Ada",
    "given name = Ada",
    "playbook: hello.md",
)
UNIT_MS = {"ms": 1, "s": 1000, "sec": 1000, "second": 1000, "seconds": 1000, "min": 60_000, "minutes": 60_000}


def read_scenarios(path: str | Path) -> ScenarioFile:
    """Raises `PlaybookError` with every problem of the file."""
    path = Path(path)
    return _Reader(path).read(read_file(path))


def playbook_beside(path: Path) -> Path:
    """`hello.md` for `hello.test.md`."""
    return path.with_name(path.name.removesuffix(SUFFIX) + ".md")


class _Wrong(Exception):
    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy


@dataclass
class _Section:
    """A heading and what stands under it."""

    name: str
    line: int
    given: dict[str, str] = field(default_factory=dict)
    steps: list[AnyStep] = field(default_factory=list)


class _Reader:
    """Reads on after a problem."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._playbook = playbook_beside(path)
        self._problems: list[Problem] = []

    def read(self, text: str) -> ScenarioFile:
        sections = [_Section("", 1)]
        for line, heading, written in _lines(text):
            if heading:
                sections.append(_Section(written, line))
                continue
            try:
                self._item(sections[-1], line, _plain(written))
            except _Wrong as wrong:
                self._problem(line, wrong.problem, wrong.remedy)
        scenarios = tuple(self._scenarios(sections))
        if not scenarios and not self._problems:
            self._problem(1, "there is no test", "write a heading `# What is tried`, and under it `- caller: ...`")
        if not self._playbook.is_file():
            remedy = "name the test like the playbook, or add `- playbook: FILE` at the top"
            self._problem(1, f"there is no playbook {self._playbook}", remedy)
        if self._problems:
            raise PlaybookError.of(self._problems)
        return ScenarioFile(path=self._path, playbook=self._playbook, scenarios=scenarios)

    def _scenarios(self, sections: list[_Section]) -> Iterator[Scenario]:
        """A section of settings alone counts for the tests behind it; one with no steps at all is a title."""
        shared: dict[str, str] = {}
        names: set[str] = set()
        for section in sections:
            if not section.steps:
                shared |= section.given
                continue
            if not section.name:
                line = section.steps[0].line
                self._problem(line, "these steps belong to no test", "write a heading above: `# What is tried`")
            elif section.name in names:
                self._problem(section.line, f"there are two tests {section.name!r}", "give each a name of its own")
            elif not any(isinstance(step, Expectation) for step in section.steps):
                self._problem(section.line, f"the test {section.name!r} expects nothing", "add `- agent: ...`")
            names.add(section.name)
            given = shared | section.given
            yield Scenario(name=section.name, line=section.line, steps=tuple(section.steps), given=given)

    def _item(self, section: _Section, line: int, written: str) -> None:
        for pattern, read in STEPS:
            found = pattern.fullmatch(written)
            if found is None:
                continue
            step = read(found, {"line": line, "written": written})
            match step:
                case _Given(name, value):
                    if section.steps:
                        raise _Wrong("`given` comes too late", "write it before the first line of caller and agent")
                    section.given[name] = value
                case _Book(file):
                    self._playbook = self._path.parent / file
                case _:
                    section.steps.append(step)
            return
        raise _unknown(written)

    def _problem(self, line: int, problem: str, remedy: str) -> None:
        self._problems.append(Problem(file=str(self._path), line=line, problem=problem, remedy=remedy))


def _lines(text: str) -> Iterator[tuple[int, bool, str]]:
    """Line, whether it is a heading, and the text, of headings and list items; what is indented goes on an item."""
    item: tuple[int, str] | None = None
    fence = comment = False
    for number, raw in enumerate(text.splitlines(), 1):
        if FENCE.match(raw):
            fence = not fence
            continue
        comment = comment or (not fence and raw.lstrip().startswith("<!--"))
        if fence or comment:
            comment = comment and "-->" not in raw
            continue
        heading, bullet = HEADING.match(raw), ITEM.match(raw)
        if item and raw[:1].isspace() and raw.strip() and not bullet:
            item = (item[0], f"{item[1]} {raw.strip()}")
            continue
        if item:
            yield item[0], False, item[1]
            item = None
        if heading:
            yield number, True, heading[1]
        elif bullet:
            item = (number, bullet[1])
    if item:
        yield item[0], False, item[1]


def _plain(written: str) -> str:
    """`**caller**: hi` is `caller: hi`, and the colon may be a Chinese one."""
    plain = re.sub(r"^(\*\*|__|\*|_|`)(.+?)\1", r"\2", written)
    return re.sub(r"^([A-Za-z' ]+?)\s*：\s*", r"\1: ", plain)


def _unknown(written: str) -> _Wrong:
    starts = {example.partition(":")[0]: example for example in EXAMPLES}
    close = get_close_matches(written.partition(":")[0].lower(), starts, n=1, cutoff=0.6)
    remedy = f"did you mean `- {starts[close[0]]}`?" if close else f"a step is one of: {', '.join(starts)}"
    short = written if len(written) <= 50 else f"{written[:47]}..."
    return _Wrong(f"`{short}` is no step of a test", remedy)


@dataclass(frozen=True)
class _Given:
    name: str
    value: str


@dataclass(frozen=True)
class _Book:
    file: str


def wanted(text: str, match: Match) -> Wanted:
    """`~ text`, `= text`, or the text alone (`match`); alternatives stand between ` | `. Raises `ValueError`."""
    text = text.strip()
    if text[:1] in ("~", "="):
        match, text = (Match.ROUGHLY if text[0] == "~" else Match.EXACT), text[1:]
    texts = tuple(_unquoted(part) for part in re.split(r"\s\|\s", text))
    if not all(texts):
        raise ValueError("empty")
    return Wanted(match, texts)


def _unquoted(text: str) -> str:
    text = text.strip()
    pair = text[:1] + text[-1:]
    return text[1:-1] if len(text) > 1 and pair in ('""', "''", "“”", "``") else text


Place = dict[str, Any]


def _says(found: re.Match[str], place: Place, never: bool = False) -> AgentSays:
    try:
        return AgentSays(wanted=wanted(found[1], Match.WORDS), never=never, **place)
    except ValueError:
        raise _Wrong("what should be said is missing", "write some of the words behind the colon") from None


def _does(deed: Deed) -> Callable[[re.Match[str], Place], AgentDoes]:
    def read(found: re.Match[str], place: Place) -> AgentDoes:
        target = (found[1] or "").strip() if found.re.groups else ""
        return AgentDoes(deed=deed, wanted=wanted(target, Match.EXACT) if target.strip("~= ") else None, **place)

    return read


def _caller(found: re.Match[str], place: Place) -> CallerSays:
    text = _unquoted(found[1])
    if not text:
        raise _Wrong("what the caller says is missing", "write it behind the colon, or `- wait: 10 s` for silence")
    return CallerSays(text=text, **place)


def _presses(found: re.Match[str], place: Place) -> CallerPresses:
    keys = re.sub(r"[\s,]", "", _unquoted(found[1])).upper()
    if not keys or not set(keys) <= set(DIGITS):
        raise _Wrong(f"`{found[1]}` are no keys of a telephone", "the keys are 0 to 9, * and #, e.g. `- press: 1`")
    return CallerPresses(keys=keys, **place)


def _waits(found: re.Match[str], place: Place) -> CallerWaits:
    time = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)", found[1].strip())
    unit = UNIT_MS.get((time[2] or "s").lower()) if time else None
    if time is None or unit is None:
        raise _Wrong(f"`{found[1]}` is no time", "write it as `- wait: 10 s`")
    return CallerWaits(ms=round(float(time[1]) * unit), **place)


def _variable(found: re.Match[str], place: Place) -> VariableIs:
    value = found[2].strip()
    empty = value in ("", '""', "''") or value.lower() == "empty"
    return VariableIs(name=found[1], wanted=Wanted(Match.EXACT, ("",)) if empty else _value(value), **place)


def _value(value: str) -> Wanted:
    try:
        return wanted(value, Match.EXACT)
    except ValueError:
        raise _Wrong("a value is missing", "write it behind the sign, e.g. `- variable name = Ada`") from None


def _missing(found: re.Match[str], place: Place) -> NoReturn:
    raise _Wrong(f"`{place['written']}` needs a colon and a value", f"write `- {found[1]}: ...`")


def _steps(*table: tuple[str, Callable[[re.Match[str], Place], Any]]) -> list[tuple[re.Pattern[str], Any]]:
    return [(re.compile(pattern, re.IGNORECASE), read) for pattern, read in table]


STEPS = _steps(
    (r"caller(?:\s+says)?\s*:\s*(.*)", _caller),
    (r"(?:caller\s+)?press(?:es)?\b\s*:?\s*(.*)", _presses),
    (r"(?:caller\s+)?waits?\b\s*:?\s*(.*)", _waits),
    (r"agent(?:\s+says)?\s*:\s*(.*)", _says),
    (r"agent\s+(?:does\s+not|doesn['’]t|never)\s+says?\s*:\s*(.*)", lambda found, place: _says(found, place, True)),
    (r"agent\s+(?:says\s+nothing|is\s+silent)\.?", lambda found, place: AgentIsSilent(**place)),
    (r"agent\s+hangs\s+up\.?", _does(Deed.HANGS_UP)),
    (r"agent\s+transfers(?:\s+to)?\s*(?::\s*(.*))?", _does(Deed.TRANSFERS)),
    (r"agent\s+plays\s*:\s*(.*)", _does(Deed.PLAYS)),
    (r"agent\s+sends\s*:\s*(.*)", _does(Deed.SENDS)),
    (r"agent\s+fetches\s*:\s*(.*)", _does(Deed.FETCHES)),
    (r"agent\s+collects\s*:\s*(.*)", _does(Deed.COLLECTS)),
    (r"scene\s*:\s*(.+)", lambda found, place: InScene(scene=_unquoted(found[1]), **place)),
    (r"variable\s+(\w+)\s*(?:=|:|\bis\b)\s*(.*)", _variable),
    (r"given\s+(\w+)\s*(?:=|:|\bis\b)\s*(.*)", lambda found, place: _Given(found[1], _unquoted(found[2]))),
    (r"playbook\s*:\s*(.+)", lambda found, place: _Book(_unquoted(found[1]))),
    (r"(caller|agent|scene|playbook)(?:\s+says)?", _missing),
)
