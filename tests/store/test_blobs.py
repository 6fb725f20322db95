"""Putting files in place, on file systems with and without links."""

import os
from pathlib import Path

import pytest

from active_call.store.blobs import ours, place


def refuse(*args: object, **options: object) -> None:
    raise PermissionError(1, "Operation not permitted")


@pytest.fixture
def blob(tmp_path: Path) -> Path:
    path = tmp_path / "blobs" / "abc"
    path.parent.mkdir()
    path.write_bytes(b"weights")
    return path


def test_a_file_in_place_is_a_hard_link_and_placing_it_twice_leaves_no_litter(blob, tmp_path):
    target = tmp_path / "echo" / "a.bin"
    place(blob, target)
    place(blob, target)
    assert target.samefile(blob)
    assert not target.is_symlink()
    assert os.listdir(target.parent) == ["a.bin"]
    assert ours(target)


def test_without_hard_links_it_is_a_symbolic_link_that_survives_a_move(blob, tmp_path, monkeypatch):
    monkeypatch.setattr("os.link", refuse)
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "blobs").rename(root / "blobs")
    place(root / "blobs" / "abc", root / "echo" / "a.bin")
    root.rename(tmp_path / "moved")
    target = tmp_path / "moved" / "echo" / "a.bin"
    assert target.is_symlink()
    assert target.read_bytes() == b"weights"
    assert ours(target)


def test_without_any_links_it_is_a_copy(blob, tmp_path, monkeypatch):
    monkeypatch.setattr("os.link", refuse)
    monkeypatch.setattr("os.symlink", refuse)
    target = tmp_path / "echo" / "a.bin"
    place(blob, target)
    assert target.read_bytes() == b"weights"
    assert not target.samefile(blob)


def test_a_failure_leaves_what_was_there(blob, tmp_path, monkeypatch):
    target = tmp_path / "echo" / "a.bin"
    target.parent.mkdir()
    target.write_bytes(b"old")
    for name in ("os.link", "os.symlink", "shutil.copyfile"):
        monkeypatch.setattr(name, refuse)
    with pytest.raises(PermissionError):
        place(blob, target)
    assert target.read_bytes() == b"old"
    assert os.listdir(target.parent) == ["a.bin"]
