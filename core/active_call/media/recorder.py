"""Records a call while it lasts: a stereo WAV file, left the caller, right what the caller was sent.

The clock's part is `left` and `right`, a copy and an append each; a thread of the process does the rest (`recording`).
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from active_call.audio.frames import RATE_HZ, samples_to_ms
from active_call.audio.wav import WavWriter
from active_call.plugin.values import Samples

from .alignment import Side
from .recording import RecordingThread

log = logging.getLogger(__name__)

HOLD = 2 * RATE_HZ
"""After a stall of so long (an inbox keeps no more) the audio is placed right; so much may `kill -9` cost."""
OWN_HOLD = RATE_HZ * 3 // 10
"""Our own audio is late by no more than what the clock catches up."""
BLOCK = RATE_HZ
"""Samples per write at most: an hour of silence is written without being held in memory."""


class Paths(Protocol):
    """The path policy of recordings (`guard.paths.PathPolicy` over the recorder directory)."""

    def resolve(self, name: str) -> Path: ...


def recording_path(recorder_file: str, session_id: str, paths: Paths) -> Path:
    """Where `recorder.recorderFile` says. Empty: the session's id; `{id}` is replaced; `.wav` is appended.

    Raises `PathRefused` for what leaves the recorder directory.
    """
    name = recorder_file.replace("{id}", session_id) or session_id
    return paths.resolve(name if name.lower().endswith(".wav") else f"{name}.wav")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A finished file."""

    path: Path
    size: int
    """Bytes."""
    duration_ms: int
    dropped_ms: int = 0
    """Audio that a stuck disk or a peer faster than time has cost."""


class Recorder:
    """One call's recording. An error of the disk is reported once; the call goes on without a recording."""

    def __init__(
        self,
        path: Path,
        thread: RecordingThread,
        *,
        now_ms: Callable[[], int],
        on_error: Callable[[str], None],
    ) -> None:
        """`now_ms` is the media clock's; `on_error` is called in the event loop, with a text for the reader."""
        self.path = path
        self._thread = thread
        self._now_ms = now_ms
        self._on_error = on_error
        self._loop: asyncio.AbstractEventLoop | None = None
        self._began_ms = 0
        self._ended_ms: int | None = None
        self._on = False
        self._left = Side(hold=HOLD)
        self._right = Side(hold=OWN_HOLD)
        self._file: WavWriter | None = None
        self._written = 0
        self._done: Future[Recording | None] = Future()

    # ------------------------------------------------------------ in the event loop

    def start(self) -> None:
        """The recording begins now; the file is made within moments, in the thread.

        Raises ValueError when another call writes that file.
        """
        self._began_ms = self._now_ms()
        self._thread.join(self)
        self._loop = asyncio.get_running_loop()
        self._on = True

    def left(self, samples: Samples) -> None:
        """What the caller has just said: `int16[n]` at 16 kHz, any length, as it was drained from the inbox."""
        if self._on:
            now = self._sample(self._now_ms())
            self._left.add(now, now - len(samples), samples)

    def right(self, frame: Samples) -> None:
        """What is sent now: the mixer's frame, `int16[n]` at 16 kHz, before it is made fit for the leg."""
        if self._on:
            now = self._sample(self._now_ms())
            self._right.add(now, now, frame)

    async def close(self) -> Recording | None:
        """Complete the file. None when there is none: an error has been reported, or it was never started."""
        if self._loop is None:
            return None
        if self._ended_ms is None:
            self._on = False
            self._ended_ms = self._now_ms()
            self._thread.wake()
        return await asyncio.shield(asyncio.wrap_future(self._done))

    # ------------------------------------------------------------ in the recording thread

    @property
    def done(self) -> bool:
        return self._done.done()

    def flush(self, *, last: bool = False) -> None:
        """Write what is settled; with `last`, or once closed, everything."""
        if self.done:
            return
        try:
            self._flush(last=last or self._ended_ms is not None)
        except OSError as error:
            self._fail(f"{error.strerror or error}")
        except Exception as error:  # one recording's fault must not end the others'
            log.exception("recording %s", self.path.name)
            self._fail(f"{type(error).__name__}: {error}")

    def _flush(self, *, last: bool) -> None:
        if self._file is None:
            self._file = self._create()
        now = self._sample(self._now_ms() if self._ended_ms is None else self._ended_ms)
        for side in (self._left, self._right):
            side.settle(now, self._written, last=last)
        settled = now if last else min(now, self._left.settled(now), self._right.settled(now))
        while self._written < settled:
            block = np.zeros((min(BLOCK, settled - self._written), 2), np.int16)
            self._left.fill(block[:, 0], self._written)
            self._right.fill(block[:, 1], self._written)
            self._file.write(block)
            self._written += len(block)
        if last:
            self._on = False
            self._file.close()
            self._done.set_result(self._finished())

    def _create(self) -> WavWriter:
        """The file gets its name when it has a header: not even in its first moment can a crash leave an empty one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_name(f".{self.path.name}.new")
        file = WavWriter(new, rate_hz=RATE_HZ, channels=2)
        new.replace(self.path)
        return file

    def _finished(self) -> Recording:
        dropped = max(self._left.dropped, self._right.dropped)
        if dropped:
            log.warning("recording %s: %d ms did not fit in and are missing", self.path.name, samples_to_ms(dropped))
        return Recording(
            path=self.path,
            size=self.path.stat().st_size,
            duration_ms=samples_to_ms(self._written),
            dropped_ms=samples_to_ms(dropped),
        )

    def _fail(self, problem: str) -> None:
        self._on = False
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        # The directory is the operator's business; a client knows the name that it gave.
        text = f"the recording {self.path.name} has ended: {problem}; the call goes on without it"
        log.error("recording %s: %s", self.path, problem)
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody is left to be told
            self._loop.call_soon_threadsafe(self._on_error, text)
        self._done.set_result(None)

    def _sample(self, now_ms: int) -> int:
        return (now_ms - self._began_ms) * RATE_HZ // 1000
