"""Replies that are JSON."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from active_call.dialogue.json_reply import (
    LONGEST,
    WAIT_INPUT_MS,
    JsonReader,
    JsonReply,
    Mode,
    Unreadable,
    read_reply,
)
from active_call.dialogue.tools import Fetch, Lookup
from active_call.playbook.acts import Goto, Hangup, Malformed, SetVar


def read(*pieces: str) -> tuple[str, JsonReply | Unreadable | None]:
    """What passed through as speech, and the JSON if it was that."""
    reader = JsonReader()
    spoken = "".join(reader.feed(piece) for piece in pieces)
    end = reader.close()
    return (spoken + end, None) if isinstance(end, str) else (spoken, end)


def reply(*pieces: str) -> JsonReply:
    spoken, found = read(*pieces)
    assert spoken == ""
    assert isinstance(found, JsonReply)
    return found


# ---------------------------------------------------------------- which kind


@pytest.mark.parametrize(
    "text",
    ["Hello", "  Hello {name}", "\n\n", "", "`", "``", "`yes` is what I said", "你好", "<hangup/>", "[1]"],
)
def test_text_passes_through_unchanged(text: str) -> None:
    assert read(text) == (text, None)


def test_text_is_not_held_back_once_it_is_known_to_be_text() -> None:
    reader = JsonReader()
    assert reader.feed(" ") == ""
    assert reader.feed("Hel") == " Hel"
    assert reader.feed("{lo") == "{lo"
    assert reader.mode is Mode.SPEECH


@given(st.text("{`a \n", max_size=12), st.lists(st.integers(0, 12)))
@example("``` x", [1, 2, 3])
def test_nothing_is_lost_and_the_cuts_do_not_matter(text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in pairwise(places)]
    spoken, found = read(*pieces)
    assert (spoken, found) == read(text)
    assert found is not None or spoken == text


# ---------------------------------------------------------------- what it says


BYE: dict[str, Any] = {"text": "Bye.", "tools": [{"name": "hangup", "reason": "done"}]}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(BYE),
        f"\n {json.dumps(BYE, indent=2)} \n",
        f"```json\n{json.dumps(BYE)}\n```",
        f"```\n{json.dumps(BYE)}\n```\n",
        f"``` JSON {json.dumps(BYE)}",
        f"`{json.dumps(BYE)}`",
        f"\ufeff{json.dumps(BYE)}",
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_json_is_read_with_or_without_a_fence_however_it_comes(text: str, size: int) -> None:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert reply(*pieces) == JsonReply(("Bye.", Hangup("done")))


def test_the_wait_is_told_and_has_a_default() -> None:
    assert reply('{"text": "Hi", "waitInputTimeout": 1500}').wait_input_ms == 1500
    assert reply('{"text": "Hi"}').wait_input_ms == WAIT_INPUT_MS
    assert reply('{"text": "Hi", "wait_input_timeout": 2.5e3}').wait_input_ms == 2500


@pytest.mark.parametrize("wait", ['"soon"', "-1", "true", "1e400", "NaN", "[]"])
def test_a_wait_that_is_no_time_is_reported_and_the_rest_counts(wait: str) -> None:
    found = reply(f'{{"text": "Hi", "waitInputTimeout": {wait}}}')
    assert found == JsonReply(("Hi", Malformed("", '"waitInputTimeout" must be a number of milliseconds')))


def test_text_beside_a_tool_is_spoken_before_it() -> None:
    found = reply('{"tools": [{"name": "http", "url": "https://a.b"}], "text": "One moment."}')
    assert found.steps == ("One moment.", Fetch("https://a.b"))
    assert found.text == "One moment."
    assert found.requests == (Fetch("https://a.b"),)


def test_tools_keep_their_order() -> None:
    tools = [
        {"name": "set_var", "key": "a", "value": "1"},
        {"name": "rag", "query": "q"},
        {"name": "goto", "scene": "s"},
    ]
    assert reply(json.dumps({"tools": tools})).steps == (SetVar("a", "1"), Lookup("q"), Goto("s"))


def test_one_bad_tool_does_not_void_the_rest() -> None:
    found = reply('{"text": "Known.", "tools": [{"name": "dance"}, 7, {"name": "hangup"}]}')
    assert found.text == "Known."
    assert found.steps[-1] == Hangup()
    assert [step.problem for step in found.steps if isinstance(step, Malformed)] == [
        "tool dance: there is no tool of this name",
        "a tool must be an object with a name",
    ]


def test_one_tool_need_not_stand_in_a_list() -> None:
    assert reply('{"tools": {"name": "hangup"}}').steps == (Hangup(),)


def test_tags_within_the_text_are_carried_out_and_not_spoken() -> None:
    found = reply('{"text": "Bye. <hangup/>"}')
    assert found.steps == ("Bye. ", Hangup())


def test_raw_line_breaks_in_a_text_are_read() -> None:
    assert reply('{"text": "one\ntwo"}').text == "one\ntwo"


def test_what_stands_behind_the_json_is_reported_and_not_spoken() -> None:
    found = reply('{"text": "Hi"} {"text": "again"}')
    assert found == JsonReply(("Hi", Malformed("", "what stands behind a JSON reply is left out")))


# ---------------------------------------------------------------- what cannot be read


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"text": "half', "a JSON reply cannot be read: "),
        ("{name}, hello", "a JSON reply cannot be read: "),
        ("```python\nprint(1)\n```", "a JSON reply cannot be read: "),
        ("```json\n[1]\n```", "a JSON reply must be an object"),
        ("{}", 'a JSON reply has neither "text" nor "tools"'),
        ('{"text": "", "tools": []}', 'a JSON reply has neither "text" nor "tools"'),
        ('{"answer": "hi"}', 'a JSON reply has neither "text" nor "tools"'),
        ('{"a": ' + "[" * 20_000, "a JSON reply cannot be read: it is nested too deeply"),
        ('{"a": ' + "1" * 5000 + "}", "a JSON reply cannot be read: a number in it is too long"),
        ('{"a": "' + "x" * LONGEST, "a JSON reply of "),
    ],
)
def test_what_cannot_be_read_is_reported_and_never_spoken(text: str, problem: str) -> None:
    spoken, found = read(text[:7], text[7:])
    assert spoken == ""
    assert isinstance(found, Unreadable)
    assert found.problem.startswith(problem)


def test_the_report_does_not_repeat_what_the_model_wrote() -> None:
    found = read_reply('{"text": secret}')
    assert isinstance(found, Unreadable)
    assert "secret" not in found.problem


def test_a_text_that_is_no_text_is_reported() -> None:
    found = reply('{"text": ["a"], "tools": [{"name": "hangup"}]}')
    assert found.steps == (Hangup(), Malformed("", '"text" of a JSON reply must be a text'))


@given(st.text('{}[]",:ate1 `<>/', max_size=30))
def test_no_reply_makes_it_raise(text: str) -> None:
    read("{" + text)
    read("```" + text)
