"""Entries on disk: whole or not there, the owner's alone, and one deliverer each."""

import contextlib
import os
import stat
from pathlib import Path

import pytest

from active_call.store.spool import BadEntry, Spool, Tried, entry_name


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


def files(root: Path, folder: str) -> list[str]:
    return sorted(path.name for path in (root / folder).iterdir())


def test_a_claim_is_exclusive_and_ends_with_its_holder(root: Path) -> None:
    spool = Spool(root)
    name = spool.add("record", "c1", {})
    claim = spool.claim(name)
    assert claim is not None
    assert Spool(root).claim(name) is None
    claim.close()
    again = spool.claim(name)
    assert again is not None
    again.delivered()
    assert spool.claim(name) is None
    again.close()


def test_files_are_the_owners_alone(root: Path) -> None:
    Spool(root).add("posthook", "c1", {"headers": {"Authorization": "Bearer x"}})
    (path,) = (root / "pending").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_is_no_json_is_refused_and_leaves_nothing(root: Path) -> None:
    with pytest.raises(ValueError):
        Spool(root).add("record", "c1", {"x": float("nan")})
    with pytest.raises(TypeError):
        Spool(root).add("record", "c1", {"x": object()})
    assert [files(root, folder) for folder in ("pending", "new")] == [[], []]


def test_a_kind_is_a_word() -> None:
    with pytest.raises(ValueError, match="no kind"):
        entry_name("a-b", "c")


def test_names_of_different_keys_differ_even_when_they_read_alike() -> None:
    assert entry_name("record", "a/b") != entry_name("record", "a:b")
    assert len(entry_name("record", "x" * 5000)) < 200


def test_remains_of_a_dead_writer_are_swept(root: Path) -> None:
    Spool(root)
    old, fresh = root / "new" / "old.json", root / "new" / "fresh.json"
    old.write_text("{")
    fresh.write_text("{")
    os.utime(old, (0, 0))
    Spool(root)
    assert files(root, "new") == ["fresh.json"]


def test_an_entry_that_is_no_entry_says_so(root: Path) -> None:
    spool = Spool(root)
    (root / "pending" / "record-x.json").write_text("[]")
    claim = spool.claim("record-x.json")
    assert claim is not None
    with contextlib.closing(claim), pytest.raises(BadEntry):
        claim.read()


def test_lost_attempts_only_cost_patience(root: Path) -> None:
    spool = Spool(root)
    name = spool.add("record", "c1", {})
    (root / "pending" / f"{name}.tried").write_text("{")
    assert list(spool.pending()) == [(name, Tried())]
