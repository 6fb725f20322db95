"""The outbox: durable before it is sent, tried until it is taken, parked when it never is."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from active_call.plugin.errors import ProviderError
from active_call.store.backoff import DAY_S, Backoff
from active_call.store.outbox import Outbox
from active_call.store.spool import BadEntry, Entry, Spool, Tried, entry_name

SOON = Backoff(first_s=0.01, longest_s=0.02)
LATER = Backoff(first_s=3600, longest_s=7200)


class Receiver:
    """The other side; it refuses the first `refusals` attempts."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.entries: list[Entry] = []
        self.attempts = 0
        self.at_once = 0
        self.most_at_once = 0
        self.gate: asyncio.Event | None = None

    async def __call__(self, entry: Entry) -> None:
        self.attempts += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.gate is not None:
                await self.gate.wait()
            if self.attempts <= self.refusals:
                raise ProviderError("internal", "busy")
            self.entries.append(entry)
        finally:
            self.at_once -= 1


def files(root: Path, folder: str) -> list[str]:
    return sorted(path.name for path in (root / folder).iterdir())


def pending(root: Path) -> int:
    return len(list((root / "pending").glob("*.json")))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # the condition is a file, of which nobody gives notice
            await asyncio.sleep(0.002)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


# ---------------------------------------------------------------- life of an entry


async def test_an_entry_is_on_disk_when_put_returns_and_gone_when_it_was_taken(root: Path, tmp_path: Path) -> None:
    receiver = Receiver()
    outbox = Outbox(root)
    outbox.register("record", receiver)
    await outbox.put("record", "c1", {"callId": "c1", "text": "späte Tür"}, [tmp_path / "a.wav"])
    assert pending(root) == 1
    async with outbox:
        assert await outbox.drain(5) == 0
    (entry,) = receiver.entries
    assert (entry.kind, entry.key, entry.payload) == ("record", "c1", {"callId": "c1", "text": "späte Tür"})
    assert entry.files == (tmp_path / "a.wav",)
    assert [files(root, folder) for folder in ("pending", "failed", "new")] == [[], [], []]


async def test_a_refusal_is_tried_again_with_the_same_key(root: Path) -> None:
    receiver = Receiver(refusals=3)
    outbox = Outbox(root, backoff=SOON)
    outbox.register("record", receiver)
    async with outbox:
        await outbox.put("record", "c1", {})
        await until(lambda: bool(receiver.entries))
        await outbox.drain(5)
    assert receiver.attempts == 4
    assert files(root, "pending") == []


async def test_the_same_thing_twice_is_sent_once(root: Path) -> None:
    receiver = Receiver()
    outbox = Outbox(root)
    outbox.register("record", receiver)
    await outbox.put("record", "c1", {"n": 1})
    await outbox.put("record", "c1", {"n": 2})
    async with outbox:
        await outbox.drain(5)
    assert [entry.payload for entry in receiver.entries] == [{"n": 1}]


async def test_what_a_dead_process_left_is_delivered_by_the_next(root: Path) -> None:
    first = Outbox(root, backoff=LATER)
    first.register("record", Receiver(refusals=99))
    async with first:
        for n in range(20):
            await first.put("record", str(n), {"n": n})
        await until(lambda: len(list((root / "pending").glob("*.tried"))) == 20)
    for path in (root / "pending").glob("*.tried"):
        path.unlink()  # the wait of an hour
    receiver = Receiver()
    second = Outbox(root)
    second.register("record", receiver)
    async with second:
        assert await second.drain(5) == 0
    assert sorted(entry.payload["n"] for entry in receiver.entries) == list(range(20))


async def test_the_wait_survives_a_restart(root: Path) -> None:
    for _ in range(2):
        receiver = Receiver(refusals=1)
        outbox = Outbox(root, backoff=LATER)
        outbox.register("record", receiver)
        async with outbox:
            await outbox.put("record", "c1", {})
            await outbox.drain(5)
            await asyncio.sleep(0.01)
    assert receiver.attempts == 0
    assert json.loads(next((root / "pending").glob("*.tried")).read_text())["attempts"] == 1


async def test_poison_is_parked_with_a_line_in_the_log(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(refusals=99)
    outbox = Outbox(root, backoff=Backoff(first_s=0.001, longest_s=0.002, give_up_attempts=3))
    outbox.register("record", receiver)
    async with outbox:
        await outbox.put("record", "c1", {"n": 1})
        await until(lambda: len(files(root, "failed")) == 2)
        await outbox.drain(5)
    assert receiver.attempts == 3
    assert files(root, "pending") == []
    name = entry_name("record", "c1")
    assert files(root, "failed") == [name, f"{name}.tried"]
    (line,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert name in line.getMessage()
    assert "busy" in line.getMessage()


async def test_a_parked_entry_that_is_moved_back_is_delivered(root: Path) -> None:
    outbox = Outbox(root, backoff=Backoff(give_up_attempts=1))
    outbox.register("record", Receiver(refusals=1))
    async with outbox:
        await outbox.put("record", "c1", {"n": 1})
        await until(lambda: len(files(root, "failed")) == 2)
        await outbox.drain(5)
    name = entry_name("record", "c1")
    os.rename(root / "failed" / name, root / "pending" / name)
    receiver = Receiver()
    again = Outbox(root)
    again.register("record", receiver)
    async with again:
        await again.drain(5)
    assert len(receiver.entries) == 1


async def test_a_damaged_entry_is_parked_at_once_and_holds_up_nobody(root: Path) -> None:
    receiver = Receiver()
    outbox = Outbox(root)
    outbox.register("record", receiver)
    await outbox.put("record", "good", {})
    (root / "pending" / "record-bad-00.json").write_text('{"kind": "record", "key"')
    async with outbox:
        await outbox.drain(5)
    assert "record-bad-00.json" in files(root, "failed")
    assert [entry.key for entry in receiver.entries] == ["good"]


async def test_a_delivery_that_hangs_is_a_failure(root: Path) -> None:
    receiver = Receiver()
    receiver.gate = asyncio.Event()
    outbox = Outbox(root, backoff=LATER)
    outbox.register("record", receiver, timeout_s=0.01)
    async with outbox:
        await outbox.put("record", "c1", {})
        await until(lambda: any((root / "pending").glob("*.tried")))
    assert "TimeoutError" in next((root / "pending").glob("*.tried")).read_text()


async def test_retry_after_is_respected(root: Path) -> None:
    async def refuse(entry: Entry) -> None:
        raise ProviderError("quota", "slow down", retry_after_s=1234)

    outbox = Outbox(root, backoff=SOON)
    outbox.register("record", refuse)
    async with outbox:
        await outbox.put("record", "c1", {})
        await until(lambda: any((root / "pending").glob("*.tried")))
    due = json.loads(next((root / "pending").glob("*.tried")).read_text())["due"]
    assert due == pytest.approx(time.time() + 1234, abs=30)


# ---------------------------------------------------------------- many


async def test_no_more_than_the_limit_at_once_and_a_dead_kind_holds_up_no_other(root: Path) -> None:
    stuck, lively = Receiver(), Receiver()
    stuck.gate = asyncio.Event()
    outbox = Outbox(root)
    outbox.register("posthook", stuck, concurrency=3)
    outbox.register("record", lively)
    async with outbox:
        await asyncio.gather(*(outbox.put("posthook", str(n), {}) for n in range(20)))
        await asyncio.gather(*(outbox.put("record", str(n), {}) for n in range(20)))
        await until(lambda: len(lively.entries) == 20)
        assert stuck.most_at_once == 3
        stuck.gate.set()
        assert await outbox.drain(5) == 0
    assert len(stuck.entries) == 20
    assert stuck.most_at_once == 3


async def test_a_kind_that_nobody_delivers_stays_and_is_told(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    outbox = Outbox(root)
    await outbox.put("posthook", "c1", {})
    async with outbox:
        await outbox.drain(5)
    assert pending(root) == 1
    assert "posthook" in caplog.text


async def test_draining_has_a_deadline_and_loses_nothing(root: Path) -> None:
    receiver = Receiver()
    receiver.gate = asyncio.Event()
    outbox = Outbox(root)
    outbox.register("record", receiver, concurrency=2)
    async with outbox:
        for n in range(5):
            await outbox.put("record", str(n), {})
        assert await outbox.drain(0.02) == 5
    assert pending(root) == 5


async def test_draining_does_not_wait_for_what_is_not_due(root: Path) -> None:
    outbox = Outbox(root, backoff=LATER)
    outbox.register("record", Receiver(refusals=1))
    async with outbox:
        await outbox.put("record", "c1", {})
        async with asyncio.timeout(2):
            assert await outbox.drain(60) == 1


async def test_two_workers_on_one_directory_deliver_each_entry_once(root: Path) -> None:
    receivers = [Receiver(), Receiver()]
    outboxes = [Outbox(root), Outbox(root)]
    for n in range(60):
        await outboxes[0].put("record", str(n), {"n": n})
    for outbox, receiver in zip(outboxes, receivers, strict=True):
        outbox.register("record", receiver)
    async with outboxes[0], outboxes[1]:
        await asyncio.gather(*(outbox.drain(5) for outbox in outboxes))
    delivered = sorted(entry.payload["n"] for receiver in receivers for entry in receiver.entries)
    assert delivered == list(range(60))


async def test_a_claim_is_exclusive_and_ends_with_its_holder(root: Path) -> None:
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


# ---------------------------------------------------------------- disk


async def test_files_are_the_owners_alone(root: Path) -> None:
    await Outbox(root).put("posthook", "c1", {"headers": {"Authorization": "Bearer x"}})
    (path,) = (root / "pending").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_what_is_no_json_is_refused_and_leaves_nothing(root: Path) -> None:
    with pytest.raises(ValueError):
        await Outbox(root).put("record", "c1", {"x": float("nan")})
    with pytest.raises(TypeError):
        await Outbox(root).put("record", "c1", {"x": object()})
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


# ---------------------------------------------------------------- when to try again


def test_waits_double_up_to_the_longest_and_spread() -> None:
    backoff = Backoff(first_s=1, longest_s=60)
    for attempts, plain in ((1, 1), (2, 2), (5, 16), (7, 60), (1000, 60)):
        waits = {backoff.wait_s(attempts) for _ in range(50)}
        assert plain * 0.75 <= min(waits) <= max(waits) <= plain * 1.25
        assert len(waits) > 10


def test_it_is_given_up_by_age_or_by_attempts() -> None:
    backoff = Backoff(give_up_attempts=10)
    assert not backoff.hopeless(9, 2.9 * DAY_S)
    assert backoff.hopeless(9, 3 * DAY_S)
    assert backoff.hopeless(10, 0)


# ---------------------------------------------------------------- kill -9

WRITER = """
import asyncio, sys
from pathlib import Path
from active_call.store.outbox import Outbox

async def main():
    outbox = Outbox(Path(sys.argv[1]))
    async def deliver(entry):
        await asyncio.sleep(3600)
    outbox.register("record", deliver)
    async with outbox:
        n = 0
        while True:
            await asyncio.gather(*(outbox.put("record", str(n + i), {"n": n + i}) for i in range(5)))
            for i in range(5):
                print(n + i, flush=True)
            n += 5

asyncio.run(main())
"""


@pytest.fixture
def killed(root: Path) -> Callable[[int], list[int]]:
    def run(after: int) -> list[int]:
        """The numbers that were put when the process was killed."""
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        with process.stdout as lines:
            seen = [int(next(lines)) for _ in range(after)]
            process.send_signal(signal.SIGKILL)
            seen += [int(line) for line in lines if line.endswith("\n")]
        process.wait()
        return seen

    return run


async def test_kill_nine_loses_nothing_that_was_put(root: Path, killed: Callable[[int], list[int]]) -> None:
    seen = killed(37)
    receiver = Receiver()
    outbox = Outbox(root)
    outbox.register("record", receiver)
    async with outbox:
        assert await outbox.drain(10) == 0
    delivered = [entry.payload["n"] for entry in receiver.entries]
    assert set(seen) <= set(delivered)
    assert len(delivered) == len(set(delivered))
