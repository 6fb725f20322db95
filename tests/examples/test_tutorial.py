"""What docs/tutorials/your-first-playbook.md tells its reader to write works as it says."""

import re
from pathlib import Path

from active_call.builtin.scripted import validate_script
from active_call.playbook.lint import check
from active_call.testing.scenarios import Result, run_file

PAGE = Path(__file__).parents[2] / "docs" / "tutorials" / "your-first-playbook.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"))


async def run(folder: Path, playbook: str, tests: str) -> list[Result]:
    (folder / "cinema.md").write_text(playbook, encoding="utf-8")
    (folder / "cinema.test.md").write_text(tests, encoding="utf-8")
    assert check(folder / "cinema.md", providers={}, environ={}, script_check=validate_script) == []
    results = [result async for result in run_file(folder / "cinema.test.md", environ={})]
    assert "\n".join(result.explain() for result in results if not result.passed) == ""
    return results


async def test_every_step_of_the_tutorial_passes_its_tests(tmp_path: Path) -> None:
    first, film, second, books, keys = blocks("markdown")
    settings, start = blocks("yaml")
    assert len(await run(tmp_path, first, film)) == 1
    assert len(await run(tmp_path, second, film)) == 1
    assert len(await run(tmp_path, second, f"{film}\n{books}")) == 2
    third = second.replace("script:\n", f"{settings}script:\n{start}")
    assert len(await run(tmp_path, third, f"{film}\n{books}\n{keys}")) == 3
