"""Runs playbook tests: in text here, over audio in `active_call.cli.rehearsal`. `run_file` is all a program needs."""

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from active_call.playbook.acts import Act, Goto, Hangup
from active_call.playbook.load import load_file
from active_call.playbook.model import Playbook
from active_call.playbook.render import render
from active_call.playbook.scenario import (
    SUFFIX,
    Action,
    AnyStep,
    CallerPresses,
    CallerSays,
    CallerWaits,
    Expectation,
    Scenario,
    ScenarioFile,
)
from active_call.playbook.scenario_reader import read_scenarios
from active_call.plugin.errors import PluginError, ProviderError

from .answers import Answer, told
from .text_call import TextCall, TextCalls, text_calls

MODEL_KEYS = ("OPENAI_API_KEY", "OPENAI_BASE_URL")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """The step that was not met."""

    line: int
    written: str
    reasons: tuple[str, ...]


@dataclass(kw_only=True)
class Result:
    """How one test went."""

    path: Path
    scenario: Scenario
    failure: Failure | None = None
    skipped: str | None = None
    """Why it was not run."""
    notes: list[str] = field(default_factory=list)
    """What was not asked, and what the agent's side reported."""
    transcript: list[tuple[str, str]] = field(default_factory=list)
    """Who (`caller`, `agent` or nobody) and what, in order."""

    @property
    def passed(self) -> bool:
        return self.failure is None and self.skipped is None

    def explain(self) -> str:
        """The failure for a person: the place, what was expected, what happened, the call up to there."""
        if self.failure is None:
            return ""
        lines = [f"{self.path}:{self.failure.line}: - {self.failure.written}"]
        lines += [f"  {reason}" for reason in self.failure.reasons]
        lines.append("  the call up to there:")
        lines += [f"    {who:7} {text}" for who, text in self.transcript]
        return "\n".join(lines)


class Driver(Protocol):
    """A call that a test can hold: in text, or spoken."""

    @property
    def answer(self) -> Answer:
        """To the caller's last step."""
        ...

    @property
    def over(self) -> bool:
        """The agent has hung up."""
        ...

    async def begin(self) -> None: ...
    async def say(self, text: str) -> None: ...
    async def press(self, keys: str) -> None: ...
    async def wait(self, ms: int) -> None: ...
    def sees(self, step: Expectation) -> bool:
        """Whether it can be told if this was met."""
        ...

    @property
    def scene(self) -> str | None:
        """None: it cannot be seen."""
        ...

    @property
    def variables(self) -> Mapping[str, str] | None:
        """None: they cannot be seen."""
        ...


class Record:
    """Implements `Audience`: what the agent does, for the answer and for the transcript of the result."""

    def __init__(self, result: Result) -> None:
        self.answer = Answer()
        self._result = result
        self._sentence: list[str] = []

    def begins(self) -> None:
        self._flush()
        if self.answer.pieces:
            self.answer.pieces.append(" ")

    def says(self, text: str) -> None:
        self.answer.pieces.append(text)
        self._sentence.append(text)

    def does(self, act: Act) -> None:
        self._flush()
        self.answer.pieces.append(act)
        self._result.transcript.append(("", f"(scene: {act.scene})" if isinstance(act, Goto) else f"({told(act)})"))

    def ends(self) -> None:
        self._flush()

    def trouble(self, text: str) -> None:
        self._flush()
        self._result.transcript.append(("", f"({text})"))

    def failed(self, text: str) -> None:
        self.answer.failures.append(text)
        self.trouble(text)

    def caller(self, text: str) -> None:
        """What the caller does; a new answer begins."""
        self.answer = Answer()
        self._result.transcript.append(("caller", text))

    def _flush(self) -> None:
        text = " ".join("".join(self._sentence).split())
        self._sentence.clear()
        if text:
            self._result.transcript.append(("agent", text))


class TextDriver:
    """Implements `Driver` on a call in text."""

    def __init__(self, call: TextCall, record: Record) -> None:
        self._call = call
        self._record = record

    @property
    def answer(self) -> Answer:
        return self._record.answer

    @property
    def over(self) -> bool:
        return self._call.over

    def sees(self, step: Expectation) -> bool:
        return True

    @property
    def scene(self) -> str | None:
        return self._call.agent.scene.id

    @property
    def variables(self) -> Mapping[str, str] | None:
        return self._call.agent.variables

    async def begin(self) -> None:
        await self._call.begin()

    async def say(self, text: str) -> None:
        self._record.caller(text)
        await self._call.say(text)

    async def press(self, keys: str) -> None:
        self._record.caller(f"(presses {keys})")
        for key in keys:
            if not self._call.over:
                await self._call.press(key)

    async def wait(self, ms: int) -> None:
        self._record.caller(f"(says nothing for {ms / 1000:g} s)")
        await self._call.wait(ms)


async def follow(scenario: Scenario, driver: Driver, result: Result) -> None:
    """Carry out the steps until one is not met; the result has it."""
    await driver.begin()
    action: AnyStep = scenario.steps[0]
    for step in scenario.steps:
        if isinstance(step, Action):
            if not _settled(driver, action, result):
                return
            if driver.over:
                result.failure = failure_at(step, "the agent has hung up, so the caller cannot do that")
                return
            action = step
            await _act(step, driver)
        elif not driver.sees(step):
            result.notes.append(f"line {step.line}: not checked, it cannot be seen over audio")
        elif driver.answer.failures:
            break
        elif reasons := driver.answer.misses(step, driver.scene, driver.variables):
            result.failure = failure_at(step, *reasons)
            return
    _settled(driver, action, result)


async def _act(step: Action, driver: Driver) -> None:
    match step:
        case CallerSays(text=text):
            await driver.say(render(text, driver.variables or {}))
        case CallerPresses(keys=keys):
            await driver.press(keys)
        case CallerWaits(ms=ms):
            await driver.wait(ms)


def _settled(driver: Driver, step: AnyStep, result: Result) -> bool:
    """Whether the answer to this step is done with: nothing failed in it, and no end that nobody asked for."""
    answer = driver.answer
    if answer.failures:
        result.failure = failure_at(step, *answer.failures)
    elif acts := answer.unclaimed():
        ending = "hung up" if isinstance(acts[0], Hangup) else "transferred the caller"
        result.failure = failure_at(
            step, f"after this the agent {ending}, which no line expects; if it is right, add `- agent {told(acts[0])}`"
        )
    return result.failure is None


def failure_at(step: AnyStep, *reasons: str) -> Failure:
    return Failure(line=step.line, written=step.written, reasons=reasons)


# ---------------------------------------------------------------- files


def find_files(path: Path) -> list[Path]:
    """The tests that a path stands for: a folder, a `*.test.md`, or a playbook whose test is beside it."""
    if path.is_dir():
        return sorted(file for file in path.rglob(f"*{SUFFIX}") if file.is_file())
    if path.name.endswith(SUFFIX):
        return [path]
    return [path.with_name(f"{path.stem}{SUFFIX}")]


def steady(playbook: Playbook, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment for tests: a playbook that has a script and names no brain is tested by its script."""
    named = playbook.config.llm.provider if playbook.config.llm else None
    if named or playbook.config.script is None:
        return environ
    return {key: value for key, value in environ.items() if key not in MODEL_KEYS}


async def run_scenario(
    file: ScenarioFile, scenario: Scenario, playbook: Playbook, calls: TextCalls, *, brain: str | None = None
) -> Result:
    """One test in text. A brain that cannot be opened is a failure of the test."""
    result = Result(path=file.path, scenario=scenario)
    record = Record(result)
    try:
        async with calls.hold(playbook, record, variables=scenario.given, brain_name=brain) as call:
            await follow(scenario, TextDriver(call, record), result)
    except (ProviderError, PluginError) as error:
        result.failure = failure_at(scenario.steps[0], str(error))
    return result


async def run_file(
    path: str | Path,
    *,
    environ: Mapping[str, str] | None = None,
    brain: str | None = None,
    chosen: Callable[[Scenario], bool] = lambda scenario: True,
) -> AsyncIterator[Result]:
    """The tests of a file in text, one after the other. Raises `PlaybookError` for a file or a playbook that is broken.

    `environ` is what playbooks may use (`os.environ`); `brain` overrules their `llm.provider`.
    """
    environ = os.environ if environ is None else environ
    file = read_scenarios(path)
    playbook = load_file(file.playbook, environ=environ)
    async with text_calls(steady(playbook, environ)) as calls:
        for scenario in filter(chosen, file.scenarios):
            yield await run_scenario(file, scenario, playbook, calls, brain=brain)


def summary(results: Sequence[Result]) -> str:
    """`3 tests: 2 passed, 1 failed`"""
    counts = {
        "passed": sum(result.passed for result in results),
        "failed": sum(result.failure is not None for result in results),
        "skipped": sum(result.skipped is not None for result in results),
    }
    parts = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return f"{len(results)} test{'' if len(results) == 1 else 's'}: {parts or 'nothing to run'}"
