"""Context repair after the agent began to answer too early."""

from typing import Literal

import pytest

from active_call.dialogue.repair import FRAGMENT, with_caller
from active_call.plugin.values import Message, ToolCall


def message(role: Literal["user", "assistant"], text: str) -> Message:
    return Message(role=role, content=text)


def said(history: list[Message], text: str, *, cut_short: bool = True, since_ms: int = 1000) -> list[tuple[str, str]]:
    after = with_caller(history, text, cut_short=cut_short, since_ms=since_ms, window_ms=3000)
    return [(item.role, item.content) for item in after]


@pytest.mark.parametrize(
    ("first", "then", "joined"),
    [("我想订", "两张票", "我想订，两张票"), ("I want to book", "a table", "I want to book a table")],
)
def test_an_answer_cut_after_its_first_words_is_withdrawn_and_the_texts_are_joined(
    first: str, then: str, joined: str
) -> None:
    history = [message("assistant", "Hello."), message("user", first), message("assistant", "Sure")]
    assert said(history, then) == [("assistant", "Hello."), ("user", joined)]


def test_a_fragment_that_answered_nobody_is_withdrawn() -> None:
    assert said([message("assistant", "Hel")], "hello") == [("user", "hello")]


def test_an_answer_that_was_heard_whole_stays_however_short() -> None:
    history = [message("user", "hi"), message("assistant", "Your name?")]
    assert said(history, "Ann", cut_short=False)[1:] == [("assistant", "Your name?"), ("user", "Ann")]


def test_an_answer_of_which_enough_was_heard_stays() -> None:
    history = [message("user", "hi"), message("assistant", "x" * FRAGMENT)]
    assert len(said(history, "more")) == 3
    assert len(said([history[0], message("assistant", "x" * (FRAGMENT - 1))], "more")) == 1


def test_after_the_window_it_is_a_turn_of_its_own() -> None:
    history = [message("user", "hi"), message("assistant", "Sure")]
    assert len(said(history, "more", since_ms=2999)) == 1
    assert len(said(history, "more", since_ms=3000)) == 3


def test_what_called_a_tool_stays() -> None:
    call = Message(role="assistant", content="", tool_calls=(ToolCall(id="1", name="f", arguments="{}"),))
    assert len(said([message("user", "hi"), call], "more")) == 3


def test_without_an_answer_there_is_nothing_to_repair() -> None:
    assert said([], "hi") == [("user", "hi")]
    assert said([message("user", "hi")], "there") == [("user", "hi"), ("user", "there")]
