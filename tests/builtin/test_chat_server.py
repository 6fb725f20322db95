import asyncio
import json
from typing import Any

import httpx
import pytest

from active_call.testing.chat_server import ChatReply, ChatServer

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


async def post(server: ChatServer, http: httpx.AsyncClient, **more: Any) -> httpx.Response:
    return await http.post(f"{server.base_url}/chat/completions", json={**ASK, **more})


def chunks(response: httpx.Response) -> list[Any]:
    events = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert events.pop() == "[DONE]"
    return [json.loads(event) for event in events]


async def test_a_reply_is_streamed_as_openai_does(server: ChatServer, http: httpx.AsyncClient) -> None:
    server.reply("Hello there.\n", reasoning=("hm",))
    response = await post(server, http, stream=True, stream_options={"include_usage": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    *body, usage = chunks(response)
    assert [entry["choices"][0]["delta"] for entry in body] == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "hm"},
        {"content": "Hello"},
        {"content": " there."},
        {"content": "\n"},
        {},
    ]
    assert [entry["choices"][0]["finish_reason"] for entry in body] == [None] * 5 + ["stop"]
    assert usage["choices"] == []
    assert usage["usage"] == {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


async def test_usage_is_only_sent_when_asked_for(server: ChatServer, http: httpx.AsyncClient) -> None:
    server.reply("Hello")
    assert not any("usage" in chunk for chunk in chunks(await post(server, http, stream=True)))


async def test_without_stream_it_answers_with_one_document(server: ChatServer, http: httpx.AsyncClient) -> None:
    server.reply("Hello there.", tool_calls=(("look", {"at": "it"}),), reasoning=("hm",))
    answer = (await post(server, http)).json()
    message = answer["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ("Hello there.", "hm")
    assert message["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"at": "it"}'}
    assert answer["choices"][0]["finish_reason"] == "tool_calls"


async def test_it_records_requests_and_answers_in_order(server: ChatServer, http: httpx.AsyncClient) -> None:
    server.reply("one")
    server.fail(429, "slow down", code="rate_limit_exceeded", headers={"Retry-After": "2"})
    assert (await post(server, http)).status_code == 200
    refused = await post(server, http)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    unscripted = await post(server, http)
    assert unscripted.status_code == 500
    assert "no reply was scripted for request 3" in unscripted.text
    assert [request.body["model"] for request in server.requests] == ["m"] * 3


async def test_a_default_may_depend_on_the_request(http: httpx.AsyncClient) -> None:
    async with ChatServer(default=lambda request: ChatReply(tokens=(request.body["model"],))) as server:
        assert (await post(server, http)).json()["choices"][0]["message"]["content"] == "m"
    async with ChatServer(default=ChatReply(tokens=("x",))) as server:
        assert (await post(server, http)).json()["choices"][0]["message"]["content"] == "x"


async def test_a_wrong_key_and_a_wrong_body_are_refused(http: httpx.AsyncClient) -> None:
    async with ChatServer(api_key="right") as server:
        assert (await post(server, http)).status_code == 401
    async with ChatServer() as server:
        assert (await http.post(f"{server.base_url}/chat/completions", content=b"{")).status_code == 400
        assert (await http.get(f"{server.base_url}/models")).json()["data"][0]["id"] == "test-model"


async def test_a_client_that_leaves_is_noticed(server: ChatServer, http: httpx.AsyncClient) -> None:
    server.reply("one", "two", "three", stall_after=2)
    url = f"{server.base_url}/chat/completions"
    async with http.stream("POST", url, json={**ASK, "stream": True}) as response:
        async for line in response.aiter_lines():
            if "one" in line:
                break
    async with asyncio.timeout(1):
        await server.requests[0].closed.wait()
    assert server.requests[0].sent == ["one"]


async def test_a_cut_connection_is_a_protocol_error(server: ChatServer, http: httpx.AsyncClient) -> None:
    server.reply("one", "two", cut_after=2)
    with pytest.raises(httpx.RemoteProtocolError):
        await post(server, http, stream=True)


async def test_stopping_it_ends_a_stalled_reply(http: httpx.AsyncClient) -> None:
    async with ChatServer() as server:
        server.reply("one", stall_after=1)
        url = f"{server.base_url}/chat/completions"
        response = await http.send(http.build_request("POST", url, json={**ASK, "stream": True}), stream=True)
    with pytest.raises(httpx.RemoteProtocolError):
        await response.aread()


def test_a_server_that_does_not_run_has_no_address() -> None:
    with pytest.raises(RuntimeError, match="async with ChatServer"):
        _ = ChatServer().base_url
