"""One request with everything limited: redirects, bytes, time. Keeps no cookies; each redirect must pass again."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from .targets import OutboundFailed, OutboundRefused, Trust

REDIRECTS = 5
"""A browser follows 20; what serves a file or a tool needs one or two."""
_REDIRECTING = frozenset({301, 302, 303, 307, 308})
_HARMLESS = frozenset({"accept", "accept-language", "if-modified-since", "if-none-match", "range", "user-agent"})
"""Headers that may follow a redirect to another origin; any other may be a credential under a name of its own."""
CONNECT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request as somebody wrote it."""

    url: str
    trust: Trust
    max_bytes: int
    timeout_s: float
    """For all of it: names, redirects, headers and the last byte of the body."""
    method: str = "GET"
    headers: Mapping[str, str] | None = None
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole answer, whatever its status; `url` is where the redirects led."""

    url: str
    status: int
    headers: httpx.Headers
    body: bytes


class Answer:
    """An answer whose body is still to be read, once. Raises `OutboundFailed`."""

    def __init__(self, url: httpx.URL, response: httpx.Response, max_bytes: int) -> None:
        self.url, self.status, self.headers = str(url), response.status_code, response.headers
        self._host, self._response, self._max_bytes = url.host, response, max_bytes

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        # A length that is announced is refused before a byte of it is read.
        announced = self.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > self._max_bytes:
            raise self._too_large()
        encoding = self.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            # Unpacking a stranger's archive is how a few kilobytes become gigabytes.
            raise OutboundFailed(f"{self._host} answered in {encoding!r} although only plain bytes were asked for")
        done = 0
        assert isinstance(self._response.stream, httpx.AsyncByteStream)
        try:
            async for chunk in self._response.stream:
                done += len(chunk)
                if done > self._max_bytes:
                    raise self._too_large()
                yield chunk
        except httpx.HTTPError as error:
            raise _failed(self._host, error) from error

    async def read(self) -> bytes:
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
        return bytes(body)

    def _too_large(self) -> OutboundFailed:
        return OutboundFailed(f"{self._host} sends more than the {self._max_bytes} bytes allowed")


@asynccontextmanager
async def opened(transports: Mapping[bool, httpx.AsyncBaseTransport], ask: Ask) -> AsyncIterator[Answer]:
    """Send, follow redirects and lend the answer; `transports` are one for trusted targets and one for all others."""
    try:
        async with asyncio.timeout(ask.timeout_s) as clock:
            url, response = await _followed(transports, ask)
            try:
                yield Answer(url, response, ask.max_bytes)
            finally:
                await response.aclose()
    except TimeoutError:
        if not clock.expired():
            raise
        host = _url(ask.url).host
        raise OutboundFailed(f"{host} did not answer in full within {ask.timeout_s:g} s") from None


async def _followed(transports: Mapping[bool, httpx.AsyncBaseTransport], ask: Ask) -> tuple[httpx.URL, httpx.Response]:
    headers = _headers(ask)
    url, trusted, method, content = _url(ask.url), ask.trust.trusted, ask.method, ask.content
    for _ in range(REDIRECTS + 1):
        extensions = {"timeout": httpx.Timeout(ask.timeout_s, connect=min(CONNECT_S, ask.timeout_s)).as_dict()}
        request = httpx.Request(method, url, headers=headers, content=content, extensions=extensions)
        try:
            response = await transports[trusted].handle_async_request(request)
        except httpx.HTTPError as error:
            raise _failed(url.host, error) from error
        if response.status_code not in _REDIRECTING or "location" not in response.headers:
            return url, response
        await response.aclose()
        following = _joined(url, response.headers["location"])
        if following.host != url.host:
            # Whoever answered wrote this target, not the operator.
            trusted = False
        if response.status_code == 303 or (response.status_code in (301, 302) and method == "POST"):
            method, content = ("HEAD" if method == "HEAD" else "GET"), None
        if _origin(following) != _origin(url):
            headers = httpx.Headers([(k, v) for k, v in headers.multi_items() if k in _HARMLESS])
            headers["accept-encoding"] = "identity"
            if content is not None:
                raise OutboundRefused(
                    f"redirect from {url.host} to {following.host}",
                    f"the {method} has a body, which may be meant for {url.host} alone",
                    "use the final URL",
                )
        url = following
    raise OutboundFailed(f"{url.host}: more than {REDIRECTS} redirects, perhaps in a circle")


def _headers(ask: Ask) -> httpx.Headers:
    headers = httpx.Headers(ask.headers)
    headers.setdefault("accept", "*/*")
    headers.setdefault("user-agent", "active-call")
    headers["accept-encoding"] = "identity"
    url = _url(ask.url)
    if url.userinfo and "authorization" not in headers:
        # Only what the operator wrote gets here with it.
        pair = f"{url.username}:{url.password}".encode()
        headers["authorization"] = f"Basic {b64encode(pair).decode('ascii')}"
    return headers


def _url(text: str) -> httpx.URL:
    try:
        return httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError):
        raise OutboundRefused("URL", "it cannot be read", "write it as https://host/path") from None


def _joined(url: httpx.URL, location: str) -> httpx.URL:
    try:
        following = url.join(location)
    except (httpx.InvalidURL, ValueError):
        raise OutboundFailed(f"{url.host} redirects to something that is not a URL") from None
    return following


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _failed(host: str, error: httpx.HTTPError) -> OutboundFailed:
    if isinstance(error.__cause__, OutboundFailed):
        return error.__cause__
    if isinstance(error, httpx.ConnectError | httpx.RemoteProtocolError) and str(error):
        return OutboundFailed(f"{host}: {error}")
    what = "too slow" if isinstance(error, httpx.TimeoutException) else "the connection failed"
    return OutboundFailed(f"{host}: {what} ({type(error).__name__})")
