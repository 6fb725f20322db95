"""The thread in which all recordings of the process are written, five times a second."""

import threading
from pathlib import Path
from typing import Protocol

INTERVAL_S = 0.2


class Flushed(Protocol):
    """What the thread sees of a recorder."""

    path: Path

    @property
    def done(self) -> bool: ...

    def flush(self, *, last: bool = False) -> None: ...


class RecordingThread:
    """One per process. Without `start` nothing is written until `flush` is called: tests have no thread."""

    def __init__(self, interval_s: float = INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._recorders: list[Flushed] = []
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)
        self._thread.start()

    def join(self, recorder: Flushed) -> None:
        """Raises ValueError when another live call writes that file."""
        with self._lock:
            if any(other.path == recorder.path for other in self._recorders):
                raise ValueError(
                    f"recording {recorder.path.name} is being written by another call; "
                    "put {id} into `recorderFile` to give each call its own"
                )
            self._recorders.append(recorder)
        self.wake()

    def wake(self) -> None:
        self._news.set()

    def flush(self, *, last: bool = False) -> None:
        """One round over all recordings."""
        with self._lock:
            recorders = list(self._recorders)
        for recorder in recorders:
            recorder.flush(last=last)
        with self._lock:
            self._recorders = [recorder for recorder in self._recorders if not recorder.done]

    def close(self) -> None:
        """Complete every recording that is still open. Blocks."""
        self._stopping = True
        self.wake()
        if self._thread is not None:
            self._thread.join()
        self.flush(last=True)

    def _run(self) -> None:
        while not self._stopping:
            self._news.wait(self._interval_s)
            self._news.clear()
            self.flush()
