"""Playbook tests are run."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from active_call.playbook.load import load_file
from active_call.playbook.problems import PlaybookError
from active_call.playbook.scenario_reader import read_scenarios
from active_call.plugin.discovery import discover
from active_call.testing.fakes import Fakes
from active_call.testing.scenarios import Result, find_files, run_file, run_scenario, summary
from active_call.testing.text_call import text_calls

BOOK = """---
greeting: Hello {{ who }}, how can I help?
llm: { provider: scripted }
extra: { who: there }
followUp: { timeout: 5000, maxCount: 1 }
dtmf:
  "1": { action: goto, scene: other }
  "2": { action: transfer, target: "sip:{{ who }}@example.com" }
  "3": { action: goto, scene: nowhere }
dtmfCollectors:
  pin: { digits: 4, interDigitTimeout: 5, timeout: 20 }
script:
  start: { other: You are elsewhere now. }
  rules:
    - { when: open, say: We open at nine. We close at six. }
    - { when: music, say: "Listen. <play file='a.wav'/> Nice?" }
    - { when: pin, say: "Your pin? <collect type='pin' var='pin'/>" }
    - { when: odd, say: "Odd <goto scene='nowhere'/> and <bad/> tags." }
    - { when: bye, say: Good bye!, hangup: true }
    - { when: boss, say: One moment., refer: "sip:boss@example.com" }
---
Hello.
# Scene: other
<play file="jingle.wav"/>
<dtmf digit="1" action="hangup"/>
Other.
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    (tmp_path / "book.md").write_text(BOOK, encoding="utf-8")
    return tmp_path / "book.test.md"


def results(book: Path, text: str, **other: Any) -> list[Result]:
    """Of a file with this text; steps without a heading are one test."""
    book.write_text(text if text.startswith("#") else f"# t\n{text}", encoding="utf-8")

    async def collect() -> list[Result]:
        return [result async for result in run_file(book, **{"environ": {}} | other)]

    return asyncio.run(collect())


def run(book: Path, text: str, **other: Any) -> Result:
    [result] = results(book, text, **other)
    return result


@pytest.mark.parametrize(
    "text",
    [
        "- agent: Hello there\n- caller: When are you open?\n- agent: open at nine\n- agent: close at six",
        "- caller: open?\n- agent: = We open at nine. We close at six.",
        "- caller: open?\n- agent does not say: seven",
        "- given who = Ada\n- agent: Hello {{ who }}\n- variable who = Ada\n- variable other is empty",
        "- caller: music\n- agent: Listen\n- agent plays: a.wav\n- agent: Nice",
        "- caller: pin\n- agent collects: pin",
        "- caller: pin\n- agent collects: pin\n- press: 1234\n- variable pin = 1234\n- scene: default",
        "- caller: pin\n- agent collects: pin\n- press: 12\n- wait: 6 s\n- agent: Expected at least 4 digits, got 2",
        "- caller: pin\n- agent collects: pin\n- wait: 19 s\n- agent says nothing\n- press: 4321"
        "\n- variable pin = 4321",
        "- caller: boss\n- agent: moment\n- agent transfers to: sip:boss@example.com",
        "- caller: boss\n- agent transfers\n- caller: open\n- agent: nine",
        "- caller: bye\n- agent: = Good bye!\n- agent hangs up",
        "- press: 1\n- agent plays: jingle.wav\n- agent: elsewhere\n- scene: other\n- press: 1\n- agent hangs up",
        "- press: 2\n- agent transfers to: sip:there@example.com\n- agent says nothing",
        "- press: 9\n- agent says nothing\n- scene: default",
        "- wait: 4 s\n- agent says nothing\n- wait: 1 s\n- agent: still there\n- wait: 5 s\n- agent hangs up",
        "- wait: 4.9 s\n- caller: open?\n- wait: 4.9 s\n- agent says nothing",
        "- wait: 1 min\n- agent: still there\n- agent hangs up",
    ],
)
def test_a_test_passes(book: Path, text: str) -> None:
    result = run(book, text)
    assert result.explain() == ""
    assert result.passed


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("- agent: Hello Ada", 2, "not said: ada"),
        ("- agent: there Hello", 2, "not said"),
        ("- agent: Hello how", 2, "the words were said, but not in a row"),
        ("- caller: open?\n- agent: close\n- agent: open at nine", 4, "before what an earlier line of this test found"),
        ("- caller: open?\n- agent: = We open at ten. We close at six.", 3, "We open at [ten.] We close"),
        ("- caller: open?\n- agent does not say: nine", 3, "We open at nine"),
        ("- caller: open?\n- agent says nothing", 3, "the agent said"),
        ("- agent: x\n- caller: open", 2, "Hello there"),
        ("- caller: music\n- agent: Nice\n- agent plays: a.wav", 4, "plays: a.wav (before the words above)"),
        ("- caller: music\n- agent plays: b.wav", 3, "plays: a.wav"),
        ("- caller: open?\n- agent hangs up", 3, "the agent did not do that"),
        ("- caller: bye\n- agent: Good bye", 2, "the agent hung up, which no line expects"),
        ("- caller: boss\n- agent: moment", 2, "- agent transfers to: sip:boss@example.com"),
        ("- caller: bye\n- agent hangs up\n- caller: hello?\n- agent: x", 4, "the agent has hung up"),
        ("- scene: other", 2, "the call is in scene: default"),
        ("- variable who = Ada", 2, 'the variable who is: "there"'),
        ("- press: 2\n- agent: x", 3, "the agent said nothing"),
        ("- caller: pin\n- press: 1\n- agent: x", 4, "the agent said nothing"),
    ],
)
def test_a_failure_says_where_and_why(book: Path, text: str, line: int, reason: str) -> None:
    result = run(book, text)
    assert result.failure is not None
    assert result.failure.line == line
    assert reason in result.explain()
    assert result.explain().startswith(f"{book}:{line}: - ")


def test_the_transcript_shows_the_call_up_to_the_failure(book: Path) -> None:
    result = run(book, "- caller: odd\n- press: 93\n- agent: x")
    assert result.transcript == [
        ("agent", "Hello there, how can I help?"),
        ("caller", "odd"),
        ("agent", "Odd"),
        ("", "(there is no scene 'nowhere')"),
        ("", "(<bad/> was left out: not one of the tags of a playbook)"),
        ("agent", "and tags."),
        ("caller", "(presses 93)"),
        ("", "(key 9 does nothing in scene default)"),
        ("", "(there is no scene 'nowhere')"),
    ]


def test_a_brain_that_fails_fails_the_test(book: Path) -> None:
    book.with_name("book.md").write_text("---\nllm: { provider: fake }\n---\n")
    book.write_text("# t\n- agent: Hello\n- caller: x\n- agent: Sorry")
    file, playbook = read_scenarios(book), load_file(book.with_name("book.md"), environ={})
    fakes = Fakes(replies=["Hello.", RuntimeError("no answer")])

    async def hold() -> Result:
        async with text_calls({}, discover(extra=[fakes])) as calls:
            return await run_scenario(file, file.scenarios[0], playbook, calls)

    result = asyncio.run(hold())
    assert result.failure is not None
    assert result.failure.line == 3
    assert "error in fake" in result.explain()
    assert "Sorry, I have trouble" in result.explain()


def test_a_playbook_with_a_script_is_tested_by_it_whatever_keys_are_set(book: Path) -> None:
    book.with_name("book.md").write_text(BOOK.replace("llm: { provider: scripted }\n", ""))
    environ = {"OPENAI_API_KEY": "no-key", "OPENAI_BASE_URL": "http://127.0.0.1:9"}
    assert run(book, "- caller: open\n- agent: nine", environ=environ).passed


def test_a_brain_that_is_not_installed_is_a_failure_not_a_crash(book: Path) -> None:
    result = run(book, "- agent: Hello", brain="nobody")
    assert result.failure is not None
    assert "nobody" in result.explain()


def test_a_broken_playbook_is_told_as_check_tells_it(book: Path) -> None:
    book.with_name("book.md").write_text("---\ngreeting: [1]\n---\n")
    with pytest.raises(PlaybookError, match="greeting"):
        run(book, "- agent: Hello")


def test_a_path_stands_for_its_tests(book: Path) -> None:
    book.write_text("# t\n- agent: x")
    assert find_files(book.parent) == [book]
    assert find_files(book) == [book]
    assert find_files(book.parent / "book.md") == [book]


def test_results_are_counted(book: Path) -> None:
    good, bad = run(book, "- agent: Hello"), run(book, "- agent: Hallo")
    assert summary([good, bad]) == "2 tests: 1 passed, 1 failed"
    assert summary([]) == "0 tests: nothing to run"


def test_pytest_collects_playbook_tests(book: Path) -> None:
    book.write_text("# Good\n- agent: Hello\n# Bad\n- agent: Hallo\n")
    (book.parent / "broken.test.md").write_text("# t\n- agnt: x\n")
    command = (sys.executable, "-m", "pytest", "-v", "-p", "active_call.testing.pytest_plugin")
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "--continue-on-collection-errors", str(book.parent)],
        cwd=book.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "book.test.md::Good PASSED" in done.stdout
    assert "book.test.md::Bad FAILED" in done.stdout
    assert "book.test.md:4: - agent: Hallo" in done.stdout
    assert "not said: hallo" in done.stdout
    assert "broken.test.md:2:1: error: `agnt: x` is no step" in done.stdout
    assert "Traceback" not in done.stdout
