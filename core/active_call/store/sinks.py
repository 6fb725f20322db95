"""Receivers of call records that ship with the core: a local directory, and an HTTP server.

Offered to discovery by dotted names, like a plugin's; object stores are `active-call-storage`.
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from active_call.plugin.errors import ErrorKind, ProviderError
from active_call.plugin.host import Host

from .multipart import Form, Part
from .records import events_of, idempotency_key, media_of, record_name, there, to_text

_TIMEOUT = httpx.Timeout(30, connect=10)


class LocalSink:
    """Writes `<root>/<date>/<time>_<callId>.json`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def deliver(self, record: Mapping[str, Any]) -> None:
        """Raises OSError."""
        await asyncio.to_thread(self._write, self._root / record_name(record), to_text(record))

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{uuid.uuid4().hex}.new")
        try:
            with new.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, path)
        finally:
            new.unlink(missing_ok=True)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


class HttpSink:
    """POSTs each record as a form: `calllog.json`, and with media `media_<trackId>` and `dump_events_<file>`."""

    def __init__(
        self, client: httpx.AsyncClient, url: str, headers: Iterable[tuple[str, str]] = (), *, with_media: bool = False
    ) -> None:
        self._client = client
        self._url = url
        self._headers = list(headers)
        self._with_media = with_media

    async def deliver(self, record: Mapping[str, Any]) -> None:
        """Raises `ProviderError` for every answer but 2xx, and when there is none."""
        form = await asyncio.to_thread(self._form, record)
        headers = [*form.headers.items(), ("Idempotency-Key", idempotency_key(record)), *self._headers]
        try:
            answer = await self._client.post(self._url, headers=headers, content=form.body())
        except httpx.HTTPError as error:
            # Its text may hold the URL, and the URL a token.
            problem = f"no answer from the record server: {type(error).__name__}"
            raise ProviderError(ErrorKind.UNREACHABLE, problem) from None
        if not answer.is_success:
            raise ProviderError(
                _kind(answer.status_code),
                f"the record server answered {answer.status_code}",
                retry_after_s=_seconds(answer.headers),
            )

    def _form(self, record: Mapping[str, Any]) -> Form:
        parts = [Part(name="calllog.json", content=to_text(record))]
        if self._with_media:
            parts += [
                Part(name=f"media_{track}", content=file, type="audio/wav")
                for track, file in media_of(record)
                if there(file)
            ]
            events = events_of(record)
            if events is not None and there(events):
                parts.append(Part(name=f"dump_events_{events.name}", content=events, type="application/jsonl"))
        return Form(parts)


def _kind(status: int) -> ErrorKind:
    if status in (401, 403):
        return ErrorKind.AUTH
    if status in (402, 429):
        return ErrorKind.QUOTA
    return ErrorKind.BAD_REQUEST if 400 <= status < 500 else ErrorKind.INTERNAL


def _seconds(headers: httpx.Headers) -> float | None:
    """Retry-After (RFC 9110, 10.2.3) when it is a number."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None


@asynccontextmanager
async def open_local(host: Host, settings: Mapping[str, Any]) -> AsyncIterator[LocalSink]:
    """Settings: `root`."""
    yield LocalSink(Path(settings["root"]))


@asynccontextmanager
async def open_http(host: Host, settings: Mapping[str, Any]) -> AsyncIterator[HttpSink]:
    """Settings: `url`, `headers` (pairs), `with_media`. The operator wrote the URL: it is not subject to the policy."""
    async with httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False) as client:
        yield HttpSink(
            client,
            settings["url"],
            [(name, value) for name, value in settings.get("headers", ())],
            with_media=bool(settings.get("with_media", False)),
        )
