"""`active-call test`."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from active_call.cli import main
from active_call.cli.rehearsal import SpokenDriver, listener
from active_call.playbook.scenario import ScenarioFile
from active_call.playbook.scenario_reader import read_scenarios
from active_call.testing.scenarios import Record, Result, follow

BOOK = "---\ngreeting: Hello!\nscript:\n  rules:\n    - {when: bye, say: Good bye!, hangup: true}\n---\nBe kind.\n"
GOOD = "# Greets\n- agent: Hello\n# Ends\n- caller: bye\n- agent: Good bye\n- agent hangs up\n"


@pytest.fixture(autouse=True)
def _only_what_ships_with_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVE_CALL_LOAD_PLUGINS", "")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    (tmp_path / "a.md").write_text(BOOK)
    (tmp_path / "a.test.md").write_text(GOOD)
    return tmp_path / "a.md"


def test_tests_that_pass_are_listed(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(book)]) == 0
    test = book.with_name("a.test.md")
    assert capsys.readouterr().out == f"{test}\n  ok    Greets\n  ok    Ends\n2 tests: 2 passed\n"


def test_a_failure_is_explained_and_the_others_run_all_the_same(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book.with_name("a.test.md").write_text(GOOD.replace("Hello", "Hallo"))
    assert main(["test", str(book.parent)]) == 1
    out = capsys.readouterr().out
    assert "  FAIL  Greets\n" in out
    assert 'the agent said: "Hello!"' in out
    assert out.endswith("  ok    Ends\n2 tests: 1 passed, 1 failed\n")


def test_only_some_tests_are_run(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "--only", "END", "--verbose", str(book)]) == 0
    out = capsys.readouterr().out
    assert "Greets" not in out
    assert "        caller  bye\n        agent   Good bye!\n                (hangs up)\n1 test: 1 passed\n" in out


def test_a_broken_file_fails_and_does_not_hide_the_others(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = book.with_name("b.test.md")
    broken.write_text("# t\n- agnt: x\n")
    assert main(["test", str(book.parent)]) == 1
    out = capsys.readouterr().out
    assert f"  {broken}:2:1: error: `agnt: x` is no step of a test" in out
    assert out.endswith("2 tests: 2 passed, 1 file could not be run\n")


def test_nothing_to_run_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(tmp_path)]) == 1
    assert main(["test", str(tmp_path / "gone.md")]) == 1
    assert "cannot be read" in capsys.readouterr().out


def test_wrong_usage_is_told_apart(book: Path) -> None:
    with pytest.raises(SystemExit) as left:
        main(["test", "--voice", "--llm", "scripted", str(book)])
    assert left.value.code == 2


class Line:
    """Stands for `Caller`: a call whose agent answers every line with the next event."""

    def __init__(self, record: Record, *answers: list[dict[str, Any]]) -> None:
        self.closed: int | None = None
        self._take = listener(record)
        self._answers = list(answers)
        self.extra: dict[str, str] | None = None

    async def invite(self, extra: dict[str, str] | None = None) -> None:
        self.extra = extra
        self._answer()

    async def until(self, name: str, patience: float) -> dict[str, Any] | None:
        return {}

    async def say(self, samples: object) -> None:
        self._answer()

    async def replied(self, patience: float) -> bool:
        return True

    async def quiet(self, seconds: float, patience: float) -> bool:
        return True

    async def until_closed(self, patience: float) -> bool:
        return False

    def _answer(self) -> None:
        for event in self._answers.pop(0) if self._answers else []:
            self._take(event)
            if event["event"] == "hangup":
                self.closed = 1000


def said(text: str) -> dict[str, Any]:
    return {"event": "metrics", "key": "tts_play_id_map", "data": {"text": text}}


def spoken(file: ScenarioFile, *answers: list[dict[str, Any]]) -> tuple[Result, Line]:
    """The file's first test on a call that answers so."""
    scenario = file.scenarios[0]
    result = Result(path=file.path, scenario=scenario)
    record = Record(result)
    line = Line(record, *answers)

    async def voice(text: str) -> Any:
        return text

    driver = SpokenDriver(line, voice, record, scenario.given)  # type: ignore[arg-type]
    asyncio.run(follow(scenario, driver, result))
    return result, line


def test_a_spoken_test_goes_by_the_events_of_the_call(book: Path) -> None:
    test = book.with_name("a.test.md")
    test.write_text(
        "# t\n- given who = Ada\n- agent: Hello {{ who }}!\n"
        "- caller: bye\n- scene: end\n- agent: Good bye\n- agent hangs up\n"
    )
    heard = {"event": "asrFinal", "text": "Buy."}
    ends = {"event": "hangup", "reason": "bySystem"}
    result, line = spoken(read_scenarios(test), [said("Hello Ada! ")], [heard, said("Good"), said("bye."), ends])
    assert result.explain() == ""
    assert result.notes == ["line 5: not checked, it cannot be seen over audio"]
    assert line.extra == {"who": "Ada"}
    assert ("", "(heard: Buy.)") in result.transcript
    assert result.transcript[-1] == ("", "(hangs up)")


def test_a_spoken_test_fails_when_a_part_of_the_engine_does(book: Path) -> None:
    test = book.with_name("a.test.md")
    test.write_text("# t\n- agent: Hello\n- caller: bye\n- agent: Good bye\n")
    error = {"event": "error", "sender": "asr", "error": "no microphone"}
    result, _ = spoken(read_scenarios(test), [said("Hello")], [error])
    assert result.failure is not None
    assert "error in asr: no microphone" in result.explain()
    result, _ = spoken(read_scenarios(test), [said("Hello")], [said("Good bye"), {"event": "hangup", "reason": "x"}])
    assert "the agent hung up, which no line expects" in result.explain()


@pytest.mark.model
@pytest.mark.slow
def test_an_example_passes_over_real_audio(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("ACTIVE_CALL_LOAD_PLUGINS")
    from active_call.cli.runtime import Paths, Runtime

    runtime = Runtime(Paths(playbooks=[tmp_path], media=[tmp_path]))
    if runtime.missing_models() or "hibari" not in [offer.name for offer in runtime.registry.offers()]:
        pytest.skip("the engines or their models are not here: active-call models pull embedded")
    hello = Path(__file__).parents[2] / "playbook-examples" / "hello.md"
    status = main(["test", "--voice", "--only", "remembers", "--out", str(tmp_path / "out"), str(hello)])
    out = capsys.readouterr().out
    assert status == 0, out
    assert "ok    It remembers a name" in out
    assert (tmp_path / "out" / "It-remembers-a-name.wav").stat().st_size > 100_000
