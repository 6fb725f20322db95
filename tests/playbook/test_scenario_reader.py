"""Reading `*.test.md`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from active_call.playbook.problems import PlaybookError
from active_call.playbook.scenario import (
    AgentDoes,
    AgentIsSilent,
    AgentSays,
    CallerPresses,
    CallerSays,
    CallerWaits,
    Deed,
    InScene,
    Match,
    ScenarioFile,
    VariableIs,
    Wanted,
)
from active_call.playbook.scenario_reader import read_scenarios

Read = Callable[[str], ScenarioFile]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    (tmp_path / "book.md").write_text("---\nllm: {provider: scripted}\n---\n")

    def read_text(text: str) -> ScenarioFile:
        path = tmp_path / "book.test.md"
        path.write_text(text, encoding="utf-8")
        return read_scenarios(path)

    return read_text


def step(read: Read, written: str) -> object:
    """The step that a line stands for, in a test that expects something."""
    return read(f"# t\n{written}\n- agent: x\n").scenarios[0].steps[0]


def problems(read: Read, text: str) -> list[tuple[int, str]]:
    with pytest.raises(PlaybookError) as raised:
        read(text)
    return [(problem.line, f"{problem.problem}. {problem.remedy}") for problem in raised.value.problems]


def words(text: str) -> Wanted:
    return Wanted(Match.WORDS, (text,))


def exactly(text: str) -> Wanted:
    return Wanted(Match.EXACT, (text,))


@pytest.mark.parametrize(
    ("written", "kind", "fields"),
    [
        ("- caller: When are you open?", CallerSays, {"text": "When are you open?"}),
        ("* **caller**: hi", CallerSays, {"text": "hi"}),
        ("1. Caller says： 你好", CallerSays, {"text": "你好"}),
        ('- caller: "hi"', CallerSays, {"text": "hi"}),
        ("- press: 1 2 #", CallerPresses, {"keys": "12#"}),
        ("- caller presses: *", CallerPresses, {"keys": "*"}),
        ("- wait: 10 s", CallerWaits, {"ms": 10_000}),
        ("- wait 1.5", CallerWaits, {"ms": 1500}),
        ("- agent: we are open", AgentSays, {"wanted": words("we are open")}),
        ("- agent says: ~ we are open", AgentSays, {"wanted": Wanted(Match.ROUGHLY, ("we are open",))}),
        ("- agent: = Yes.", AgentSays, {"wanted": exactly("Yes.")}),
        ("- agent: yes | sure", AgentSays, {"wanted": Wanted(Match.WORDS, ("yes", "sure"))}),
        ("- agent does not say: no", AgentSays, {"wanted": words("no"), "never": True}),
        ("- agent says nothing", AgentIsSilent, {}),
        ("- agent hangs up", AgentDoes, {"deed": Deed.HANGS_UP, "wanted": None}),
        (
            "- agent transfers to: sip:a@example.com",
            AgentDoes,
            {"deed": Deed.TRANSFERS, "wanted": exactly("sip:a@example.com")},
        ),
        ("- agent transfers", AgentDoes, {"deed": Deed.TRANSFERS, "wanted": None}),
        ("- agent plays: a.wav", AgentDoes, {"deed": Deed.PLAYS, "wanted": exactly("a.wav")}),
        ("- scene: message", InScene, {"scene": "message"}),
        ("- variable name = Ada", VariableIs, {"name": "name", "wanted": exactly("Ada")}),
        ("- variable name is empty", VariableIs, {"name": "name", "wanted": exactly("")}),
    ],
)
def test_a_line_is_a_step(read: Read, written: str, kind: type, fields: dict[str, object]) -> None:
    found = step(read, written)
    assert type(found) is kind
    assert {name: getattr(found, name) for name in fields} == fields


def test_headings_are_tests_and_everything_else_is_for_the_reader(read: Read) -> None:
    file = read(
        "# The shop\n\nProse, `code` and\n\n```\n- not: a step\n```\n<!-- - nor: this -->\n\n"
        "## One\nWhy.\n- caller: a question that\n  goes on\n- agent: x\n\n### Two\n- agent: y\n"
    )
    assert [scenario.name for scenario in file.scenarios] == ["One", "Two"]
    assert [scenario.line for scenario in file.scenarios] == [10, 16]
    first = file.scenarios[0].steps[0]
    assert isinstance(first, CallerSays)
    assert (first.text, first.line) == ("a question that goes on", 12)


def test_what_is_given_under_a_title_counts_for_all_tests_behind_it(read: Read) -> None:
    file = read("- given a = 1\n# T\n- given b is 2\n## One\n- agent: x\n## Two\n- given b = 3\n- agent: x\n")
    assert [dict(scenario.given) for scenario in file.scenarios] == [{"a": "1", "b": "2"}, {"a": "1", "b": "3"}]


def test_the_playbook_is_the_one_beside_it_or_the_one_that_is_named(read: Read, tmp_path: Path) -> None:
    assert read("# t\n- agent: x").playbook == tmp_path / "book.md"
    (tmp_path / "other.md").write_text("---\n---\n")
    assert read("- playbook: other.md\n# t\n- agent: x").playbook == tmp_path / "other.md"
    assert "there is no playbook" in problems(read, "- playbook: gone.md\n# t\n- agent: x")[0][1]


def test_every_problem_is_told_with_its_line(read: Read) -> None:
    text = (
        "# t\n- agnt: hello\n- wait: soon\n- press: xyz\n- agent: =\n- caller:\n- caller\n- agent: x\n- given a = b\n"
    )
    found = problems(read, text)
    assert [line for line, _ in found] == [2, 3, 4, 5, 6, 7, 9]
    assert "did you mean `- agent: we are open`?" in found[0][1]
    assert "write it as `- wait: 10 s`" in found[1][1]
    assert "keys are 0 to 9" in found[2][1]
    assert "what should be said is missing" in found[3][1]
    assert "what the caller says is missing" in found[4][1]
    assert "write `- caller: ...`" in found[5][1]
    assert "too late" in found[6][1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "there is no test"),
        ("# Only a title", "there is no test"),
        ("- agent: x", "belong to no test"),
        ("# t\n- agent: x\n# t\n- agent: y", "two tests 't'"),
        ("# t\n- caller: x", "expects nothing"),
    ],
)
def test_a_file_that_tests_nothing_is_no_success(read: Read, text: str, problem: str) -> None:
    assert problem in problems(read, text)[0][1]
