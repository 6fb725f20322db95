import os
import time
from pathlib import Path

import pytest

from active_call.store import shelf as module
from active_call.store.shelf import Shelf


def put(shelf: Shelf, name: str, size: int, *, age_s: float = 0.0) -> None:
    with shelf.fresh() as file:
        file.write(bytes(size))
    path = shelf.place(Path(file.name), name)
    then = time.time() - age_s
    os.utime(path, (then, then))


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, 100)
    for number in range(4):
        put(shelf, f"{number}.pcm", 25, age_s=1000 - number)
    shelf.used("0.pcm")
    put(shelf, "new.pcm", 5)
    assert names(tmp_path) == {"0.pcm", "2.pcm", "3.pcm", "new.pcm"}


def test_room_is_made_below_the_limit_so_that_the_next_write_need_not(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, 1000)
    for number in range(100):
        put(shelf, f"{number}.pcm", 10, age_s=1000 - number)
    put(shelf, "new.pcm", 10)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 900


def test_what_was_just_used_stays_even_when_it_is_too_much(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, 10)
    put(shelf, "a.pcm", 10)
    put(shelf, "b.pcm", 10)
    assert names(tmp_path) == {"a.pcm", "b.pcm"}


def test_a_shelf_counts_what_was_there_before(tmp_path: Path) -> None:
    put(Shelf(tmp_path, 1000), "old.wav", 95, age_s=500)
    put(Shelf(tmp_path, 100), "new.wav", 10)
    assert names(tmp_path) == {"new.wav"}


def test_a_shelf_notices_what_another_process_wrote(tmp_path: Path) -> None:
    shelf, other = Shelf(tmp_path, 100), Shelf(tmp_path, 100)
    put(shelf, "a.wav", 11, age_s=400)
    put(other, "b.wav", 85, age_s=300)
    put(shelf, "c.wav", 11)
    assert names(tmp_path) == {"c.wav"}


def test_files_of_one_entry_go_together(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, 100)
    put(shelf, "a.wav", 90, age_s=500)
    put(shelf, "a.meta", 2, age_s=500)
    put(shelf, "b.wav", 90)
    assert names(tmp_path) == {"b.wav"}


def test_what_a_dead_process_left_unfinished_is_swept_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, 100)
    with shelf.fresh() as orphan, shelf.fresh() as running:
        orphan.write(b"x")
    then = time.time() - module.ORPHAN_S - 1
    os.utime(orphan.name, (then, then))
    (tmp_path / ".keep").write_text("not ours")
    put(shelf, "a.pcm", 2)
    assert names(tmp_path) == {"a.pcm", ".keep", Path(running.name).name}


def test_other_users_may_read_what_is_kept(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, 100)
    put(shelf, "a.pcm", 2)
    assert (tmp_path / "a.pcm").stat().st_mode & 0o777 == 0o644


def test_a_limit_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="limit"):
        Shelf(tmp_path, 0)
