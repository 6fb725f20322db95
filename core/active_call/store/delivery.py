"""From a finished call to its sink: the record goes into the outbox, and out of it."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from active_call.plugin.providers import Sink

from .outbox import Held, Outbox
from .records import idempotency_key, media_of
from .spool import Entry

log = logging.getLogger(__name__)

KIND = "record"
TIMEOUT_S = 600.0
"""An hour of stereo is 230 MB; over a slow line that takes minutes."""


class RecordDelivery:
    """Registers itself with the outbox. One per process, when call records are configured."""

    def __init__(self, outbox: Outbox, sink: Sink, *, with_media: bool = False, keep_media_copy: bool = True) -> None:
        """`keep_media_copy` False deletes a recording once the sink has confirmed it; without `with_media` the sink
        never got it, so it stays."""
        self._outbox = outbox
        self._sink = sink
        self._deletes = with_media and not keep_media_copy
        outbox.register(KIND, self._deliver, timeout_s=TIMEOUT_S)

    async def put(self, record: Mapping[str, Any]) -> None:
        """Durable when it returns; the recordings and the dump file must be complete. Raises like `Outbox.put`."""
        await self._outbox.put(KIND, _key(record), record, _recordings(record))

    async def hold(self, record: Mapping[str, Any]) -> "HeldRecord":
        """What is known before the end. If the process dies before `finish`, the next one delivers this."""
        return HeldRecord(await self._outbox.hold(KIND, _key(record), record, _recordings(record)))

    async def _deliver(self, entry: Entry) -> None:
        await self._sink.deliver(entry.payload)
        if self._deletes:
            await asyncio.to_thread(_delete, entry.files)


class HeldRecord:
    """The record of a call that has begun, or is ending."""

    def __init__(self, held: Held) -> None:
        self._held = held

    async def finish(self, record: Mapping[str, Any]) -> None:
        """The whole record, of the same call; from now on it is delivered. Raises like `Outbox.put`."""
        await self._held.release(record, _recordings(record))


def _key(record: Mapping[str, Any]) -> str:
    return f"{record['callId']} {idempotency_key(record)}"


def _recordings(record: Mapping[str, Any]) -> list[Path]:
    return [path for _, path in media_of(record)]


def _delete(files: tuple[Path, ...]) -> None:
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            # The record has arrived: trying again would send it again.
            log.warning("recording %s was uploaded but cannot be deleted: %s", file.name, error.strerror)
