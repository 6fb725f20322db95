"""Dump files: every event and command of a call, one JSON object per line, in the order of the call's log.

Lines are written by a thread pool that is given in, so that a slow disk holds up no call. Audio never enters.
"""

import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import TextIO

from .hiding import hide_in_text

log = logging.getLogger(__name__)

LIMIT = 100_000
"""Lines that may wait for a stuck disk."""


def dump_path(session_id: str, resolve: Callable[[str], Path]) -> Path:
    """`<recorder dir>/<session>.events.jsonl`; `resolve` is that directory's path policy. Raises `PathRefused`."""
    return resolve(f"{session_id}.events.jsonl")


class DumpFile:
    """Appends to `path`. An error of the disk is reported once, by `on_error` in the pool's thread, and ends it."""

    def __init__(self, path: Path, pool: Executor, *, on_error: Callable[[str], None] | None = None) -> None:
        self.path = path
        self._pool = pool
        self._on_error = on_error
        self._secrets: tuple[str, ...] = ()
        self._lines: deque[tuple[str, int, str]] = deque()
        self._lock = threading.Lock()
        self._writing: Future[None] | None = None
        self._file: TextIO | None = None
        self._closing = False
        self._failed = False

    def hide(self, secrets: Iterable[str]) -> None:
        """Values that are `***` in every line from now on."""
        self._secrets = (*self._secrets, *secrets)

    def event(self, timestamp_ms: int, content: str) -> None:
        """`content` is the event's JSON as clients get it."""
        self._append("event", timestamp_ms, content)

    def command(self, timestamp_ms: int, content: str) -> None:
        """`content` is the command's JSON, dumped without its secrets."""
        self._append("command", timestamp_ms, content)

    def close(self) -> "Future[None]":
        """Done when every line is in the file and the file is closed; nothing is appended after this."""
        with self._lock:
            self._closing = True
            return self._write_soon()

    def _append(self, kind: str, timestamp_ms: int, content: str) -> None:
        with self._lock:
            if self._closing or self._failed:
                return
            if len(self._lines) >= LIMIT:
                self._fail(f"the disk is {LIMIT} lines behind")
                return
            self._lines.append((kind, timestamp_ms, content))
            self._write_soon()

    def _write_soon(self) -> "Future[None]":
        """At most one job of this file is in the pool, so lines keep their order."""
        if self._writing is None:
            self._writing = self._pool.submit(self._write)
        return self._writing

    def _write(self) -> None:
        while True:
            with self._lock:
                lines, self._lines = self._lines, deque()
                if not lines:
                    if self._closing:
                        self._shut()
                    else:
                        self._writing = None
                    return
            try:
                self._put("".join(map(self._line, lines)))
            except OSError as error:
                with self._lock:
                    self._fail(error.strerror or str(error))
                    self._shut()
                return

    def _put(self, text: str) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a", encoding="utf-8")
        self._file.write(text)
        self._file.flush()

    def _line(self, entry: tuple[str, int, str]) -> str:
        kind, timestamp_ms, content = entry
        hidden = hide_in_text(content, self._secrets)
        return json.dumps({"type": kind, "timestamp": timestamp_ms, "content": hidden}, ensure_ascii=False) + "\n"

    def _fail(self, problem: str) -> None:
        self._failed = True
        self._lines.clear()
        text = f"the dump file {self.path.name} has ended: {problem}; the call goes on without it"
        log.error("dump file %s: %s", self.path, problem)
        if self._on_error is not None:
            self._on_error(text)

    def _shut(self) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                log.error("dump file %s: %s", self.path, error.strerror)
            self._file = None
