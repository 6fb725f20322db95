"""Summaries while a call runs and when it is over."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.dialogue.snippets import LANGUAGES, Snippets
from active_call.dialogue.summary import (
    KEEP,
    KINDS,
    MARK,
    RollingSummary,
    plain,
    post_call_prompt,
    post_call_request,
    rolling_prompt,
)
from active_call.plugin.values import Message, ToolCall


def user(text: str) -> Message:
    return Message(role="user", content=text)


def talk(count: int) -> list[Message]:
    return [Message(role="user" if number % 2 == 0 else "assistant", content=str(number)) for number in range(count)]


def test_with_a_limit_of_four_and_fourteen_items_the_last_six_remain() -> None:
    messages = talk(13)  # and the system prompt
    summary = RollingSummary(4)
    assert summary.due(messages) == tuple(messages[:7])
    dropped = summary.done("They talked.", messages)
    assert messages[dropped:] == messages[-6:]
    assert summary.added_to("Be kind.") == "Be kind.\n\n[Previous Context Summary]: They talked."


@pytest.mark.parametrize(("limit", "count", "due"), [(4, 9, False), (4, 10, True), (20, 25, False), (20, 26, True)])
def test_it_waits_for_the_limit_and_as_many_as_are_kept(limit: int, count: int, due: bool) -> None:
    assert (RollingSummary(limit).due(talk(count)) is not None) is due


def test_without_a_limit_the_last_ones_are_kept_all_the_same() -> None:
    assert RollingSummary(0).due(talk(KEEP)) is None
    assert RollingSummary(0).due(talk(KEEP + 1)) == (talk(1)[0],)


def test_one_summary_is_made_at_a_time() -> None:
    summary = RollingSummary(4)
    assert summary.due(talk(20))
    assert summary.due(talk(22)) is None
    summary.done("They talked.", talk(22))
    assert summary.due(talk(22))


def test_what_was_said_meanwhile_stays() -> None:
    summary = RollingSummary(4)
    older = summary.due(talk(12))
    assert older is not None
    messages = talk(15)
    assert messages[summary.done("They talked.", messages) :] == messages[6:]


def test_a_summary_of_what_was_taken_back_meanwhile_is_not_used() -> None:
    summary = RollingSummary(4)
    summary.due(talk(12))
    assert summary.done("They talked.", talk(12)[1:]) == 0
    assert summary.added_to("Be kind.") == "Be kind."


def test_the_next_summary_continues_the_last() -> None:
    summary = RollingSummary(4)
    assert summary.request(talk(2), "Summarise.").messages == (*talk(2), user("Summarise."))
    summary.due(talk(12))
    summary.done("They talked.", talk(12))
    request = summary.request(talk(2), "Summarise.", scene="sales")
    assert request.messages == (
        Message(role="system", content=MARK + "They talked."),
        *talk(2),
        user("Summarise."),
    )
    assert request.reason == "summary"
    assert request.scene == "sales"
    assert request.tools == ()


@pytest.mark.parametrize("text", [None, "", " \n", "<hangup/>"])
def test_after_a_failure_nothing_changes_and_it_is_not_tried_at_once(text: str | None) -> None:
    summary = RollingSummary(4)
    summary.due(talk(12))
    if text is None:
        summary.failed(talk(12))
    else:
        assert summary.done(text, talk(12)) == 0
    assert summary.text == ""
    assert summary.due(talk(12 + KEEP - 1)) is None
    assert summary.due(talk(12 + KEEP)) is not None


def test_a_result_of_a_tool_stays_with_its_call() -> None:
    call = Message(role="assistant", content="", tool_calls=(ToolCall(id="1", name="f", arguments="{}"),))
    results = [Message(role="tool", content="ok", tool_call_id="1")] * 2
    messages = [*talk(4), call, *results, *talk(5)]
    assert RollingSummary(1).due(messages) == tuple(talk(4))
    assert RollingSummary(1).due([call, *results, *talk(5)]) is None


@given(st.lists(st.sampled_from(["user", "assistant", "tool", "system"]), max_size=40), st.integers(0, 10))
def test_the_newest_messages_are_never_summarised(roles: Sequence[str], limit: int) -> None:
    messages = [Message(role=role, content=str(at)) for at, role in enumerate(roles)]  # type: ignore[arg-type]
    summary = RollingSummary(limit)
    older = summary.due(messages)
    if older is not None:
        assert 0 < len(older) <= len(messages) - KEEP
        assert messages[len(older)].role != "tool"
        assert summary.done("Text.", [*messages, user("more")]) == len(older)


def test_the_rolling_prompt_is_there_in_any_language() -> None:
    assert rolling_prompt("zh", Snippets()) != rolling_prompt("en", Snippets()) == rolling_prompt("fr", Snippets())


# ---------------------------------------------------------------- when the call is over


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_summary_has_a_prompt_of_its_own(language: str) -> None:
    prompts = [post_call_prompt(kind, language, Snippets()) for kind in KINDS]
    assert all(prompts)
    assert len(set(prompts)) == len(KINDS)
    assert post_call_prompt(" JSON ", language, Snippets()) == post_call_prompt("json", language, Snippets())


def test_any_other_text_is_the_authors_prompt() -> None:
    assert post_call_prompt("Which dish did they order?", "en", Snippets()) == "Which dish did they order?"


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_no_summary_is_made_when_none_is_wanted(nothing: str | None) -> None:
    assert post_call_prompt(nothing, "en", Snippets()) is None


def test_the_prompt_follows_what_was_said() -> None:
    request = post_call_request(talk(2), "Summarise.", system="You sell.", scene="sales", variables={"a": "1"})
    assert request.messages == (Message(role="system", content="You sell."), *talk(2), user("Summarise."))
    assert request.reason == "summary"
    assert request.variables == {"a": "1"}
    assert post_call_request([], "Summarise.").messages == (user("Summarise."),)


@pytest.mark.parametrize(
    ("written", "summary"),
    [
        (" It went well.\n", "It went well."),
        ('```json\n{"intent": "a"}\n```', '{"intent": "a"}'),
        ('```\n{"intent": "a"}', '{"intent": "a"}'),
        ("Bye. <hangup/>", "Bye."),
        ("3 < 5", "3 < 5"),
    ],
)
def test_a_summary_is_freed_of_what_models_put_around_it(written: str, summary: str) -> None:
    assert plain(written) == summary
