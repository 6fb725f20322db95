"""What SIGKILL costs while 50 calls are recorded and end all the time: records lost, recordings unplayable.

    python tests/benchmarks/kill_nine.py
    python tests/benchmarks/kill_nine.py --rounds 20 --calls 50

Each round starts a process in which that many calls go on; each lasts a moment, holds its record, closes its recording,
finishes the record, and another begins. At a random moment the process is killed. A second one delivers what the outbox
holds. Lost is a record that was held or put and did not arrive. Unplayable is a recording that cannot be opened, that
is not there a second after its call began, or that is more than `TAIL_S` shorter than its call had lasted.
Exit status 1 if there is any.
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import wave
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from active_call.audio import FRAME_SAMPLES, RATE_HZ
from active_call.guard.paths import PathPolicy
from active_call.media.recorder import Recorder, recording_path
from active_call.media.recording import RecordingThread
from active_call.store.delivery import RecordDelivery
from active_call.store.dump import DumpFile, dump_path
from active_call.store.outbox import Outbox
from active_call.store.records import CallRecord, Media, record_name
from active_call.store.sinks import LocalSink

TAIL_S = 3.5
"""What waits for a stalled caller (2 s), the header's second, and the thread's interval."""


def now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def say(*words: object) -> None:
    """One write: a line arrives whole or not at all."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


class CountingSink:
    """The local sink, as slow as a network, with a line per delivery."""

    def __init__(self, home: Path, *, slow: bool) -> None:
        self._sink = LocalSink(home / "cdr")
        self._log = os.open(home / "delivered", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._slow = slow

    async def deliver(self, record: Mapping[str, Any]) -> None:
        if self._slow:
            await asyncio.sleep(random.uniform(0, 0.5))
        await self._sink.deliver(record)
        os.write(self._log, f"{record['callId']}\n".encode())


# ---------------------------------------------------------------- the process that is killed


class Calls:
    def __init__(self, home: Path, records: RecordDelivery) -> None:
        self._paths = PathPolicy([home / "recorders"])
        self._records = records
        self._thread = RecordingThread()
        self._thread.start()
        self._pool = ThreadPoolExecutor(2)
        self._frame = np.full(FRAME_SAMPLES, 1000, np.int16)

    async def one_after_the_other(self, line: int) -> None:
        number = 0
        while True:
            await self._call(f"call-{line}-{number}")
            number += 1

    async def _call(self, call_id: str) -> None:
        path = recording_path("", call_id, self._paths)
        recorder = Recorder(path, self._thread, now_ms=now_ms, on_error=lambda text: say("error", text))
        dump = DumpFile(dump_path(call_id, self._paths.resolve), self._pool)
        began_ms = time.time_ns() // 1_000_000
        recorder.start()
        say("began", call_id, time.time())
        talks = random.random() < 0.7  # the others send no audio: their file advances by the clock alone
        for _ in range(int(random.expovariate(1 / 3) * 50)):
            await asyncio.sleep(0.02)
            if talks:
                recorder.left(self._frame)
            recorder.right(self._frame)
            dump.event(began_ms, '{"event":"custom"}')
        record = CallRecord(
            call_type="webSocket",
            call_id=call_id,
            option={},
            start_ms=began_ms,
            end_ms=time.time_ns() // 1_000_000,
            hangup_reason="byCaller",
            dump_event_file=dump.path,
        )
        held = await self._records.hold(record.as_json())
        say("ending", call_id, record_name(record.as_json()))
        recording = await recorder.close()
        await asyncio.wrap_future(dump.close())
        assert recording is not None
        say("ended", call_id, recording.duration_ms / 1000)
        media = Media(track_id=call_id, path=recording.path, size=recording.size)
        whole = replace(record, recorder=(media,)).as_json()
        await held.finish(whole)
        say("put", call_id, record_name(whole))


async def go_on(home: Path, calls: int) -> None:
    outbox = Outbox(home / "outbox")
    records = RecordDelivery(outbox, CountingSink(home, slow=True))
    async with outbox:
        running = Calls(home, records)
        await asyncio.gather(*(running.one_after_the_other(line) for line in range(calls)))


async def recover(home: Path) -> None:
    outbox = Outbox(home / "outbox")
    RecordDelivery(outbox, CountingSink(home, slow=False))
    async with outbox:
        say("left", await outbox.drain(60))


# ---------------------------------------------------------------- the judge


@dataclass
class Verdict:
    ending: int = 0
    put: int = 0
    lost: list[str] = field(default_factory=list)
    twice: int = 0
    recovered: int = 0
    recordings: int = 0
    live: int = 0
    unplayable: list[str] = field(default_factory=list)
    tails_s: list[float] = field(default_factory=list)


def run_round(calls: int, verdict: Verdict) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        command = [sys.executable, __file__, "--home", name, "--calls", str(calls)]
        process = subprocess.Popen([*command, "--part", "go-on"], stdout=subprocess.PIPE, text=True)
        time.sleep(random.uniform(1.5, 8))
        killed_at = time.time()
        process.send_signal(signal.SIGKILL)
        lines = [line.split() for line in process.communicate()[0].splitlines(keepends=True) if line.endswith("\n")]
        said = {
            word: {line[1]: line[2] for line in lines if line[0] == word}
            for word in ("began", "ending", "ended", "put")
        }
        verdict.ending += len(said["ending"])
        verdict.put += len(said["put"])
        before = delivered(home)
        subprocess.run([*command, "--part", "recover"], check=True, stdout=subprocess.DEVNULL)
        after = delivered(home)
        verdict.recovered += len(after) - len(before)
        verdict.twice += sum(count - 1 for count in after.values())
        verdict.lost += [name for name in said["ending"].values() if not (home / "cdr" / name).exists()]
        for call_id, began in said["began"].items():
            judge(home / "recorders" / f"{call_id}.wav", killed_at - float(began), said["ended"].get(call_id), verdict)


def delivered(home: Path) -> Counter[str]:
    log = home / "delivered"
    return Counter(log.read_text().split()) if log.exists() else Counter()


def judge(path: Path, age_s: float, ended: str | None, verdict: Verdict) -> None:
    if not path.exists() and age_s < 1:
        return
    verdict.recordings += 1
    try:
        with wave.open(str(path)) as file:
            shape = (file.getnchannels(), file.getframerate(), file.getsampwidth())
            duration_s = file.getnframes() / RATE_HZ
            whole = len(file.readframes(file.getnframes())) == file.getnframes() * 4
    except (OSError, EOFError, wave.Error) as error:
        verdict.unplayable.append(f"{path.name}: {type(error).__name__}: {error}")
        return
    missing_s = (age_s if ended is None else float(ended)) - duration_s
    if ended is None:
        verdict.live += 1
        verdict.tails_s.append(missing_s)
    if shape != (2, RATE_HZ, 2) or not whole or missing_s > (TAIL_S if ended is None else 0.001):
        verdict.unplayable.append(f"{path.name}: {shape}, {duration_s:.1f} s, {missing_s:.1f} s missing")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--part", choices=["go-on", "recover"], help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part == "go-on":
        asyncio.run(go_on(options.home, options.calls))
    if options.part == "recover":
        asyncio.run(recover(options.home))
        return 0
    verdict = Verdict()
    for _ in range(options.rounds):
        run_round(options.calls, verdict)
    tails = sorted(verdict.tails_s) or [0.0]
    print(f"rounds {options.rounds}, calls at once {options.calls}, calls ended or ending {verdict.ending}")
    print(f"records put {verdict.put}, delivered after the kill {verdict.recovered}, sent twice {verdict.twice}")
    print(f"records lost {len(verdict.lost)}")
    print(f"recordings {verdict.recordings}, of calls that were live {verdict.live}")
    print(f"recordings unplayable {len(verdict.unplayable)}")
    print(f"missing at the end of a live recording: median {tails[len(tails) // 2]:.2f} s, most {tails[-1]:.2f} s")
    for problem in (*verdict.lost, *verdict.unplayable):
        print("  ", problem)
    return 1 if verdict.lost or verdict.unplayable else 0


if __name__ == "__main__":
    sys.exit(main())
