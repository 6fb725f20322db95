"""A local server that speaks OpenAI's Chat Completions and misbehaves on request, for tests of brains and agents.

    async with ChatServer() as server:
        server.reply("Hello. How can I help?")
        server.fail(429, "slow down", headers={"retry-after": "2"})
        ...  # point the client at server.base_url
        assert server.requests[0].body["messages"][-1]["content"] == "Hi"

Answers are given in the order in which they were scripted, one per request. Wire format:
https://platform.openai.com/docs/api-reference/chat.
"""

import asyncio
import contextlib
import json
import re
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

_TOKEN = re.compile(r"\s*\S+|\s+")


@dataclass(frozen=True, kw_only=True)
class ChatReply:
    """What one request is answered with. Times are in seconds."""

    tokens: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    tool_calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    """Name and arguments; the arguments are sent in fragments, the calls interleaved."""
    usage: tuple[int, int] = (7, 5)
    """Input and output tokens; sent when the client asked for it."""
    first_token_s: float = 0.0
    pace_s: float = 0.0
    """Between two events."""
    stall_after: int | None = None
    """Falls silent after so many events, until the client goes away or the server stops."""
    cut_after: int | None = None
    """Drops the connection after so many events."""
    error_after: int | None = None
    """Sends `error` instead of the event with this number, and ends."""
    error: Mapping[str, Any] = field(default_factory=lambda: {"message": "The server had an error", "code": None})
    done: bool = True
    """Ends with `[DONE]`."""
    piece_bytes: int | None = None
    """Body in pieces of so many bytes, wherever that cuts a character."""
    raw: bytes | None = None
    """This body instead of everything above."""


@dataclass(frozen=True, kw_only=True)
class ChatFailure:
    """An HTTP error instead of a reply."""

    status: int
    body: Mapping[str, Any] | str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ChatRequest:
    """What a client sent."""

    body: Mapping[str, Any]
    headers: Mapping[str, str]
    """Names in lower case."""
    client: tuple[str, int]
    """Address and port: equal ports mean the same connection."""
    sent: list[str] = field(default_factory=list)
    """The tokens that went out so far."""
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client went away before the reply was complete."""


Answer = ChatReply | ChatFailure


class ChatServer:
    """Listens on a free port of 127.0.0.1 inside the running event loop; use it as an async context manager."""

    def __init__(
        self, *, api_key: str | None = None, default: Answer | Callable[[ChatRequest], Answer] | None = None
    ) -> None:
        """`api_key`: refuse every other one with 401. `default`: the answer when nothing scripted is left; without one
        such a request gets a 500 that says so."""
        self.requests: list[ChatRequest] = []
        self._api_key = api_key
        self._default = default
        self._answers: deque[Answer] = deque()
        self._stopping = asyncio.Event()
        self._socket: socket.socket | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def base_url(self) -> str:
        if self._socket is None:
            raise RuntimeError("the chat server is not running; use `async with ChatServer() as server:`")
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"

    def reply(self, *tokens: str, **how: Any) -> None:
        """Script a reply; `how` are the fields of `ChatReply`. A single text is cut into words."""
        cut = tuple(_TOKEN.findall(tokens[0])) if len(tokens) == 1 else tokens
        self._answers.append(ChatReply(tokens=cut, **how))

    def fail(
        self,
        status: int,
        message: str = "The server had an error",
        *,
        code: str | None = None,
        type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Script an HTTP error with OpenAI's error object."""
        error = {"message": message, "type": type, "param": None, "code": code}
        self.answer(ChatFailure(status=status, body={"error": error}, headers=headers or {}))

    def answer(self, answer: Answer) -> None:
        """Script any answer."""
        self._answers.append(answer)

    async def __aenter__(self) -> "ChatServer":
        self._stopping.clear()
        self._socket = socket.create_server(("127.0.0.1", 0))
        started = asyncio.Event()
        config = uvicorn.Config(self._app(), log_config=None, log_level="critical", access_log=False, lifespan="off")
        server = _Server(config, started=started, stopping=self._stopping)
        self._serving = asyncio.create_task(server.serve(sockets=[self._socket]), name="chat server")
        await started.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        if self._serving is not None:
            await self._serving
        if self._socket is not None:
            self._socket.close()
        self._serving = self._socket = None

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/chat/completions", _Completions(self), methods=["POST"]),
                Route("/v1/models", self._models),
            ]
        )

    async def _models(self, request: Request) -> JSONResponse:
        model = {"id": "test-model", "object": "model", "created": 0, "owned_by": "active-call"}
        return JSONResponse({"object": "list", "data": [model]})

    def next_answer(self, request: ChatRequest) -> Answer:
        """The answer for a request that has just come in."""
        if self._api_key is not None and request.headers.get("authorization") != f"Bearer {self._api_key}":
            return _refusal(401, "Incorrect API key provided.", "invalid_api_key")
        if not isinstance(request.body.get("model"), str) or not isinstance(request.body.get("messages"), list):
            return _refusal(400, "you must provide a model and messages", None)
        if self._answers:
            return self._answers.popleft()
        if self._default is None:
            return _refusal(500, f"no reply was scripted for request {len(self.requests)}", None)
        return self._default(request) if callable(self._default) else self._default

    @property
    def stopping(self) -> asyncio.Event:
        """Set when the server shuts down: whoever stalls ends then."""
        return self._stopping


class _Server(uvicorn.Server):
    """Uvicorn inside somebody else's event loop: no signal handlers, and it stops at once."""

    def __init__(self, config: uvicorn.Config, *, started: asyncio.Event, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._ready, self._stop = started, stopping

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self.on_tick(0)
        self._ready.set()
        await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Uvicorn's own always takes 100 ms; a test suite starts hundreds of these."""
        for listener in self.servers:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            await asyncio.wait(list(self.server_state.tasks))
        await asyncio.sleep(0)


class _Cut(Exception):
    """Makes uvicorn drop the connection in the middle of a response."""


class _Completions:
    """ASGI, not a Starlette response: the pieces of the body are the point here."""

    def __init__(self, server: ChatServer) -> None:
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http = Request(scope, receive)
        try:
            body = await http.json()
        except ValueError:
            body = {}
        host, port = scope["client"]
        request = ChatRequest(
            body=body if isinstance(body, dict) else {}, headers=dict(http.headers), client=(host, port)
        )
        self._server.requests.append(request)
        answer = self._server.next_answer(request)
        if isinstance(answer, ChatFailure):
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            await _respond(send, answer.status, text.encode(), {"content-type": "application/json", **answer.headers})
        elif request.body.get("stream"):
            await self._stream(request, answer, receive, send)
        else:
            await asyncio.sleep(answer.first_token_s)
            whole = json.dumps(_completion(request, answer)).encode()
            await _respond(send, 200, whole, {"content-type": "application/json"})

    async def _stream(self, request: ChatRequest, answer: ChatReply, receive: Receive, send: Send) -> None:
        """Writes until the reply is complete, the client goes away or the server stops."""
        writing = asyncio.create_task(self._write(request, answer, send))
        leaving = asyncio.create_task(_until_disconnected(receive))
        stopping = asyncio.create_task(self._server.stopping.wait())
        done, pending = await asyncio.wait((writing, leaving, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.wait((writing, leaving, stopping))
        if writing in done:
            writing.result()
        elif leaving in done:
            request.closed.set()
        else:
            raise _Cut

    async def _write(self, request: ChatRequest, answer: ChatReply, send: Send) -> None:
        head = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        async for piece in self._body(request, answer):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _body(self, request: ChatRequest, answer: ChatReply) -> AsyncIterator[bytes]:
        if answer.raw is not None:
            for piece in _pieces(answer.raw, answer.piece_bytes):
                yield piece
            return
        await asyncio.sleep(answer.first_token_s)
        for number, event in enumerate(_events(request, answer)):
            if number == answer.stall_after:
                await asyncio.Event().wait()
            if number == answer.cut_after:
                raise _Cut
            if number == answer.error_after:
                yield _event({"error": dict(answer.error)})
                return
            if number:
                await asyncio.sleep(answer.pace_s)
            for piece in _pieces(_event(event), answer.piece_bytes):
                yield piece
            request.sent.extend(token for token in [_content(event)] if token)
        if answer.done:
            yield b"data: [DONE]\n\n"


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _respond(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    head = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    head.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


def _refusal(status: int, message: str, code: str | None) -> ChatFailure:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return ChatFailure(status=status, body={"error": error})


def _pieces(data: bytes, size: int | None) -> Iterator[bytes]:
    step = size or max(len(data), 1)
    return (data[at : at + step] for at in range(0, len(data), step))


def _event(chunk: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def _content(event: Mapping[str, Any]) -> str:
    return "".join(choice["delta"].get("content") or "" for choice in event["choices"])


def _events(request: ChatRequest, answer: ChatReply) -> Iterator[dict[str, Any]]:
    """The chunks in the order in which OpenAI sends them: role, thoughts, text, tool calls, the end, usage."""
    common = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": request.body["model"]}

    def chunk(delta: Mapping[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        return {**common, "choices": [{"index": 0, "delta": dict(delta), "finish_reason": finish_reason}]}

    yield chunk({"role": "assistant", "content": None if answer.tool_calls else ""})
    for thought in answer.reasoning:
        yield chunk({"reasoning_content": thought})
    for token in answer.tokens:
        yield chunk({"content": token})
    for fragment in _tool_fragments(answer.tool_calls):
        yield chunk({"tool_calls": [fragment]})
    yield chunk({}, "tool_calls" if answer.tool_calls else "stop")
    if (request.body.get("stream_options") or {}).get("include_usage"):
        yield {**common, "choices": [], "usage": _usage(answer)}


def _tool_fragments(calls: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Heads first, then the arguments in quarters, the calls taking turns."""
    for index, (name, _) in enumerate(calls):
        head = {"name": name, "arguments": ""}
        yield {"index": index, "id": f"call_{index + 1}", "type": "function", "function": head}
    texts = [json.dumps(arguments, ensure_ascii=False) for _, arguments in calls]
    for quarter in range(4):
        for index, text in enumerate(texts):
            piece = text[len(text) * quarter // 4 : len(text) * (quarter + 1) // 4]
            if piece:
                yield {"index": index, "function": {"arguments": piece}}


def _completion(request: ChatRequest, answer: ChatReply) -> dict[str, Any]:
    """The answer as one document, for a request without `stream`."""
    message: dict[str, Any] = {"role": "assistant", "content": "".join(answer.tokens)}
    if answer.reasoning:
        message["reasoning_content"] = "".join(answer.reasoning)
    if answer.tool_calls:
        message["tool_calls"] = [
            {"id": f"call_{i + 1}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            for i, (name, arguments) in enumerate(answer.tool_calls)
        ]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if answer.tool_calls else "stop"}
    common = {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": request.body["model"]}
    return {**common, "choices": [choice], "usage": _usage(answer)}


def _usage(answer: ChatReply) -> dict[str, int]:
    read, written = answer.usage
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
