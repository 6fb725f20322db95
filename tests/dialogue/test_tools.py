"""What the tools a model names stand for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.dialogue.tools import (
    ALIKE,
    LONGEST_RESULT,
    NAMES,
    Call,
    Fetch,
    Lookup,
    Order,
    Step,
    fetched,
    invocation,
    looked_up,
    not_fetched,
    read_tool,
)
from active_call.playbook.acts import Collect, Goto, Hangup, Malformed, PlayFile, Refer, SendMessage, SetVar


@pytest.mark.parametrize(
    ("entry", "step"),
    [
        ({"name": "hangup"}, Hangup()),
        ({"name": "Hangup", "reason": "done", "initiator": "ai"}, Hangup("done")),
        ({"name": "refer", "caller": "", "callee": "sip:a@b.c"}, Refer("sip:a@b.c")),
        (
            {"name": "refer", "caller": "sip:x@y.z", "callee": "sip:a@b.c", "options": {"moh": "m.wav"}},
            Order({"command": "refer", "caller": "sip:x@y.z", "callee": "sip:a@b.c", "options": {"moh": "m.wav"}}),
        ),
        ({"name": "accept"}, Order({"command": "accept"})),
        ({"name": "accept", "options": {"denoise": True}}, Order({"command": "accept", "option": {"denoise": True}})),
        ({"name": "reject"}, Order({"command": "reject", "reason": "Rejected by agent"})),
        (
            {"name": "reject", "reason": "busy", "code": 486},
            Order({"command": "reject", "reason": "busy", "code": 486}),
        ),
        ({"name": "rag", "query": "prices"}, Lookup("prices")),
        ({"name": "rag", "query": "prices", "source": "shop"}, Lookup("prices", "shop")),
        ({"name": "http", "url": "https://a.b/c"}, Fetch("https://a.b/c")),
        (
            {"name": "http", "url": "https://a.b/c", "method": "post", "body": {"a": 1}, "headers": {"X": 2}},
            Fetch("https://a.b/c", "POST", '{"a": 1}', {"X": "2", "Content-Type": "application/json"}),
        ),
        (
            {"name": "http", "url": "https://a.b/c", "method": "PUT", "body": "a=1"},
            Fetch("https://a.b/c", "PUT", "a=1"),
        ),
        ({"name": "goto", "scene": "sales"}, Goto("sales")),
        ({"name": "set_var", "key": "age", "value": 42}, SetVar("age", "42")),
        ({"name": "set_var", "key": "city", "value": "北京"}, SetVar("city", "北京")),
        ({"name": "set_var", "key": "list", "value": ["北京"]}, SetVar("list", '["北京"]')),
        ({"name": "collect", "type": "pin", "var": "pin"}, Collect("pin", "pin")),
        ({"name": "message", "body": "hi", "refer": True}, SendMessage("hi", refer=True)),
        ({"name": "play", "file": "a.wav"}, PlayFile("a.wav")),
        ({"name": "goto", "arguments": {"scene": "sales"}}, Goto("sales")),
        ({"name": "goto", "arguments": '{"scene": "sales"}'}, Goto("sales")),
        ({"name": "order_status", "number": 7}, Call("order_status", {"number": 7})),
        ({"name": "order_status", "arguments": {"number": 7}}, Call("order_status", {"number": 7})),
    ],
)
def test_a_tool_becomes_what_it_stands_for(entry: Any, step: Step) -> None:
    assert read_tool(entry, ["order_status"]) == step


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("hangup", "a tool must be an object with a name"),
        (None, "a tool must be an object with a name"),
        ({}, "a tool has no name"),
        ({"name": 3}, "a tool has no name"),
        ({"name": "dance"}, "tool dance: there is no tool of this name"),
        ({"name": "refer"}, "tool refer: callee is missing"),
        ({"name": "refer", "callee": "a", "options": 1}, "tool refer: options must be an object"),
        ({"name": "reject", "code": 200}, "tool reject: code must be a SIP status from 300 to 699"),
        ({"name": "rag", "query": " "}, "tool rag: query is empty"),
        ({"name": "http", "url": "https://a", "method": "BREW"}, "tool http: method must be one of GET"),
        ({"name": "http", "url": "https://a", "headers": []}, "tool http: headers must be an object"),
        ({"name": "set_var", "key": "a"}, "tool set_var: value is missing"),
        ({"name": "goto", "scene": None}, "tool goto: scene is missing"),
    ],
)
def test_a_tool_that_cannot_be_read_says_why(entry: Any, problem: str) -> None:
    found = read_tool(entry)
    assert isinstance(found, Malformed)
    assert found.problem.startswith(problem)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
KEYS = ["name", "reason", "callee", "url", "method", "headers", "body", "key", "value", "code", "options", "arguments"]


@given(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(KEYS), JSON, max_size=5))
def test_no_arguments_make_it_raise(name: str, arguments: dict[str, Any]) -> None:
    step = read_tool({**arguments, "name": name})
    assert isinstance(step, Malformed) or invocation(step) is not None or name in ALIKE


def test_what_came_of_a_tool_is_told_to_the_model() -> None:
    assert fetched(200, '{"a": 1}').startswith('HTTP tool response (200): {"a": 1}\n')
    assert not_fetched("it took too long").startswith("HTTP tool request failed: it took too long\n")
    assert looked_up(Lookup("prices", "shop"), "ten") == "RAG result for prices: [shop] ten"
    assert looked_up(Lookup("prices"), "ten") == "RAG result for prices: ten"


def test_a_page_is_cut_before_the_model_reads_it() -> None:
    assert len(fetched(200, "x" * 100_000)) < LONGEST_RESULT + 200


@pytest.mark.parametrize(
    ("step", "data"),
    [
        (Fetch("https://a", "POST", "b"), {"tool": "Http", "params": {"url": "https://a", "method": "POST"}}),
        (Hangup("done"), {"tool": "Hangup", "params": {"reason": "done", "initiator": None}}),
        (Refer("sip:a@b"), {"tool": "Refer", "params": {"caller": "", "callee": "sip:a@b"}}),
        (Order({"command": "accept"}), {"tool": "Accept", "params": {}}),
        (Lookup("q"), {"tool": "Rag", "params": {"query": "q", "source": None}}),
        (Call("f", {"a": 1}), {"tool": "f", "params": {"a": 1}}),
        ("hello", None),
    ],
)
def test_those_who_watch_are_told_in_the_words_of_the_wire(step: Step, data: Any) -> None:
    assert invocation(step) == data
