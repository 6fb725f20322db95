"""Every example has tests beside it, and they pass."""

from pathlib import Path

import pytest

from active_call.playbook.scenario_reader import playbook_beside
from active_call.testing.scenarios import run_file

EXAMPLES = Path(__file__).parents[2] / "playbook-examples"
TESTS = sorted(EXAMPLES.glob("*.test.md"))


def test_every_example_has_tests() -> None:
    playbooks = {path for path in EXAMPLES.glob("*.md") if path not in TESTS}
    assert playbooks == {playbook_beside(path) for path in TESTS}
    assert len(playbooks) >= 5


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
async def test_the_tests_of_an_example_pass(path: Path) -> None:
    results = [result async for result in run_file(path, environ={})]
    assert results
    assert "\n".join(result.explain() for result in results if not result.passed) == ""
