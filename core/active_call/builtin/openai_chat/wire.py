"""The Chat Completions wire format: https://platform.openai.com/docs/api-reference/chat, and what compatible servers
(Ollama, vLLM, llama-server, DeepSeek, OpenRouter) do differently."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from active_call.plugin.values import LlmOptions, Message, Reasoning, ReplyRequest, Text, ToolCall, ToolSpec, Usage

from .endpoint import Endpoint

DONE = "[DONE]"
_OWN = frozenset({"messages", "stream"})
"""What `extra` cannot replace: the reply is read as a stream, and the messages are the call's."""


def request_body(
    endpoint: Endpoint, options: LlmOptions, extra: Mapping[str, Any], request: ReplyRequest
) -> dict[str, Any]:
    """`extra` is added last; a None in it takes a key away, for servers that refuse it."""
    body: dict[str, Any] = {
        "model": endpoint.model,
        "messages": [message_body(message) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [tool_body(tool) for tool in request.tools] or None,
        "temperature": options.temperature,
        # OpenAI's newer models refuse `max_tokens`; nobody else may be relied on to know the new name.
        "max_completion_tokens" if endpoint.vendor else "max_tokens": options.max_tokens,
    }
    body.update((key, value) for key, value in extra.items() if key not in _OWN)
    return {key: value for key, value in body.items() if value is not None}


def message_body(message: Message) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        body["content"] = message.content or None
        body["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        body["tool_call_id"] = message.tool_call_id
    return body


def tool_body(tool: ToolSpec) -> dict[str, Any]:
    parameters = dict(tool.parameters) or {"type": "object", "properties": {}}
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": parameters},
    }


@dataclass(slots=True)
class _Call:
    id: str
    name: str = ""
    arguments: str = ""


class ReplyDecoder:
    """Chunks in, values out. Tool calls and usage are kept until `finish`: only then are they whole."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._usage: Usage | None = None
        self.began = False
        """At least one chunk was a chunk of a reply."""
        self.done = False
        """`[DONE]` was read; nothing behind it counts."""

    def decode(self, chunk: Mapping[str, Any]) -> Iterator[Text | Reasoning]:
        """One `chat.completion.chunk`, or a whole `chat.completion` of a server that does not stream."""
        usage = chunk.get("usage")
        if isinstance(usage, Mapping):
            self._usage = Usage(
                input_tokens=_count(usage.get("prompt_tokens")), output_tokens=_count(usage.get("completion_tokens"))
            )
        for choice in _mappings(chunk.get("choices"))[:1]:
            self.began = True
            delta = choice.get("delta") or choice.get("message")
            if isinstance(delta, Mapping):
                yield from self._delta(delta)

    def finish(self) -> Iterator[ToolCall | Usage]:
        for call in self._calls:
            if call.name:
                yield ToolCall(id=call.id, name=call.name, arguments=call.arguments.strip() or "{}")
        if self._usage is not None:
            yield self._usage

    def _delta(self, delta: Mapping[str, Any]) -> Iterator[Text | Reasoning]:
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(thought, str) and thought:
            yield Reasoning(text=thought)
        content = delta.get("content")
        if isinstance(content, str) and content:
            yield Text(text=content)
        for part in _mappings(content):  # Mistral's form of a content with thoughts
            if part.get("type") == "text" and isinstance(part.get("text"), str):
                yield Text(text=part["text"])
        for fragment in _mappings(delta.get("tool_calls")):
            self._fragment(fragment)

    def _fragment(self, fragment: Mapping[str, Any]) -> None:
        call = self._call(fragment.get("index"), fragment.get("id") or "")
        function = fragment.get("function")
        if not isinstance(function, Mapping):
            return
        name, arguments = function.get("name"), function.get("arguments")
        if isinstance(name, str) and name and name != call.name:
            call.name += name
        if isinstance(arguments, str):
            call.arguments += arguments
        elif arguments is not None:  # some servers send the object itself
            call.arguments += json.dumps(arguments, ensure_ascii=False)

    def _call(self, index: object, id_: str) -> _Call:
        """Fragments belong together by index. Some servers leave it out, and Ollama once gave each call the index 0:
        a second id is a second call."""
        latest = self._calls[-1] if self._calls else None
        call = self._by_index.get(index) if isinstance(index, int) else latest
        if call is None or (id_ and call.id != id_):
            call = _Call(id_ or f"call_{uuid4().hex}")
            self._calls.append(call)
            if isinstance(index, int):
                self._by_index[index] = call
        return call


def payloads(data: str) -> Iterator[Mapping[str, Any]]:
    """The JSON objects of one event. Raises `ValueError` if it holds none.

    Several lines are one JSON text by the standard, but some servers forget the blank line between two events.
    """
    try:
        yield _object(data)
    except ValueError:
        if "\n" not in data:
            raise
        yield from [_object(line) for line in data.split("\n") if line.strip() not in ("", DONE)]


def _object(text: str) -> Mapping[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _count(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0
