"""Puts each call record, and with media its recordings and dump file, into an object store."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore
from obstore import exceptions

from active_call.plugin import ErrorKind, ProviderError
from active_call.plugin.host import Host
from active_call.store.records import (
    events_name,
    events_of,
    media_name,
    media_of,
    record_name,
    there,
    to_text,
)

from .settings import StorageSettings
from .vendors import make_store

if TYPE_CHECKING:
    from obstore.store import ObjectStore

KINDS: tuple[tuple[type[Exception], ErrorKind], ...] = (
    (exceptions.PermissionDeniedError, ErrorKind.AUTH),
    (exceptions.UnauthenticatedError, ErrorKind.AUTH),
    (exceptions.NotFoundError, ErrorKind.BAD_REQUEST),
)
SHOWN = 300
"""Characters of a store's own words; some answer with a page."""


class StorageSink:
    """The record comes last: when it is there, so is everything that it names. Every put can be repeated."""

    def __init__(self, store: "ObjectStore", *, root: str = "", with_media: bool = False) -> None:
        self._store = store
        self._root = root
        self._with_media = with_media

    async def deliver(self, record: Mapping[str, Any]) -> None:
        """Raises `ProviderError`."""
        if self._with_media:
            for track, file in media_of(record):
                if there(file):
                    await self._put(media_name(record, track, file), file, "audio/wav")
            events = events_of(record)
            if events is not None and there(events):
                await self._put(events_name(record), events, "application/jsonl")
        await self._put(record_name(record), to_text(record).encode(), "application/json")

    async def _put(self, name: str, content: Path | bytes, kind: str) -> None:
        key = f"{self._root}/{name}" if self._root else name
        try:
            await obstore.put_async(self._store, key, content, attributes={"Content-Type": kind})
        except (exceptions.BaseError, OSError) as error:
            what = next((kind for known, kind in KINDS if isinstance(error, known)), ErrorKind.UNREACHABLE)
            raise ProviderError(what, f"{name} was not stored: {_words(error)}") from None


def _words(error: Exception) -> str:
    words = " ".join(str(error).split())
    return words if len(words) <= SHOWN else words[:SHOWN] + "..."


@asynccontextmanager
async def open_sink(host: Host, settings: Mapping[str, Any]) -> AsyncIterator[StorageSink]:
    """Raises `ProviderError` for settings that cannot work; nothing is sent before the first record."""
    try:
        wanted = StorageSettings.read(settings)
        store = await host.run(make_store, wanted)
    except (ValueError, exceptions.BaseError) as error:
        raise ProviderError(ErrorKind.BAD_REQUEST, _words(error)) from None
    yield StorageSink(store, root=wanted.root, with_media=wanted.with_media)
