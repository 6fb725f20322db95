"""What a call leaves behind: its recording, its dump file, its record. All of it outlives the call, none delays it."""

import asyncio
import json
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from active_call.guard.paths import PathPolicy
from active_call.media.channel import Channel
from active_call.media.recorder import Recorder, recording_path
from active_call.media.recording import RecordingThread
from active_call.protocol.commands import Command
from active_call.protocol.events import Event, to_json
from active_call.protocol.options import CallOption, RecorderOption, dump, secret_values
from active_call.store.delivery import HeldRecord, RecordDelivery
from active_call.store.dump import DumpFile, dump_path
from active_call.store.records import Media

from .facts import CallFacts

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Archive:
    """Where the process keeps what its calls leave."""

    recordings: PathPolicy
    """The directory of recordings and dump files."""
    thread: RecordingThread
    pool: Executor
    """Writes dump files."""
    records: RecordDelivery | None = None
    """None: no call records are configured."""
    auto_record: RecorderOption | None = None
    """How calls that do not ask for it are recorded; None: they are not."""


class Keeping:
    """One call's; without an archive it keeps nothing. `on_error` is called in the event loop."""

    def __init__(
        self, facts: CallFacts, archive: Archive | None, *, dumps: bool, on_error: Callable[[str, str], None]
    ) -> None:
        self._facts = facts
        self._archive = archive
        self._on_error = on_error
        self._recorder: Recorder | None = None
        self._channel: Channel | None = None
        self._secrets: set[str] = set()
        self._held: HeldRecord | None = None
        self._dump = self._open_dump(archive) if archive is not None and dumps else None

    def _open_dump(self, archive: Archive) -> DumpFile:
        loop = asyncio.get_running_loop()

        def failed(problem: str) -> None:
            loop.call_soon_threadsafe(self._on_error, "dump", problem)

        return DumpFile(dump_path(self._facts.id, archive.recordings.resolve), archive.pool, on_error=failed)

    # ------------------------------------------------------------ while it lives

    def event(self, event: Event) -> None:
        if self._dump is not None:
            self._dump.event(getattr(event, "timestamp", 0), to_json(event))

    def command(self, command: Command, now_ms: int) -> None:
        if self._dump is not None:
            self._dump.command(now_ms, json.dumps(dump(command), ensure_ascii=False))

    def hide(self, option: CallOption) -> None:
        """Secrets of the call that must stand in no file."""
        self._secrets.update(secret_values(option))
        if self._dump is not None:
            self._dump.hide(self._secrets)

    def record(self, option: RecorderOption | None, channel: Channel) -> None:
        """Begin to record, when the call or the process asks for it: left what the party says, right what it hears.

        Raises ValueError (with `PathRefused`) when the file may not be written.
        """
        archive = self._archive
        if archive is None or self._recorder is not None:
            return
        option = option or archive.auto_record
        if option is None:
            return
        path = recording_path(option.recorder_file, self._facts.id, archive.recordings)
        recorder = Recorder(
            path,
            archive.thread,
            now_ms=channel.clock.now_ms,
            on_error=lambda problem: self._on_error("recorder", problem),
        )
        recorder.start()
        self._recorder, self._channel = recorder, channel
        channel.intake.feed(channel.intake.written, 320, recorder.left)
        channel.mixer.listen(recorder.right)

    # ------------------------------------------------------------ when it ends

    async def hold(self, now_ms: int) -> None:
        """The record is durable from now on, whatever becomes of the process."""
        records = self._archive.records if self._archive is not None else None
        if records is None:
            return
        try:
            record = self._facts.record(now_ms, (), self._dump.path if self._dump else None)
            self._held = await records.hold(record.as_json(self._secrets))
        except Exception as error:  # a full disk must not keep the call alive
            log.exception("%s: its record could not be stored", self._facts.id)
            self._on_error("callrecord", f"{type(error).__name__}: {error}")

    async def finish(self, now_ms: int) -> None:
        """Complete the files; then the record may go."""
        media: tuple[Media, ...] = ()
        try:
            if self._recorder is not None:
                recording = await self._recorder.close()
                if recording is not None:
                    media = (Media(track_id=self._facts.id, path=recording.path, size=recording.size),)
            if self._dump is not None:
                await asyncio.wrap_future(self._dump.close())
        except Exception:
            log.exception("%s: its recording or dump file is not complete", self._facts.id)
        finally:
            if self._held is not None:
                record = self._facts.record(now_ms, media, self._dump.path if self._dump else None)
                await self._held.finish(record.as_json(self._secrets))
