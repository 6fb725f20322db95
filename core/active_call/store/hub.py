"""Files from a model hub: `GET {endpoint}/{repo}/resolve/{revision}/{path}`, resumed by Range (RFC 9110 section 14)."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import httpx

from active_call.plugin.models import HubSource, ModelFile

from .blobs import size_of
from .errors import SourceError, WrongBytes
from .units import human_size

DEFAULT_ENDPOINT = "https://huggingface.co"
TIMEOUT = httpx.Timeout(15.0, connect=3.0)
"""A machine without a hub (a closed network) must get to the next source in seconds."""
ATTEMPTS = 4
"""In a row without a new byte; a connection that gives some before it breaks starts the count again."""
BACKOFF_S = 0.5
RETRY_AFTER_MAX_S = 20.0
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})

Progress = Callable[[ModelFile, int, int], None]
"""Told (file, bytes done, bytes in total), often; it must return at once."""
ClientFactory = Callable[[], httpx.AsyncClient]


def default_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(follow_redirects=True, timeout=TIMEOUT)


class Interrupted(Exception):
    """A download stopped early for a reason that may pass."""

    def __init__(self, reason: str, *, wait_s: float = 0.0) -> None:
        self.wait_s = wait_s
        super().__init__(reason)


class Hub:
    """One hub for the life of a store; once it could not be reached it is not asked again."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        client: ClientFactory = default_client,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        chosen = environ.get("HF_ENDPOINT") or environ.get("HF_MIRROR") or DEFAULT_ENDPOINT
        self.endpoint = chosen.rstrip("/")
        self._client = client
        self._sleep = sleep
        self._answered = False
        self._down: str | None = None

    def url(self, source: HubSource) -> str:
        return f"{self.endpoint}/{source.repo}/resolve/{quote(source.revision, safe='')}/{quote(source.path)}"

    def describe(self, source: HubSource) -> str:
        host = httpx.URL(self.endpoint).netloc.decode() or self.endpoint
        return f"hub {host} ({source.repo})"

    async def fetch(self, source: HubSource, file: ModelFile, part: Path, progress: Progress) -> None:
        """Complete `part`, going on from what it already holds. Raises `SourceError`; the bytes are not hashed here."""
        if self._down is not None:
            raise SourceError(self._down)
        failures = 0
        async with self._client() as client:
            while True:
                before = size_of(part)
                try:
                    await self._stream(client, self.url(source), file, part, progress)
                    return
                except (httpx.TransportError, Interrupted) as error:
                    reason = str(error) or type(error).__name__
                    if not self._answered:
                        raise self._unreachable(f"no answer ({reason})") from error
                    failures = 1 if size_of(part) > before else failures + 1
                    if failures >= ATTEMPTS:
                        raise self._unreachable(f"gave up after {ATTEMPTS} attempts ({reason})") from error
                    wait_s = error.wait_s if isinstance(error, Interrupted) else 0.0
                except (httpx.InvalidURL, httpx.TooManyRedirects) as error:
                    raise SourceError(f"{error} (is HF_ENDPOINT right?)") from error
                await self._sleep(max(wait_s, BACKOFF_S * 2 ** (failures - 1)))

    def _unreachable(self, reason: str) -> SourceError:
        self._down = reason
        return SourceError(reason)

    async def _stream(
        self, client: httpx.AsyncClient, url: str, file: ModelFile, part: Path, progress: Progress
    ) -> None:
        start = _kept(part, file)
        if start == file.size:
            return
        # Byte counts and ranges are those of the file itself, so nothing may be compressed on the way.
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        async with client.stream("GET", url, headers=headers) as response:
            self._answered = True
            done = _accepted(response, file, start)
            with _writing(part, done) as out:
                async for chunk in response.aiter_raw():
                    done += len(chunk)
                    if done > file.size:
                        raise WrongBytes(f"sends more than the {human_size(file.size)} expected")
                    out.write(chunk)
                    progress(file, done, file.size)
        if done < file.size:
            raise Interrupted(f"ended after {human_size(done)} of {human_size(file.size)}")


def _kept(part: Path, file: ModelFile) -> int:
    """How many bytes of an earlier attempt are worth keeping."""
    size = size_of(part)
    if size <= file.size:
        return size
    part.unlink()
    return 0


def _accepted(response: httpx.Response, file: ModelFile, start: int) -> int:
    """Where in the file the answer's body begins: `start`, or 0 when the hub ignored the range."""
    status = response.status_code
    if status in BUSY:
        after = response.headers.get("Retry-After", "")
        wait_s = min(float(after), RETRY_AFTER_MAX_S) if after.isdigit() else 0.0
        raise Interrupted(f"HTTP {status}", wait_s=wait_s)
    if status in (401, 403):
        raise SourceError(f"HTTP {status}: the hub does not give this file to everybody")
    if status not in (200, 206):
        raise SourceError(f"HTTP {status} for {response.url.path}")
    begins, total = 0, response.headers.get("Content-Length", "")
    if status == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if match is None or int(match[1]) != start:
            raise SourceError("answers a range request with another range")
        begins, total = start, match[2]
    if total.isdigit() and int(total) != file.size:
        # A captive portal's page, or another version of the file: known before a byte of it is stored.
        raise WrongBytes(f"has {human_size(int(total))} under that name, expected {human_size(file.size)}")
    return begins


@contextmanager
def _writing(part: Path, start: int) -> Iterator[BinaryIO]:
    with part.open("r+b" if start else "wb") as out:
        out.seek(start)
        out.truncate()
        yield out
