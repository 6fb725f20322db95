"""The outbox: durable before it is sent, tried until it is taken, parked when it never is."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from active_call.plugin.errors import ProviderError
from active_call.store.backoff import Backoff
from active_call.store.outbox import Outbox
from active_call.store.spool import Entry, Spool, entry_name

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


# ---------------------------------------------------------------- held entries


async def test_a_held_entry_is_durable_and_delivered_only_when_released(root: Path) -> None:
    receiver = Receiver()
    outbox = Outbox(root)
    outbox.register("record", receiver)
    async with outbox:
        held = await outbox.hold("record", "c1", {"whole": False})
        assert pending(root) == 1
        await outbox._scan()
        await outbox.drain(5)
        assert receiver.entries == []
        await held.release({"whole": True})
        assert await outbox.drain(5) == 0
    assert [entry.payload for entry in receiver.entries] == [{"whole": True}]
    assert [files(root, folder) for folder in ("pending", "failed", "new")] == [[], [], []]


async def test_what_a_dead_process_held_is_delivered_as_it_was(root: Path) -> None:
    claim = Spool(root).hold("record", "c1", {"whole": False})
    assert claim is not None
    claim.close()  # what the kernel does
    receiver = Receiver()
    outbox = Outbox(root)
    outbox.register("record", receiver)
    async with outbox:
        await outbox.drain(5)
    assert [entry.payload for entry in receiver.entries] == [{"whole": False}]


async def test_holding_the_same_thing_twice_blocks_nobody(root: Path) -> None:
    receiver = Receiver()
    outbox = Outbox(root)
    outbox.register("record", receiver)
    async with outbox:
        first = await outbox.hold("record", "c1", {"n": 1})
        second = await outbox.hold("record", "c1", {"n": 2})
        await first.release({"n": 3})
        await outbox.drain(5)
        await second.release({"n": 4})
        await outbox.drain(5)
    assert [entry.payload["n"] for entry in receiver.entries] == [3, 4]


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
