"""What calls leave behind, as the settings say: recordings and dump files in one directory, records in a sink."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic import SecretStr

from active_call.call.keeping import Archive
from active_call.config.settings import Settings
from active_call.guard.paths import PathPolicy
from active_call.media.recording import RecordingThread
from active_call.plugin.registry import Kind
from active_call.protocol.options import RecorderOption
from active_call.providers.pool import ProviderPool
from active_call.store.delivery import RecordDelivery
from active_call.store.outbox import Outbox

DRAIN_S = 5.0
"""How long records may take to arrive at shutdown; what is left goes out after the next start."""


@contextlib.asynccontextmanager
async def archive(settings: Settings, pool: ProviderPool) -> AsyncIterator[Archive]:
    """Leave it after the last call has ended. Raises `ProviderError` when the sink cannot be opened."""
    recordings = PathPolicy([settings.recording.path], settings.paths.allow)
    thread = RecordingThread()
    thread.start()
    writers = ThreadPoolExecutor(2, thread_name_prefix="dump")
    try:
        async with contextlib.AsyncExitStack() as stack:
            records = None
            if settings.callrecord is not None:
                outbox = Outbox(settings.outbox_path)
                records = await _records(settings, pool, outbox)
                await stack.enter_async_context(outbox)
                stack.push_async_callback(outbox.drain, DRAIN_S)
            yield Archive(
                recordings=recordings, thread=thread, pool=writers, records=records, auto_record=_always(settings)
            )
    finally:
        await asyncio.to_thread(thread.close)
        writers.shutdown()


def _always(settings: Settings) -> RecorderOption | None:
    recording = settings.recording
    if not (recording.enabled and recording.auto_start):
        return None
    return RecorderOption(recorder_file=recording.filename_pattern or "")


async def _records(settings: Settings, pool: ProviderPool, outbox: Outbox) -> RecordDelivery:
    chosen = settings.callrecord
    assert chosen is not None
    told = {name: _plain(getattr(chosen, name)) for name in type(chosen).model_fields if name != "type"}
    sink = await pool.open(Kind.SINK, chosen.type, told)
    return RecordDelivery(
        outbox,
        sink,
        with_media=told.get("with_media", False),
        keep_media_copy=told.get("keep_media_copy", True),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
