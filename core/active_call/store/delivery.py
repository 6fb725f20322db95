"""From a finished call to its sink: the record goes into the outbox, and out of it."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from active_call.plugin.providers import Sink

from .outbox import Outbox
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
        files = [path for _, path in media_of(record)]
        await self._outbox.put(KIND, f"{record['callId']} {idempotency_key(record)}", record, files)

    async def _deliver(self, entry: Entry) -> None:
        await self._sink.deliver(entry.payload)
        if self._deletes:
            await asyncio.to_thread(_delete, entry.files)


def _delete(files: tuple[Path, ...]) -> None:
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            # The record has arrived: trying again would send it again.
            log.warning("recording %s was uploaded but cannot be deleted: %s", file.name, error.strerror)
