import json
from typing import Any

import pytest

from active_call.builtin.openai_chat.endpoint import find_endpoint
from active_call.builtin.openai_chat.wire import ReplyDecoder, message_body, payloads, request_body
from active_call.plugin.values import (
    LlmOptions,
    Message,
    Reasoning,
    ReplyRequest,
    Text,
    ToolCall,
    ToolSpec,
    Usage,
)

LOCAL = "http://127.0.0.1:11434/v1"


def body(options: LlmOptions, **request: Any) -> dict[str, Any]:
    asked = ReplyRequest(messages=(Message(role="user", content="Hi"),), **request)
    return request_body(find_endpoint(options, {}), options, options.extra, asked)


def decode(*chunks: Any) -> list[Any]:
    decoder = ReplyDecoder()
    return [piece for chunk in chunks for piece in decoder.decode(chunk)] + list(decoder.finish())


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": None}]}


def fragment(**fields: Any) -> dict[str, Any]:
    return delta(tool_calls=[fields])


def test_a_plain_request_says_no_more_than_it_must() -> None:
    assert body(LlmOptions(base_url=LOCAL, model="m")) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_options_and_tools_are_passed_on() -> None:
    tools = (
        ToolSpec(name="look", description="Looks.", parameters={"type": "object"}),
        ToolSpec(name="x", description=""),
    )
    sent = body(LlmOptions(base_url=LOCAL, temperature=0.0, max_tokens=9), tools=tools)
    assert (sent["temperature"], sent["max_tokens"]) == (0.0, 9)
    assert [tool["function"] for tool in sent["tools"]] == [
        {"name": "look", "description": "Looks.", "parameters": {"type": "object"}},
        {"name": "x", "description": "", "parameters": {"type": "object", "properties": {}}},
    ]


def test_openai_itself_gets_the_new_name_of_the_limit() -> None:
    sent = body(LlmOptions(max_tokens=9))
    assert sent["max_completion_tokens"] == 9
    assert "max_tokens" not in sent


def test_extra_adds_and_removes_keys_but_cannot_touch_the_stream() -> None:
    extra = {"top_p": 0.5, "stream_options": None, "stream": False, "messages": [], "temperature": 1}
    sent = body(LlmOptions(base_url=LOCAL, temperature=0.0, extra=extra))
    assert (sent["top_p"], sent["temperature"], sent["stream"]) == (0.5, 1, True)
    assert sent["messages"]
    assert "stream_options" not in sent


def test_tool_calls_and_their_results_go_back_to_the_model() -> None:
    call = ToolCall(id="c1", name="look", arguments='{"a":1}')
    assert message_body(Message(role="assistant", content="", tool_calls=(call,))) == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}],
    }
    result = Message(role="tool", content="seen", tool_call_id="c1")
    assert message_body(result) == {"role": "tool", "content": "seen", "tool_call_id": "c1"}


def test_text_and_thoughts_come_as_they_are_written() -> None:
    assert decode(
        delta(role="assistant", content=None),
        delta(reasoning_content="hm"),
        delta(reasoning="so"),
        delta(content="Hel"),
        delta(content=""),
        delta(content=[{"type": "thinking", "thinking": []}, {"type": "text", "text": "lo"}]),
        {"choices": [{"index": 0, "delta": None, "finish_reason": "stop"}]},
        {"choices": []},
        {},
    ) == [Reasoning(text="hm"), Reasoning(text="so"), Text(text="Hel"), Text(text="lo")]


def test_interleaved_fragments_become_whole_tool_calls() -> None:
    assert decode(
        fragment(index=0, id="a", function={"name": "one", "arguments": ""}),
        fragment(index=1, id="b", function={"name": "two", "arguments": '{"x'}),
        fragment(index=0, function={"arguments": '{"y":'}),
        fragment(index=1, function={"arguments": '":1}'}),
        fragment(index=0, id="a", function={"name": None, "arguments": "2}"}),
    ) == [ToolCall(id="a", name="one", arguments='{"y":2}'), ToolCall(id="b", name="two", arguments='{"x":1}')]


def test_two_calls_under_one_index_stay_two() -> None:
    calls = decode(
        fragment(index=0, id="a", function={"name": "one", "arguments": "{}"}),
        fragment(index=0, id="b", function={"name": "two", "arguments": "{}"}),
    )
    assert [(call.id, call.name) for call in calls] == [("a", "one"), ("b", "two")]


def test_calls_without_index_id_or_textual_arguments_are_understood() -> None:
    (call,) = decode(
        fragment(function={"name": "one", "arguments": {"x": "é"}}), fragment(type="function"), fragment(index="?")
    )
    assert call.name == "one"
    assert call.id.startswith("call_")
    assert json.loads(call.arguments) == {"x": "é"}
    assert decode(fragment(index=0, id="a", function={"name": "one"})) == [ToolCall(id="a", name="one", arguments="{}")]


def test_usage_is_told_once_however_often_it_is_sent() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
    early = {**delta(content="x"), "usage": {"prompt_tokens": 3, "completion_tokens": None}}
    assert decode(early, delta(content="y"), usage)[-1] == Usage(input_tokens=3, output_tokens=4)
    assert decode({**delta(content="x"), "usage": None}) == [Text(text="x")]


def test_a_whole_completion_is_read_like_one_chunk() -> None:
    assert decode({"choices": [{"message": {"role": "assistant", "content": "Hello"}}]}) == [Text(text="Hello")]


def test_events_without_a_blank_line_between_them_are_taken_apart() -> None:
    assert list(payloads('{"a": 1}\n{"b": 2}\n[DONE]')) == [{"a": 1}, {"b": 2}]
    assert list(payloads('{"a":\n1}')) == [{"a": 1}]


@pytest.mark.parametrize("data", ["", "hello", "[1]", '{"a": 1}\nhello'])
def test_what_is_no_json_object_is_refused(data: str) -> None:
    with pytest.raises(ValueError):
        list(payloads(data))
