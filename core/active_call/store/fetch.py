"""Audio by URL, kept on disk: HTTP caching (RFC 9111) as far as a player needs it, through the outbound policy."""

import asyncio
import hashlib
import json
import logging
import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import httpx

from active_call.guard.outbound import Answer, OutboundFailed, OutboundPolicy, OutboundRefused, Trust

from .shelf import Shelf

log = logging.getLogger(__name__)

MAX_FILE_BYTES = 100 << 20
"""Three hours of MP3, or ten minutes of CD quality."""
MAX_BYTES = 2 << 30
TIMEOUT_S = 60.0
FRESH_MAX_S = 86400.0
"""A server that promises longer is asked once a day all the same."""
WRITE_BYTES = 1 << 20
META = ".meta"


class FetchFailed(Exception):
    """There is no audio at that URL for us; the text names the host only and may go to a client."""


@dataclass(frozen=True, slots=True)
class Media:
    """A local file; it stays for a minute at least, longer while somebody has it open."""

    path: Path
    content_type: str
    """As the server said, without parameters, lower case; may be empty."""
    stale: bool = False
    """The server could not be asked whether this is still its latest."""


@dataclass(frozen=True, slots=True)
class _Meta:
    etag: str = ""
    last_modified: str = ""
    content_type: str = ""
    suffix: str = ""
    fresh_until: float = 0.0
    """Seconds since the epoch."""


class MediaCache:
    """One for the process; concurrent requests for one URL share one download."""

    def __init__(
        self,
        directory: Path,
        policy: OutboundPolicy,
        *,
        max_bytes: int = MAX_BYTES,
        max_file_bytes: int = MAX_FILE_BYTES,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._shelf = Shelf(directory, max_bytes)
        self._policy = policy
        self._max_file_bytes = min(max_file_bytes, max_bytes)
        self._timeout_s = timeout_s
        self._running: dict[str, _Shared] = {}

    async def get(self, url: str, trust: Trust) -> Media:
        """The file at `url`, asked for again unless the server said how long it stays the same.

        Raises `OutboundRefused` and `FetchFailed`. A file that is here already is used when its server fails.
        """
        # Before anything kept is looked at: what is allowed today counts, not what was when it was fetched.
        try:
            await self._policy.check(url, trust)
        except OutboundFailed as error:
            name_problem: OutboundFailed | None = error
        else:
            name_problem = None
        # What the operator may fetch from an inner host must not come to others out of the cache.
        name = hashlib.sha256(f"{trust.trusted} {url.strip()}".encode()).hexdigest()
        if name_problem is not None:
            return await self._stale(name, name_problem)
        shared = self._running.get(name)
        if shared is None:
            task = asyncio.create_task(self._load(name, url, trust), name="fetching media")
            shared = self._running[name] = _Shared(task)
            task.add_done_callback(lambda _: self._forget(name, shared))
        return await self._wait(name, shared)

    async def _wait(self, name: str, shared: "_Shared") -> Media:
        shared.waiting += 1
        try:
            return await asyncio.shield(shared.task)
        except asyncio.CancelledError:
            if shared.waiting == 1:
                # Forgotten at once: who comes now must not join a download that is being given up.
                self._forget(name, shared)
                shared.task.cancel()
            raise
        finally:
            shared.waiting -= 1

    def _forget(self, name: str, shared: "_Shared | None") -> None:
        if self._running.get(name) is shared:
            del self._running[name]

    async def _load(self, name: str, url: str, trust: Trust) -> Media:
        meta = await asyncio.to_thread(self._known, name)
        if meta is not None and meta.fresh_until > time.time():
            return self._use(name, meta)
        headers = {}
        if meta is not None and meta.etag:
            headers["if-none-match"] = meta.etag
        elif meta is not None and meta.last_modified:
            headers["if-modified-since"] = meta.last_modified
        try:
            async with self._policy.stream(
                url, trust, max_bytes=self._max_file_bytes, timeout_s=self._timeout_s, headers=headers
            ) as answer:
                if answer.status == 304 and meta is not None:
                    renewed = _renewed(meta, answer.headers)
                    await asyncio.to_thread(self._remember, name, renewed)
                    return self._use(name, renewed)
                if answer.status >= 500:
                    raise OutboundFailed(f"{httpx.URL(answer.url).host} answered {answer.status}")
                if answer.status != 200:
                    raise FetchFailed(f"{httpx.URL(answer.url).host} answered {answer.status} instead of the audio")
                return await self._save(name, answer)
        except OutboundRefused:
            raise
        except OutboundFailed as error:
            return await self._stale(name, error)
        except OSError as error:
            log.warning("the media cache %s fails: %s", self._shelf.directory, error)
            raise FetchFailed(f"the server cannot keep the file ({error.strerror})") from error

    async def _save(self, name: str, answer: Answer) -> Media:
        meta = _meta(answer)
        file = await asyncio.to_thread(self._shelf.fresh)
        try:
            buffer = bytearray()
            async for chunk in answer.chunks():
                buffer += chunk
                if len(buffer) >= WRITE_BYTES:
                    await asyncio.to_thread(file.write, bytes(buffer))
                    buffer.clear()
            await asyncio.to_thread(file.write, bytes(buffer))
            if not file.tell():
                raise FetchFailed(f"{httpx.URL(answer.url).host} sent an empty file")
            file.close()
            await asyncio.to_thread(self._shelf.place, Path(file.name), name + meta.suffix)
            await asyncio.to_thread(self._remember, name, meta)
        finally:
            file.close()
            await asyncio.to_thread(Path(file.name).unlink, missing_ok=True)
        return Media(self._shelf.path(name + meta.suffix), meta.content_type)

    async def _stale(self, name: str, error: OutboundFailed) -> Media:
        meta = await asyncio.to_thread(self._known, name)
        if meta is None:
            raise FetchFailed(str(error)) from error
        log.warning("%s; the copy that was fetched before is used", error)
        return self._use(name, meta, stale=True)

    def _use(self, name: str, meta: _Meta, *, stale: bool = False) -> Media:
        self._shelf.used(name + meta.suffix)
        return Media(self._shelf.path(name + meta.suffix), meta.content_type, stale)

    def _known(self, name: str) -> _Meta | None:
        """What is kept, whole or not at all."""
        try:
            fields: Any = json.loads(self._shelf.path(name + META).read_text("utf-8"))
            meta = _Meta(**fields)
            there = self._shelf.path(name + meta.suffix).is_file()
        except (OSError, ValueError, TypeError):
            return None
        return meta if there else None

    def _remember(self, name: str, meta: _Meta) -> None:
        with self._shelf.fresh() as file:
            file.write(json.dumps(asdict(meta)).encode())
        self._shelf.place(Path(file.name), name + META)


@dataclass(slots=True)
class _Shared:
    """A download that several wait for; it ends with the last of them."""

    task: "asyncio.Task[Media]"
    waiting: int = 0


def _meta(answer: Answer) -> _Meta:
    headers = answer.headers
    suffix = PurePosixPath(httpx.URL(answer.url).path).suffix.lower()
    return _Meta(
        etag=headers.get("etag", ""),
        last_modified=headers.get("last-modified", ""),
        content_type=headers.get("content-type", "").partition(";")[0].strip().lower(),
        # Decoders go by it; anything unusual has no say in a file's name.
        suffix=suffix if re.fullmatch(r"\.[a-z0-9]{1,5}", suffix) and suffix not in (META, ".part") else ".media",
        fresh_until=_fresh_until(headers),
    )


def _renewed(meta: _Meta, headers: httpx.Headers) -> _Meta:
    return _Meta(
        etag=headers.get("etag", meta.etag),
        last_modified=headers.get("last-modified", meta.last_modified),
        content_type=meta.content_type,
        suffix=meta.suffix,
        fresh_until=_fresh_until(headers),
    )


def _fresh_until(headers: httpx.Headers) -> float:
    control = headers.get("cache-control", "").lower()
    age = re.search(r"\bmax-age=\"?(\d{1,10})", control)
    if age is None or "no-cache" in control or "no-store" in control:
        return 0.0
    return time.time() + min(float(age[1]), FRESH_MAX_S)
