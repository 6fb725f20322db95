"""The compatibility page names tests that exist, and leaves out no behaviour and no fault."""

import re

from tests.house.files import ROOT, ours, text_of

PAGE = (ROOT / "docs" / "reference" / "compatibility.md").read_text("utf-8")
BEHAVIOURS = {
    *(f"A{number}" for number in range(1, 33) if number != 28),
    *(f"B{number}" for number in range(33, 74)),
    *(f"D{number}" for number in (122, 123, 124, *range(127, 137), 138, 139)),
    *(f"F{number}" for number in range(181, 185)),
}
FAULTS = {
    *(f"S{number}" for number in range(1, 10)),
    *(f"B{number}" for number in range(1, 18)),
    *(f"M{number}" for number in range(1, 10)),
    *(f"C{number}" for number in range(1, 5)),
    *(f"R{number}" for number in range(1, 16)),
}


def rows(title: str) -> list[list[str]]:
    """The cells of the table under that heading."""
    section = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_every_test_that_the_page_names_exists() -> None:
    there = {name for path in ours(".py") for name in re.findall(r"def (test_\w+)", text_of(path))}
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 100
    assert named - there == set()


def test_every_file_that_the_page_names_exists() -> None:
    assert [path for path in re.findall(r"`(tests/[\w/]+\.py)`", PAGE) if not (ROOT / path).is_file()] == []


def test_every_behaviour_has_a_row_with_a_test_or_is_open() -> None:
    table = rows("Covered by tests")
    assert {number for cells in table for number in cells[0].split(", ")} == BEHAVIOURS
    assert [cells for cells in table if "`test" not in cells[2] and "**open**" not in cells[2]] == []


def test_every_fault_has_a_row_with_a_test_or_is_open() -> None:
    table = rows("Faults of the Rust server")
    assert {number for cells in table for number in cells[0].split(", ")} == FAULTS
    assert [cells for cells in table if "`test" not in cells[2] and "**open**" not in cells[2]] == []


def test_every_deliberate_difference_is_tested() -> None:
    table = rows("Different on purpose")
    assert len(table) > 40
    assert [cells for cells in table if "`test_" not in cells[3]] == []
