"""Streaming replies from any server that speaks Chat Completions. Retries, fallback and metrics belong to the core."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import httpx

from active_call.plugin import ErrorKind, ProviderError
from active_call.plugin.host import Host
from active_call.plugin.values import LlmOptions, Reasoning, ReplyRequest, Text, ToolCall, Usage

from .endpoint import Endpoint, find_endpoint
from .failures import failure_in_stream, failure_of_response, failure_of_transport
from .sse import Event, EventParser, EventTooLong
from .wire import DONE, ReplyDecoder, payloads, request_body

MAX_BODY_BYTES = 4_000_000
_ERROR_BODY_S = 2.0
_DRAIN_S = 0.1
"""How long the end of a finished response is waited for, so that the connection can serve the next turn."""
_TIMEOUT_KEYS = {
    "connect_timeout_ms": 5_000,
    "first_token_timeout_ms": 30_000,
    "idle_timeout_ms": 30_000,
}
_CAMEL = {"connectTimeoutMs": "connect_timeout_ms", "firstTokenTimeoutMs": "first_token_timeout_ms"}
_CAMEL["idleTimeoutMs"] = "idle_timeout_ms"

Piece = Text | Reasoning | ToolCall | Usage


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    connect_s: float
    first_token_s: float
    idle_s: float


def split_extra(extra: Mapping[str, Any]) -> tuple[Timeouts, dict[str, Any]]:
    """Our own keys of `LlmOptions.extra`, and the rest, which goes into the request. Raises `ProviderError`."""
    own = dict(_TIMEOUT_KEYS)
    rest: dict[str, Any] = {}
    for key, value in extra.items():
        name = _CAMEL.get(key, key)
        if name not in own:
            rest[key] = value
        elif isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise ProviderError(ErrorKind.BAD_REQUEST, f"llm.extra.{key} must be a number of milliseconds above 0")
        else:
            own[name] = int(value)
    connect, first, idle = (own[name] / 1000 for name in _TIMEOUT_KEYS)
    return Timeouts(connect_s=connect, first_token_s=first, idle_s=idle), rest


class OpenAiChatBrain:
    def __init__(self, host: Host) -> None:
        self._host = host

    @asynccontextmanager
    async def session(self, options: LlmOptions) -> AsyncIterator["OpenAiChatSession"]:
        """Raises `ProviderError(bad_request)` for options that cannot work."""
        yield OpenAiChatSession(self._host, find_endpoint(options, self._host.environ), options)


class OpenAiChatSession:
    def __init__(self, host: Host, endpoint: Endpoint, options: LlmOptions) -> None:
        self._http = host.http
        self._endpoint = endpoint
        self._options = options
        self._timeouts, self._extra = split_extra(options.extra)

    async def reply(self, request: ReplyRequest) -> AsyncGenerator[Piece, None]:
        """Closing it, or cancelling the task that reads it, closes the HTTP stream."""
        began = _now()
        response = await self._send(request)
        try:
            if not response.is_success:
                raise failure_of_response(response, await self._error_body(response), self._endpoint)
            left_s = self._timeouts.first_token_s - (_now() - began)
            read = self._streamed if _is_stream(response) else self._whole
            pieces = read(response, ReplyDecoder(), left_s)
            async with aclosing(pieces):
                async for piece in pieces:
                    yield piece
        finally:
            await response.aclose()

    async def _send(self, request: ReplyRequest) -> httpx.Response:
        """The response's head; its body is still to come."""
        headers = {"Accept": "text/event-stream"}
        if self._endpoint.api_key:
            headers["Authorization"] = f"Bearer {self._endpoint.api_key}"
        connect_s = self._timeouts.connect_s
        http_request = self._http.build_request(
            "POST",
            self._endpoint.url,
            json=request_body(self._endpoint, self._options, self._extra, request),
            headers=headers,
            timeout=httpx.Timeout(connect=connect_s, pool=connect_s, write=connect_s, read=None),
        )
        try:
            async with asyncio.timeout(self._timeouts.first_token_s):
                return await self._http.send(http_request, stream=True, follow_redirects=False)
        except TimeoutError:
            raise self._late("no answer") from None
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise failure_of_transport(error, self._endpoint) from error

    async def _streamed(
        self, response: httpx.Response, decoder: ReplyDecoder, left_s: float
    ) -> AsyncGenerator[Piece, None]:
        """`left_s` is what remains of the time for the first token.

        Only what the model says restarts the clock, not the comments with which gateways keep a line alive; and the
        time that the reader of this generator takes is not the vendor's.
        """
        parser = EventParser()
        async with _body(response) as body:
            data: bytes | None = b""
            while data is not None and not decoder.done:
                began = _now()
                data = await self._read(body, left_s)
                left_s -= _now() - began
                for event in self._events(parser, data):
                    for piece in self._decode(event, decoder):
                        yield piece
                    left_s = self._timeouts.idle_s if decoder.began else left_s
            if not (decoder.began or decoder.done):
                raise ProviderError(
                    ErrorKind.UNREACHABLE, f"{self._endpoint.shown} ended without a reply; is it a chat endpoint?"
                )
            for last in decoder.finish():
                yield last
            await self._drain(body)

    async def _read(self, body: AsyncGenerator[bytes, None], left_s: float) -> bytes | None:
        """The next bytes; None at the end of the response."""
        try:
            async with asyncio.timeout(max(left_s, 0)):
                return await anext(body, None)
        except TimeoutError:
            raise self._late("no word") from None
        except httpx.RequestError as error:
            raise failure_of_transport(error, self._endpoint) from error

    def _events(self, parser: EventParser, data: bytes | None) -> list[Event]:
        try:
            return parser.close() if data is None else parser.feed(data)
        except EventTooLong as error:
            raise ProviderError(ErrorKind.UNREACHABLE, f"{self._endpoint.shown}: {error}") from None

    def _decode(self, event: Event, decoder: ReplyDecoder) -> Iterator[Text | Reasoning]:
        if decoder.done or event.data.strip() == DONE:
            decoder.done = True
            return
        try:
            chunks = list(payloads(event.data))
        except ValueError:
            raise ProviderError(
                ErrorKind.UNREACHABLE, f"{self._endpoint.shown} sent an event that is not JSON; is it a chat endpoint?"
            ) from None
        for chunk in chunks:
            if chunk.get("error"):
                raise failure_in_stream(chunk["error"], self._endpoint)
            if event.type == "error":
                raise failure_in_stream(chunk, self._endpoint)
            yield from decoder.decode(chunk)

    async def _whole(
        self, response: httpx.Response, decoder: ReplyDecoder, left_s: float
    ) -> AsyncGenerator[Piece, None]:
        """A server that does not stream answers with one JSON document."""
        collected = bytearray()
        async with _body(response) as body:
            began = _now()
            while (data := await self._read(body, left_s - (_now() - began))) is not None:
                collected += data
                if len(collected) > MAX_BODY_BYTES:
                    raise ProviderError(ErrorKind.UNREACHABLE, f"{self._endpoint.shown} sent an endless answer")
        for piece in self._decode(Event(collected.decode("utf-8", "replace")), decoder):
            yield piece
        for last in decoder.finish():
            yield last

    async def _drain(self, body: AsyncGenerator[bytes, None]) -> None:
        try:
            async with asyncio.timeout(_DRAIN_S):
                while await anext(body, None) is not None:
                    pass
        except (TimeoutError, httpx.RequestError):
            pass  # the reply is complete; this connection will not be used again

    async def _error_body(self, response: httpx.Response) -> bytes:
        """The beginning of an error's body; what does not come soon is not needed."""
        collected = bytearray()
        try:
            async with asyncio.timeout(_ERROR_BODY_S), _body(response) as body:
                async for data in body:
                    collected += data
                    if len(collected) > MAX_BODY_BYTES:
                        break
        except (TimeoutError, httpx.RequestError):
            pass
        return bytes(collected)

    def _late(self, what: str) -> ProviderError:
        return ProviderError(
            ErrorKind.TIMEOUT,
            f"{what} from {self._endpoint.shown} in time "
            f"({self._timeouts.first_token_s:g} s for the first, {self._timeouts.idle_s:g} s between two)",
        )


def _body(response: httpx.Response) -> aclosing[AsyncGenerator[bytes, None]]:
    return aclosing(cast(AsyncGenerator[bytes, None], response.aiter_bytes()))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _is_stream(response: httpx.Response) -> bool:
    return "json" not in response.headers.get("content-type", "").partition(";")[0].lower()
