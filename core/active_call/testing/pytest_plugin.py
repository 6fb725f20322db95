"""Collects `*.test.md` beside playbooks: `pytest -p active_call.testing.pytest_plugin playbooks/`.

Each heading is a test, run in text. `--playbook-llm NAME` overrules who thinks.
"""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from active_call.config.sources import environment
from active_call.playbook.problems import PlaybookError
from active_call.playbook.scenario import SUFFIX, Scenario
from active_call.playbook.scenario_reader import read_scenarios

from .scenarios import Result, run_file


class PlaybookTestFailed(Exception):
    """Its text is the whole explanation."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("active-call")
    group.addoption("--playbook-llm", metavar="NAME", help="who thinks in playbook tests, instead of the playbook's")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "PlaybookTests | None":
    if not file_path.name.endswith(SUFFIX):
        return None
    tests: PlaybookTests = PlaybookTests.from_parent(parent, path=file_path)
    return tests


class PlaybookTests(pytest.File):
    """A file of playbook tests."""

    def collect(self) -> "Iterator[PlaybookTest]":
        try:
            scenarios = read_scenarios(self.path).scenarios
        except PlaybookError as error:
            raise self.CollectError("\n".join(map(str, error.problems))) from None
        for scenario in scenarios:
            yield PlaybookTest.from_parent(self, name=scenario.name, scenario=scenario)


class PlaybookTest(pytest.Item):
    """One heading of it."""

    def __init__(self, *, scenario: Scenario, **other: Any) -> None:
        super().__init__(**other)
        self._scenario = scenario

    def runtest(self) -> None:
        result = asyncio.run(self._run())
        if result.failure is not None:
            raise PlaybookTestFailed(result.explain())

    async def _run(self) -> Result:
        environ = environment(os.environ, Path(".env"))
        brain = self.config.getoption("--playbook-llm")
        results = run_file(self.path, environ=environ, brain=brain, chosen=lambda one: one == self._scenario)
        [result] = [result async for result in results]
        return result

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A failed step explains itself; a playbook that cannot be loaded, too."""
        if isinstance(excinfo.value, PlaybookTestFailed | PlaybookError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, self._scenario.line - 1, self.name
