import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx
import pytest

from active_call.builtin.openai_chat import OpenAiChatSession, open_brain
from active_call.plugin import ErrorKind, ProviderError
from active_call.plugin.values import LlmOptions, Message, Reasoning, ReplyRequest, Text, ToolCall, ToolSpec, Usage
from active_call.testing.chat_server import ChatFailure, ChatReply, ChatServer

HELLO = ReplyRequest(messages=(Message(role="user", content="Hi"),))


@pytest.fixture
async def session(host: Any, server: ChatServer) -> AsyncIterator[OpenAiChatSession]:
    options = LlmOptions(base_url=server.base_url, api_key="key-of-mine", model="m")
    async with open_brain(host, {}) as brain, brain.session(options) as session:
        yield session


@pytest.fixture
async def impatient(host: Any, server: ChatServer) -> AsyncIterator[OpenAiChatSession]:
    extra = {"first_token_timeout_ms": 300, "idleTimeoutMs": 150}
    async with (
        open_brain(host, {}) as brain,
        brain.session(LlmOptions(base_url=server.base_url, extra=extra)) as session,
    ):
        yield session


async def read(session: OpenAiChatSession, request: ReplyRequest = HELLO) -> list[Any]:
    async with aclosing(session.reply(request)) as pieces:
        return [piece async for piece in pieces]


def text(pieces: list[Any]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Text))


async def failure(session: OpenAiChatSession) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await read(session)
    assert "key-of-mine" not in str(caught.value)
    return caught.value


async def test_a_reply_arrives_as_it_is_written(server: ChatServer, session: OpenAiChatSession) -> None:
    server.reply("Hello", " there.", reasoning=("hm",), usage=(11, 2))
    assert await read(session) == [
        Reasoning(text="hm"),
        Text(text="Hello"),
        Text(text=" there."),
        Usage(input_tokens=11, output_tokens=2),
    ]
    (request,) = server.requests
    assert request.headers["authorization"] == "Bearer key-of-mine"
    assert request.body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_without_a_key_no_authorization_is_sent(server: ChatServer, host: Any) -> None:
    host.environ = {"OPENAI_API_KEY": "of the environment"}
    server.reply("Hello")
    async with open_brain(host, {}) as brain, brain.session(LlmOptions(base_url=server.base_url)) as session:
        assert text(await read(session)) == "Hello"
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_characters_split_between_packets_stay_whole(
    server: ChatServer, session: OpenAiChatSession, size: int
) -> None:
    server.reply("你好，世界🙂", piece_bytes=size)
    assert text(await read(session)) == "你好，世界🙂"


async def test_several_tool_calls_arrive_whole(server: ChatServer, session: OpenAiChatSession) -> None:
    server.reply(tool_calls=(("look", {"where": "Zürich"}), ("wait", {})))
    request = ReplyRequest(messages=HELLO.messages, tools=(ToolSpec(name="look", description=""),))
    assert (await read(session, request))[:2] == [
        ToolCall(id="call_1", name="look", arguments='{"where": "Zürich"}'),
        ToolCall(id="call_2", name="wait", arguments="{}"),
    ]


async def test_a_missing_done_is_no_failure(server: ChatServer, session: OpenAiChatSession) -> None:
    server.reply("Hello", done=False)
    assert text(await read(session)) == "Hello"


@pytest.mark.parametrize(
    "raw",
    [
        b': hi\r\ndata: {"choices":[{"delta":\r\ndata: {"content":"Hello"}}]}\r\n\r\ndata: [DONE]\r\n\r\n',
        b'data:{"choices":[{"delta":{"content":"Hello"}}]}',
        b'data: {"choices":[{"delta":{"content":"Hel"}}]}\ndata: {"choices":[{"delta":{"content":"lo"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"Hello"}}]}\n\ndata: [DONE]\n\ndata: {"choices":[]}\n\n{oops\n\n',
    ],
)
async def test_streams_of_loose_servers_are_understood(
    server: ChatServer, session: OpenAiChatSession, raw: bytes
) -> None:
    server.answer(ChatReply(raw=raw))
    assert text(await read(session)) == "Hello"


async def test_a_server_that_does_not_stream_is_understood(server: ChatServer, session: OpenAiChatSession) -> None:
    server.answer(ChatFailure(status=200, body={"choices": [{"message": {"content": "Hello"}}]}))
    assert await read(session) == [Text(text="Hello")]


async def test_the_connection_is_used_again(server: ChatServer, session: OpenAiChatSession) -> None:
    for _ in range(2):
        server.reply("Hello")
        await read(session)
    assert server.requests[0].client == server.requests[1].client


async def test_closing_the_reply_closes_the_connection_at_once(server: ChatServer, session: OpenAiChatSession) -> None:
    server.reply("one", "two", stall_after=2)
    pieces = session.reply(HELLO)
    assert await anext(pieces) == Text(text="one")
    async with asyncio.timeout(0.1):
        await pieces.aclose()
        await server.requests[0].closed.wait()


@pytest.mark.parametrize("how", [{"stall_after": 0}, {"first_token_s": 9}])
async def test_cancelling_the_reader_closes_the_connection_at_once(server: ChatServer, host: Any, how: Any) -> None:
    server.reply("one", **how)
    async with open_brain(host, {}) as brain, brain.session(LlmOptions(base_url=server.base_url)) as session:
        reading = asyncio.create_task(read(session))
        await asyncio.sleep(0.05)
        reading.cancel()
        async with asyncio.timeout(0.1):
            await asyncio.wait([reading])
            await server.requests[0].closed.wait()
    assert reading.cancelled()


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, None, ErrorKind.BAD_REQUEST),
        (401, "invalid_api_key", ErrorKind.AUTH),
        (402, None, ErrorKind.QUOTA),
        (403, None, ErrorKind.AUTH),
        (404, "model_not_found", ErrorKind.BAD_REQUEST),
        (408, None, ErrorKind.TIMEOUT),
        (422, None, ErrorKind.BAD_REQUEST),
        (429, "insufficient_quota", ErrorKind.QUOTA),
        (429, "rate_limit_exceeded", ErrorKind.UNREACHABLE),
        (500, None, ErrorKind.UNREACHABLE),
        (503, None, ErrorKind.UNREACHABLE),
        (504, None, ErrorKind.TIMEOUT),
    ],
)
async def test_a_status_tells_what_kind_of_failure_it_is(
    server: ChatServer, session: OpenAiChatSession, status: int, code: str | None, kind: ErrorKind
) -> None:
    server.fail(status, "this went wrong", code=code)
    told = await failure(session)
    assert told.kind is kind
    assert f"answered {status}: this went wrong" in str(told)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
async def test_a_rate_limit_says_when_to_come_back(
    server: ChatServer, session: OpenAiChatSession, headers: dict[str, str], seconds: float | None
) -> None:
    server.fail(429, "slow down", headers=headers)
    assert (await failure(session)).retry_after_s == seconds


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (302, "redirects are not followed"),
        (401, "check llm.apiKey or OPENAI_API_KEY"),
        (404, "the model 'm' exists there"),
    ],
)
async def test_a_failure_comes_with_its_remedy(
    server: ChatServer, session: OpenAiChatSession, status: int, words: str
) -> None:
    server.fail(status, headers={"location": "/elsewhere"})
    assert words in str(await failure(session))


async def test_without_a_key_a_refusal_says_why_none_was_sent(host: Any) -> None:
    async with (
        ChatServer(api_key="right") as server,
        open_brain(host, {}) as brain,
        brain.session(LlmOptions(base_url=server.base_url)) as session,
    ):
        assert "no key was sent" in str(await failure(session))


async def test_secrets_that_a_server_repeats_are_not_told(server: ChatServer, session: OpenAiChatSession) -> None:
    server.fail(401, "Bad key: key-of-mine, or sk-proj-abc123def, or Bearer abc.def, eyJhbGciOi.xyz")
    told = str(await failure(session))
    assert told.count("***") == 4
    assert not any(secret in told for secret in ("abc", "eyJ"))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"error": "no such model"}, "answered 400: no such model"),
        ({"message": "wrong"}, "answered 400: wrong"),
        ({"detail": [{"loc": "x"}]}, 'answered 400: [{"loc": "x"}]'),
        ("plain words", "answered 400: plain words"),
        ("<html>nginx</html>", "answered 400"),
        ("x" * 1000, "x…"),
    ],
)
async def test_every_form_of_error_body_is_read(
    server: ChatServer, session: OpenAiChatSession, body: Any, told: str
) -> None:
    server.answer(ChatFailure(status=400, body=body))
    assert str(await failure(session)).endswith(told)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "m", "code": "rate_limit_exceeded"}, ErrorKind.UNREACHABLE),
        ({"message": "m", "type": "insufficient_quota"}, ErrorKind.QUOTA),
        ({"message": "m", "code": "context_length_exceeded"}, ErrorKind.BAD_REQUEST),
        ({"message": "m", "code": 401}, ErrorKind.AUTH),
        ({"message": "m", "code": "502"}, ErrorKind.UNREACHABLE),
        ({"message": "m"}, ErrorKind.UNREACHABLE),
    ],
)
async def test_an_error_inside_the_stream_is_told_after_the_text_before_it(
    server: ChatServer, session: OpenAiChatSession, error: dict[str, Any], kind: ErrorKind
) -> None:
    server.reply("Hel", "lo", error_after=2, error=error)
    pieces = session.reply(HELLO)
    assert await anext(pieces) == Text(text="Hel")
    with pytest.raises(ProviderError, match="broke off the reply: m") as caught:
        await anext(pieces)
    assert caught.value.kind is kind


@pytest.mark.parametrize("raw", [b'event: error\ndata: {"message": "bad"}\n\n', b'data: {"error": "bad"}\n\n'])
async def test_other_forms_of_an_error_in_the_stream(
    server: ChatServer, session: OpenAiChatSession, raw: bytes
) -> None:
    server.answer(ChatReply(raw=raw))
    assert str(await failure(session)).endswith("broke off the reply: bad")


@pytest.mark.parametrize(
    ("raw", "told"), [(b"data: {oops\n\n", "not JSON"), (b"<html>", "ended without"), (b"", "ended")]
)
async def test_what_is_no_chat_stream_is_told(
    server: ChatServer, session: OpenAiChatSession, raw: bytes, told: str
) -> None:
    server.answer(ChatReply(raw=raw))
    broken = await failure(session)
    assert told in str(broken)
    assert broken.kind is ErrorKind.UNREACHABLE


async def test_a_connection_cut_in_the_reply_is_unreachable(server: ChatServer, session: OpenAiChatSession) -> None:
    server.reply("one", "two", cut_after=2)
    assert (await failure(session)).kind is ErrorKind.UNREACHABLE


async def test_a_silent_server_is_given_up(server: ChatServer, impatient: OpenAiChatSession) -> None:
    server.reply("one", stall_after=0)
    assert (await failure(impatient)).kind is ErrorKind.TIMEOUT
    async with asyncio.timeout(0.5):
        await server.requests[0].closed.wait()


async def test_a_stall_between_two_tokens_is_given_up(server: ChatServer, impatient: OpenAiChatSession) -> None:
    server.reply("one", "two", stall_after=2)
    told = await failure(impatient)
    assert told.kind is ErrorKind.TIMEOUT
    assert "0.15 s between two" in str(told)


async def test_comments_do_not_keep_a_silent_stream_alive(host: Any) -> None:
    async def comments() -> AsyncIterator[bytes]:
        while True:
            yield b": still working\n\n"
            await asyncio.sleep(0.01)

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=comments(), headers={"content-type": "text/event-stream"})

    options = LlmOptions(extra={"first_token_timeout_ms": 60})
    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as http:
        host.http = http
        async with open_brain(host, {}) as brain, brain.session(options) as session:
            assert (await failure(session)).kind is ErrorKind.TIMEOUT


async def test_the_readers_own_time_is_not_the_vendors(server: ChatServer, impatient: OpenAiChatSession) -> None:
    server.reply("one", "two")
    heard = []
    async for piece in impatient.reply(HELLO):
        await asyncio.sleep(0.2)
        heard.append(piece)
    assert text(heard) == "onetwo"


async def test_nobody_there_is_unreachable(host: Any) -> None:
    async with ChatServer() as server:
        gone = server.base_url
    async with open_brain(host, {}) as brain, brain.session(LlmOptions(base_url=gone)) as session:
        told = await failure(session)
    assert told.kind is ErrorKind.UNREACHABLE
    assert "/v1/chat/completions: ConnectError" in str(told)


async def test_a_connection_that_takes_too_long_is_a_time_out(host: Any) -> None:
    def slow(request: httpx.Request) -> httpx.Response:
        assert request.extensions["timeout"]["connect"] == 0.5
        raise httpx.ConnectTimeout("", request=request)

    options = LlmOptions(extra={"connect_timeout_ms": 500})
    async with httpx.AsyncClient(transport=httpx.MockTransport(slow)) as http:
        host.http = http
        async with open_brain(host, {}) as brain, brain.session(options) as session:
            assert (await failure(session)).kind is ErrorKind.TIMEOUT


@pytest.mark.parametrize("value", [0, -1, "5", True])
async def test_a_time_out_that_is_none_is_told(host: Any, value: Any) -> None:
    async with open_brain(host, {}) as brain:
        with pytest.raises(ProviderError, match=r"llm\.extra\.idleTimeoutMs must be a number of milliseconds"):
            async with brain.session(LlmOptions(extra={"idleTimeoutMs": value})):
                pass
