"""What the README promises at its top."""

import re
import shlex

from tests.house.files import ROOT


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"(?m)^```{language}\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), flags=re.DOTALL)


def test_the_first_two_shell_blocks_are_the_two_commands() -> None:
    assert code_blocks("sh")[:2] == ["sh playbook-examples/hello.sh\n", "sh tests/run.sh\n"]


def test_the_two_commands_are_scripts_of_this_tree() -> None:
    for block in code_blocks("sh")[:2]:
        _, script = shlex.split(block)
        assert (ROOT / script).read_text("utf-8").startswith("#!/bin/sh\n")


def test_continuous_integration_runs_the_second_one() -> None:
    assert "exec sh tests/run.sh" in (ROOT / ".ci/run").read_text("utf-8")
