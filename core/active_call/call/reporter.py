"""Makes wire events of what the engine reports, and puts them into the call's log."""

import time
import zlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from active_call.engine.reports import Task
from active_call.playbook.acts import Act
from active_call.protocol import events
from active_call.turns.heard import Heard

SERVER_SIDE_TRACK = "server-side-track"


class Times:
    """Epoch milliseconds of the process's monotonic milliseconds."""

    def __init__(self) -> None:
        self._offset = time.time_ns() // 1_000_000 - time.monotonic_ns() // 1_000_000

    def now(self) -> int:
        return time.monotonic_ns() // 1_000_000 + self._offset

    def epoch(self, monotonic_ms: int) -> int:
        return monotonic_ms + self._offset


class Reporter:
    """Implements `engine.Reports` for one call."""

    def __init__(
        self,
        session_id: str,
        times: Times,
        emit: Callable[[events.Event], None],
        *,
        server_track: str,
        spawn: Callable[[str, Coroutine[Any, Any, None]], Task],
        on_act: Callable[[Act], None],
        on_auto_hangup: Callable[[], None],
    ) -> None:
        self.session_id = session_id
        self.server_track = server_track
        self.spawn = spawn
        self._times = times
        self._emit = emit
        self._on_act = on_act
        self._on_auto_hangup = on_auto_hangup

    def speaking(self, start_ms: int) -> None:
        self._emit(
            events.Speaking(
                track_id=self.session_id, timestamp=self._times.now(), start_time=self._times.epoch(start_ms)
            )
        )

    def silence(self, start_ms: int, duration_ms: int) -> None:
        self._emit(
            events.Silence(
                track_id=self.session_id,
                timestamp=self._times.now(),
                start_time=self._times.epoch(start_ms),
                duration=duration_ms,
            )
        )

    def partial(self, index: int, text: str, start_ms: int, end_ms: int) -> None:
        self._emit(events.AsrDelta(**self._transcript(index, text, start_ms, end_ms)))

    def final(self, index: int, text: str, start_ms: int, end_ms: int, confidence: float | None) -> None:
        self._emit(events.AsrFinal(**self._transcript(index, text, start_ms, end_ms), confidence=confidence))

    def _transcript(self, index: int, text: str, start_ms: int, end_ms: int) -> dict[str, Any]:
        return {
            "track_id": self.session_id,
            "timestamp": self._times.now(),
            "index": index,
            "text": text,
            "start_time": self._times.epoch(start_ms),
            "end_time": self._times.epoch(end_ms),
        }

    def track_started(self, play_id: str | None) -> None:
        self._emit(events.TrackStart(track_id=self.server_track, timestamp=self._times.now(), play_id=play_id))

    def track_ended(self, play_id: str | None, heard: Heard, *, auto_hangup: bool) -> None:
        self._emit(
            events.TrackEnd(
                track_id=self.server_track,
                timestamp=self._times.now(),
                duration=heard.heard_ms,
                ssrc=zlib.crc32(heard.utterance_id.encode()),
                play_id=play_id,
            )
        )
        if auto_hangup:
            self._on_auto_hangup()

    def interrupted(self, play_id: str | None, heard: Heard) -> None:
        self._emit(
            events.Interruption(
                track_id=self.server_track,
                timestamp=self._times.now(),
                play_id=play_id,
                subtitle=heard.text or None,
                position=heard.position,
                total_duration=heard.total_ms,
                current=heard.heard_ms,
            )
        )

    def history(self, speaker: str, text: str, sender: str) -> None:
        self._emit(events.AddHistory(timestamp=self._times.now(), sender=sender, speaker=speaker, text=text))

    def metrics(self, key: str, duration_ms: int, data: Mapping[str, Any]) -> None:
        self._emit(events.Metrics(timestamp=self._times.now(), key=key, duration=duration_ms, data=dict(data)))

    def error(self, sender: str, problem: str, code: int | None = None) -> None:
        self._emit(
            events.Error(track_id=self.session_id, timestamp=self._times.now(), sender=sender, error=problem, code=code)
        )

    def act(self, act: Act) -> None:
        self._on_act(act)
