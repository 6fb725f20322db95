"""`active-call check`."""

import json
import os
from pathlib import Path

import pytest

from active_call.cli.check import main
from active_call.cli.watching import watch

GOOD = "---\nllm: { provider: scripted }\n---\nBe kind.\n"


@pytest.fixture(autouse=True)
def _only_what_ships_with_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVE_CALL_LOAD_PLUGINS", "")


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_good_playbook_has_nothing_to_mend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([write(tmp_path, "a.md", GOOD)]) == 0
    assert capsys.readouterr().out == "1 playbook checked, nothing to mend\n"


def test_each_problem_is_a_line_that_an_editor_can_follow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "a.md", GOOD.replace("llm:", "asr: { provider: nobody }\ngreting: x\nllm:"))
    assert main([path]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{path}:2:8: error: no recogniser is called 'nobody'. Install a plugin that has it; see `active-call plugins`",
        f"{path}:3:1: warning: greting is not a key here and has no effect. Did you mean greeting?",
        "1 playbook checked: 1 error, 1 warning",
    ]


def test_warnings_alone_are_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([write(tmp_path, "a.md", GOOD.replace("llm:", "greting: x\nllm:"))]) == 0
    assert "0 errors, 1 warning" in capsys.readouterr().out


def test_names_of_providers_can_be_left_unchecked(tmp_path: Path) -> None:
    path = write(tmp_path, "a.md", GOOD.replace("scripted", "nobody"))
    assert main([path]) == 1
    assert main(["--no-plugins", path]) == 0


def test_the_script_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "a.md", GOOD.replace("llm:", "script:\n  rules:\n    - when: hello\nllm:"))
    assert main([path]) == 1
    assert f"{path}:4:7: error: script.rules[0]" in capsys.readouterr().out


def test_a_folder_stands_for_the_playbooks_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "a.md", GOOD)
    write(tmp_path, "sub/b.md", "\ufeff\n" + GOOD)
    write(tmp_path, "README.md", "# No playbook")
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == "2 playbooks checked, nothing to mend\n"


def test_nothing_to_check_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    assert main([str(tmp_path / "no.md")]) == 1
    assert "the file cannot be read" in capsys.readouterr().out


def test_wrong_usage_is_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main(["--help"]) == 0
    assert "usage: active-call check" in capsys.readouterr().out


def test_the_tests_beside_playbooks_are_checked_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "a.md", GOOD)
    test = write(tmp_path, "a.test.md", "# t\n- agnt: hello\n")
    assert main([str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert f"{test}:2:1: error: `agnt: hello` is no step of a test. Did you mean" in out
    assert "1 playbook and 1 test file checked: 1 error, 0 warnings" in out


def test_a_playbook_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "a.md", GOOD)
    assert main(["--graph", path]) == 0
    assert capsys.readouterr().out.startswith("flowchart TD\n")
    assert main(["--svg", path]) == 0
    assert capsys.readouterr().out.startswith("<svg ")
    assert main(["--svg", path, path]) == 2
    assert main(["--svg", "--graph", path]) == 2
    assert main(["--svg", write(tmp_path, "b.md", "nothing")]) == 1
    assert "there is no front matter" in capsys.readouterr().err


def test_the_schema_is_printed_without_a_playbook(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--schema"]) == 0
    assert "greeting" in json.loads(capsys.readouterr().out)["properties"]


def test_watching_works_now_and_after_every_change(tmp_path: Path) -> None:
    path, gone = tmp_path / "a.md", tmp_path / "b.md"
    path.write_text("one")
    seen: list[str] = []
    ticks = iter(
        (
            lambda: None,
            lambda: os.utime(path, (1, 1)),
            lambda: None,
            lambda: gone.write_text("new"),
            lambda: gone.unlink(),
            lambda: None,
        )
    )
    left = [True] * 6 + [False]
    watch(
        lambda: tmp_path.glob("*.md"),
        lambda: seen.append(" ".join(sorted(file.name for file in tmp_path.glob("*.md")))),
        sleep=lambda seconds: next(ticks)() and None,
        on=lambda: left.pop(0),
    )
    assert seen == ["a.md", "a.md", "a.md b.md", "a.md"]
