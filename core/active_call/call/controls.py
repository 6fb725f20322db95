"""Commands that change what sounds (`pause`, `resume`, `mute`, `unmute`), and the timers that silence lets run out."""

import asyncio
from collections.abc import Callable

from active_call.engine.pipeline import Pipeline
from active_call.media.playback import Pause
from active_call.protocol import events as ev


class Controls:
    """One call's; made when its engine is there. Methods raise ValueError with the reason."""

    def __init__(self, pipeline: Pipeline, *, caller_track: str, server_track: str) -> None:
        self._pipeline = pipeline
        self._caller = caller_track
        self._server = server_track

    def pause(self) -> None:
        self._need_track()
        self._pipeline.channel.playback.pause(Pause.COMMAND)

    def resume(self) -> None:
        self._need_track()
        self._pipeline.channel.playback.resume(Pause.COMMAND)

    def _need_track(self) -> None:
        if not self._pipeline.speaker.speaking:
            raise ValueError(f"track not found: {self._server}")

    def mute(self, track: str | None, on: bool) -> None:
        """None: both sides, and what is said later too."""
        if track not in (None, self._caller, self._server):
            raise ValueError(f"track not found: {track} (this call has {self._caller} and {self._server})")
        if track in (None, self._caller):
            self._pipeline.channel.muted = on
        if track in (None, self._server):
            self._pipeline.channel.mixer.muted = on


class WaitInput:
    """`waitInputTimeout`: after a playback, how long the party may stay silent before a `silence` event says so."""

    def __init__(self, server_track: str, *, now_ms: Callable[[], int], emit: Callable[[ev.Event], None]) -> None:
        """`now_ms` is epoch time."""
        self._track = server_track
        self._now_ms = now_ms
        self._emit = emit
        self._armed: tuple[str | None, int] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def arm(self, play_id: str | None, timeout_ms: int | None) -> None:
        """The last command's word counts; None and 0 mean not to wait."""
        self.cancel()
        self._armed = (play_id, timeout_ms) if timeout_ms else None

    def observe(self, event: ev.Event) -> None:
        """Every event of the call passes here."""
        match event:
            case ev.TrackEnd(track_id=track, play_id=play_id) if track == self._track:
                if self._armed is not None and self._armed[0] in (None, play_id):
                    self._start(self._armed[1])
            case ev.TrackStart() | ev.Speaking() | ev.AsrDelta() | ev.AsrFinal() | ev.Dtmf():
                self.cancel()

    def _start(self, timeout_ms: int) -> None:
        self.cancel()
        self._armed = None
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(timeout_ms / 1000, self._expired, self._now_ms(), timeout_ms)

    def _expired(self, began_ms: int, timeout_ms: int) -> None:
        self._timer = None
        self._emit(
            ev.Silence(
                track_id=self._track,
                timestamp=self._now_ms(),
                start_time=began_ms,
                duration=timeout_ms,
                refer=False,
            )
        )

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


async def watch_inactivity(seconds: int, heard_ms: Callable[[], int | None], now_ms: Callable[[], int]) -> None:
    """Returns when nothing at all was received for `seconds`. Both times are the media clock's."""
    began = now_ms()
    while True:
        last = heard_ms()
        left = seconds * 1000 - (now_ms() - (began if last is None else max(began, last)))
        if left <= 0:
            return
        await asyncio.sleep(max(0.05, left / 1000))
