"""Recordings: wall-clock aligned, written while the call lasts, and never in the call's way."""

import asyncio
import errno
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from active_call.audio import RATE_HZ
from active_call.audio.wav import WavWriter, read_wav
from active_call.guard.paths import PathPolicy, PathRefused
from active_call.media import recorder as recorder_module
from active_call.media.alignment import LIMIT, TOLERANCE, Side
from active_call.media.recorder import Recorder, Recording, recording_path
from active_call.media.recording import RecordingThread
from active_call.plugin.values import Samples

FRAME = 320
MS = RATE_HZ // 1000


def tone(value: int, samples: int = FRAME) -> Samples:
    return np.full(samples, value, np.int16)


class Room:
    """A recorder whose time and whose writing thread are the test's."""

    def __init__(self, path: Path) -> None:
        self.now_ms = 5_000_000
        self.errors: list[str] = []
        self.thread = RecordingThread()
        self.recorder = Recorder(path, self.thread, now_ms=lambda: self.now_ms, on_error=self.errors.append)
        self.recorder.start()

    def wait(self, ms: int) -> None:
        """Time passes, and the thread writes every 200 ms."""
        for _ in range(ms // 20):
            self.now_ms += 20
            if self.now_ms % 200 == 0:
                self.thread.flush()

    def say(self, value: int, ms: int) -> None:
        """The caller speaks in real time."""
        for _ in range(ms // 20):
            self.wait(20)
            self.recorder.left(tone(value))

    async def close(self) -> Recording | None:
        closing = asyncio.ensure_future(self.recorder.close())
        await asyncio.sleep(0)
        self.thread.flush()
        return await closing


@pytest.fixture
def room(tmp_path: Path) -> Callable[[], Awaitable[Room]]:
    async def make() -> Room:
        return Room(tmp_path / "call.wav")

    return make


async def finished(room: Room) -> tuple[Samples, Samples]:
    recording = await room.close()
    assert recording is not None
    assert room.errors == []
    samples, rate = read_wav(recording.path)
    assert rate == RATE_HZ
    assert recording.duration_ms == len(samples) * 1000 // RATE_HZ
    assert recording.size == 44 + samples.size * 2
    return samples[:, 0], samples[:, 1]


async def test_d128_the_caller_is_left_and_the_bot_is_right(room: Callable[[], Awaitable[Room]]) -> None:
    r = await room()
    for _ in range(50):
        r.recorder.right(tone(-7))
        r.wait(20)
        r.recorder.left(tone(9))
    left, right = await finished(r)
    assert len(left) == RATE_HZ
    assert (left == 9).all()
    assert (right == -7).all()


async def test_d129_gaps_are_zeros_and_the_duration_is_wall_time(room: Callable[[], Awaitable[Room]]) -> None:
    r = await room()
    r.say(1, 1000)
    r.wait(3000)
    r.say(2, 1000)
    r.wait(400)
    left, right = await finished(r)
    assert len(left) == 5400 * MS
    assert (left[: 1000 * MS] == 1).all()
    assert (left[1000 * MS : 4000 * MS] == 0).all()
    assert (left[4000 * MS : 5000 * MS] == 2).all()
    assert (left[5000 * MS :] == 0).all()
    assert not right.any()


async def test_a_call_in_which_nobody_speaks_has_its_length_too(room: Callable[[], Awaitable[Room]]) -> None:
    r = await room()
    r.wait(5000)
    left, _ = await finished(r)
    assert len(left) == 5000 * MS


@pytest.mark.parametrize("stall_ms", [300, 1000, 1800])
@pytest.mark.parametrize("pieces", [1, 10])
async def test_a_burst_after_a_stall_is_placed_where_it_was_spoken(
    room: Callable[[], Awaitable[Room]], stall_ms: int, pieces: int
) -> None:
    r = await room()
    r.say(1, 1000)
    r.wait(stall_ms)
    for _ in range(pieces):
        r.recorder.left(tone(2, stall_ms * MS // pieces))
    r.say(3, 1000)
    left, _ = await finished(r)
    assert (left[: 1000 * MS] == 1).all()
    assert (left[1000 * MS : (1000 + stall_ms) * MS] == 2).all()
    assert (left[(1000 + stall_ms) * MS :] == 3).all()


async def test_jitter_of_the_network_makes_no_holes(room: Callable[[], Awaitable[Room]]) -> None:
    r = await room()
    r.say(1, 200)
    for late_ms in (20, 80, 40, 60, 20) * 10:
        r.wait(late_ms)
        for _ in range(late_ms // 20):
            r.recorder.left(tone(1))
    left, _ = await finished(r)
    assert (left == 1).all()


async def test_playback_after_a_pause_starts_where_it_was_sent(room: Callable[[], Awaitable[Room]]) -> None:
    r = await room()
    r.wait(2000)
    for _ in range(10):
        r.recorder.right(tone(4))
        r.wait(20)
    _, right = await finished(r)
    assert not right[: 2000 * MS].any()
    assert (right[2000 * MS :] == 4).all()


async def test_frames_of_a_clock_that_catches_up_follow_each_other(room: Callable[[], Awaitable[Room]]) -> None:
    r = await room()
    for _ in range(10):
        r.wait(60)
        for _ in range(3):
            r.recorder.right(tone(4))
    r.wait(60)
    _, right = await finished(r)
    assert (right[60 * MS : 600 * MS] == 4).all()


async def test_what_is_written_is_never_held(room: Callable[[], Awaitable[Room]]) -> None:
    r = await room()
    r.say(1, 3000)
    samples, _ = read_wav(r.recorder.path)
    assert len(samples) >= 2000 * MS, "a crash now would cost more than a second"
    await finished(r)


async def test_the_file_is_a_wav_file_from_its_first_moment(
    room: Callable[[], Awaitable[Room]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Watched(WavWriter):
        def _write_header(self) -> None:
            assert not r.recorder.path.exists() or r.recorder.path.stat().st_size >= 44
            super()._write_header()

    monkeypatch.setattr(recorder_module, "WavWriter", Watched)
    r = await room()
    r.thread.flush()
    with wave.open(str(r.recorder.path)) as file:
        assert file.getnframes() == 0
    assert [path.name for path in r.recorder.path.parent.iterdir()] == ["call.wav"]
    await finished(r)


async def test_a_caller_who_stops_sending_does_not_stop_the_file(room: Callable[[], Awaitable[Room]]) -> None:
    r = await room()
    r.say(1, 200)
    r.wait(10_000)
    samples, _ = read_wav(r.recorder.path)
    assert len(samples) >= 7000 * MS
    await finished(r)


async def test_a_peer_faster_than_time_costs_its_surplus_and_no_memory(room: Callable[[], Awaitable[Room]]) -> None:
    r = await room()
    for _ in range(100):
        r.recorder.left(tone(1, RATE_HZ))
        r.thread.flush()
    r.wait(2000)
    recording = await r.close()
    assert recording is not None
    assert recording.duration_ms == 2000
    assert recording.dropped_ms >= 80_000


async def test_the_samples_are_copied(room: Callable[[], Awaitable[Room]]) -> None:
    r = await room()
    buffer = tone(5)
    for _ in range(10):
        r.wait(20)
        r.recorder.left(buffer)
    buffer[:] = 0
    left, _ = await finished(r)
    assert (left == 5).all()


async def test_before_start_and_after_the_end_nothing_is_taken(room: Callable[[], Awaitable[Room]]) -> None:
    r = await room()
    r.say(1, 200)
    first = await r.close()
    r.say(2, 200)
    assert await r.recorder.close() == first
    idle = Recorder(Path("/nowhere"), r.thread, now_ms=lambda: 0, on_error=r.errors.append)
    idle.left(tone(1))
    assert await idle.close() is None


# ---------------------------------------------------------------- when the disk refuses


async def test_a_full_disk_is_one_error_and_the_call_goes_on(
    room: Callable[[], Awaitable[Room]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(WavWriter):
        def write(self, samples: Any) -> None:
            if self.duration_ms >= 1000:
                raise OSError(errno.ENOSPC, "No space left on device")
            super().write(samples)

    monkeypatch.setattr(recorder_module, "WavWriter", Full)
    r = await room()
    r.say(1, 5000)
    assert await r.recorder.close() is None
    await asyncio.sleep(0)
    assert r.errors == ["the recording call.wav has ended: No space left on device; the call goes on without it"]
    with wave.open(str(r.recorder.path)) as file:
        assert file.getnframes() >= RATE_HZ


async def test_a_directory_that_cannot_be_made_is_one_error_that_names_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    r = Room(tmp_path / "file" / "call.wav")
    r.wait(400)
    assert await r.recorder.close() is None
    await asyncio.sleep(0)
    assert len(r.errors) == 1
    assert str(tmp_path) not in r.errors[0]


async def test_one_broken_recording_does_not_end_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    r = Room(tmp_path / "a.wav")
    other_errors: list[str] = []
    other = Recorder(tmp_path / "b.wav", r.thread, now_ms=lambda: r.now_ms, on_error=other_errors.append)
    other.start()

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(other._left, "settle", broken)
    r.say(1, 1000)
    assert await other.close() is None
    await asyncio.sleep(0)
    assert len(other_errors) == 1
    left, _ = await finished(r)
    assert (left == 1).all()


async def test_two_calls_cannot_write_one_file(tmp_path: Path) -> None:
    r = Room(tmp_path / "same.wav")
    second = Recorder(tmp_path / "same.wav", r.thread, now_ms=lambda: 0, on_error=r.errors.append)
    with pytest.raises(ValueError, match=r"\{id\}"):
        second.start()
    await r.close()
    second.start()


# ---------------------------------------------------------------- the thread


async def test_the_thread_writes_on_its_own_and_completes_everything_when_closed(tmp_path: Path) -> None:
    thread = RecordingThread(interval_s=0.005)
    thread.start()
    now_ms = 0
    recorders = [
        Recorder(tmp_path / f"{n}.wav", thread, now_ms=lambda: now_ms, on_error=lambda _: None) for n in range(3)
    ]
    for recorder in recorders:
        recorder.start()
    now_ms = 20
    for recorder in recorders:
        recorder.left(tone(3))
    assert (await recorders[0].close()).duration_ms == 20  # type: ignore[union-attr]
    await asyncio.to_thread(thread.close)
    for recorder in recorders:
        samples, _ = read_wav(recorder.path)
        assert (samples[:, 0] == 3).all()
        assert len(samples) == FRAME


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("given", "file"),
    [
        ("", "s.1.wav"),
        ("sub-{id}-x", "sub-s.1-x.wav"),
        ("a/{id}.wav", "a/s.1.wav"),
        ("talk.WAV", "talk.WAV"),
        ("talk.mp3", "talk.mp3.wav"),
    ],
)
def test_d131_the_id_is_put_in_and_wav_appended(tmp_path: Path, given: str, file: str) -> None:
    assert recording_path(given, "s.1", PathPolicy([tmp_path])) == tmp_path.resolve() / file


@pytest.mark.parametrize("given", ["../x", "/etc/x", "a/../../x", "\0"])
def test_a_name_cannot_leave_the_recorder_directory(tmp_path: Path, given: str) -> None:
    with pytest.raises(PathRefused):
        recording_path(given, "s.1", PathPolicy([tmp_path]))


# ---------------------------------------------------------------- placing


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 150), st.integers(1, 40)), min_size=1, max_size=40),
    st.integers(1, 5),
)
def test_every_sample_has_one_place_in_order_and_nothing_lies_before_what_is_written(
    steps: list[tuple[int, int]], every: int
) -> None:
    """Whatever the arrival, audio is neither lost, doubled nor reordered, and is off by the tolerance at most."""
    side = Side(hold=2 * RATE_HZ)
    out = np.zeros(0, np.int16)
    now = value = 0
    for number, (wait_20ms, chunk_20ms) in enumerate(steps):
        now += wait_20ms * FRAME
        count = chunk_20ms * 4
        side.add(now, now - count, np.arange(value + 1, value + count + 1, dtype=np.int16))
        value += count
        if number % every == 0:
            side.settle(now, len(out))
            until = min(now, side.settled(now))
            block = np.zeros(max(0, until - len(out)), np.int16)
            side.fill(block, len(out))
            out = np.concatenate([out, block])
    side.settle(now, len(out), last=True)
    block = np.zeros(max(0, side.end - len(out)), np.int16)
    side.fill(block, len(out))
    out = np.concatenate([out, block])
    assert out[out != 0].tolist() == list(range(1, value + 1))
    assert side.dropped == 0
    assert side.end <= now + value + TOLERANCE


def test_a_stuck_writer_costs_ten_seconds_of_memory_at_most() -> None:
    side = Side(hold=0)
    for n in range(1000):
        side.add(n * FRAME, n * FRAME, tone(1))
    assert sum(len(samples) for _, _, samples in side._inbox) <= LIMIT + FRAME
    assert side.dropped > 0
