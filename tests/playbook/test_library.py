"""Changed playbooks count for the next call."""

import logging
import os
from pathlib import Path

import pytest

from active_call.playbook.library import Library
from active_call.playbook.load import load_file
from active_call.playbook.model import Playbook
from active_call.playbook.problems import PlaybookError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.md"
    write(path, "one")
    return path


def write(path: Path, greeting: str, *, broken: bool = False, at_s: int = 1) -> None:
    path.write_text("broken" if broken else f"---\ngreeting: {greeting}\n---\n")
    os.utime(path, (at_s, at_s))


def test_an_unchanged_file_is_read_once_and_a_changed_one_again(path: Path) -> None:
    reads: list[Path] = []

    def load(path: Path) -> Playbook:
        reads.append(path)
        return load_file(path, environ={})

    library = Library({}, load=load)
    first = library.get(path)
    assert library.get(str(path)) is first
    assert len(reads) == 1
    write(path, "two", at_s=2)
    assert library.get(path).greeting == "two"
    assert first.greeting == "one"
    assert len(reads) == 2


def test_an_edit_that_breaks_a_playbook_leaves_the_line_up(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    library = Library({})
    library.get(path)
    write(path, "", broken=True, at_s=2)
    with caplog.at_level(logging.ERROR):
        assert library.get(path).greeting == "one"
        assert library.get(path).greeting == "one"
    assert len(caplog.records) == 1
    assert "no front matter" in str(library.error(path))
    write(path, "three", at_s=3)
    assert library.get(path).greeting == "three"
    assert library.error(path) is None


def test_a_playbook_that_never_could_be_read_answers_nobody(tmp_path: Path) -> None:
    path = tmp_path / "b.md"
    write(path, "", broken=True)
    library = Library({})
    for _ in range(2):
        with pytest.raises(PlaybookError, match="no front matter"):
            library.get(path)


def test_a_playbook_that_was_taken_away_is_gone(path: Path) -> None:
    library = Library({})
    library.get(path)
    path.unlink()
    with pytest.raises(PlaybookError, match="cannot be read"):
        library.get(path)
