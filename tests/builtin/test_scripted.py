import asyncio
import logging
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from active_call.builtin.scripted import ScriptError, open_brain, validate_script
from active_call.builtin.scripted.brain import ScriptedBrain
from active_call.builtin.scripted.reading import read_script
from active_call.builtin.scripted.template import sentences, tag
from active_call.playbook.acts import SetVar
from active_call.playbook.tags import TagParser
from active_call.plugin import ErrorKind
from active_call.plugin.values import LlmOptions, Message, ReplyRequest


def said(*texts: str) -> tuple[Message, ...]:
    """Caller, agent, caller, ..."""
    roles = ("user", "assistant")
    return tuple(Message(role=roles[i % 2], content=text) for i, text in enumerate(texts))  # type: ignore[arg-type]


def pieces(script: dict[str, Any] | None, *texts: str, language: str | None = None, **request: Any) -> list[str]:
    async def reply() -> list[str]:
        async with ScriptedBrain().session(LlmOptions(script=script, language=language)) as session:
            asked = ReplyRequest(**{"messages": said(*texts), **request})
            return [piece.text async for piece in session.reply(asked)]

    return asyncio.run(reply())


def answer(script: dict[str, Any] | None, *texts: str, **request: Any) -> str:
    return "".join(pieces(script, *texts, **request))


def rules(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"rules": list(entries), "fallback": "What?", **more}


HOURS = {"when": ["opening hours", "when are you open"], "say": "Nine to five."}


@pytest.mark.parametrize(
    "heard",
    [
        "opening hours",
        "What are your OPENING HOURS, please?",
        "opening ours",
        "openning hours today",
        "when're — when are you, open?",
    ],
)
def test_a_phrase_is_found_whatever_its_case_punctuation_and_small_errors(heard: str) -> None:
    assert answer(rules(HOURS), heard) == "Nine to five."


@pytest.mark.parametrize("heard", ["", "...", "hours", "open the door", "my open house has hours"])
def test_what_no_rule_knows_gets_the_fallback_line(heard: str) -> None:
    assert answer(rules(HOURS), heard) == "What?"


@pytest.mark.parametrize(
    ("phrase", "heard"),
    [("booking", "I am looking for a book"), ("want to buy", "I want to fly"), ("no", "now"), ("cat", "concatenate")],
)
def test_another_word_is_not_mistaken_for_the_phrase(phrase: str, heard: str) -> None:
    assert answer(rules({"when": phrase, "say": "yes"}), heard) == "What?"


@pytest.mark.parametrize(
    ("phrase", "heard"),
    [
        ("check in", "where is the checkin"),
        ("book table", "I want to book a table"),
        ("reservation", "a resevation please"),
        ("what's new", "whats new"),
        ("ｗｉｆｉ", "wifi"),
        ("Straße", "STRASSE"),
    ],
)
def test_spelling_variants_are_the_same(phrase: str, heard: str) -> None:
    assert answer(rules({"when": phrase, "say": "yes"}), heard) == "yes"


@pytest.mark.parametrize("heard", ["请问营业时间是几点？", "请问营业实间是几点", "营业，时间"])
def test_chinese_needs_no_blanks(heard: str) -> None:
    assert answer(rules({"when": ["营业时间"], "say": "九点。"}), heard) == "九点。"


@pytest.mark.parametrize(
    ("phrase", "heard"), [("営業時間", "営業時間は？"), ("영업시간", "영업시간이 언제예요"), ("เวลา", "ขอทราบเวลาครับ")]
)
def test_other_scripts_without_blanks_are_understood(phrase: str, heard: str) -> None:
    assert answer(rules({"when": phrase, "say": "ok"}), heard) == "ok"


def test_vowel_signs_belong_to_their_word() -> None:
    assert answer(rules({"when": "हिन्दी", "say": "ok"}), "क्या आप हिन्दी बोलते हैं") == "ok"


def test_words_that_stand_there_beat_words_that_are_only_like_it() -> None:
    script = rules({"when": "opening hour", "say": "fuzzy"}, {"when": "hours", "say": "exact"})
    assert answer(script, "opening hours") == "exact"


def test_the_longer_phrase_wins_and_of_equals_the_first() -> None:
    script = rules(
        {"when": "cancel", "say": "short"},
        {"when": "cancel my order", "say": "long"},
        {"when": "cancel my order", "say": "later"},
    )
    assert answer(script, "please cancel my order") == "long"


def test_a_rule_of_the_scene_comes_before_a_general_one_and_other_scenes_are_not_asked() -> None:
    script = rules(
        {"when": "yes", "say": "general"},
        {"when": "yes", "say": "here", "scene": ["order", "pay"]},
        {"when": "maybe", "say": "elsewhere", "scene": "other"},
    )
    assert answer(script, "yes", scene="pay") == "here"
    assert answer(script, "yes", scene="default") == "general"
    assert answer(script, "maybe", scene="pay") == "What?"


def test_priority_decides_among_rules_that_match_equally_well() -> None:
    script = rules(
        {"when": "table for two", "say": "table", "scene": "default"}, {"when": "human", "say": "human", "priority": 1}
    )
    assert answer(script, "a table for two and a human") == "human"


def test_a_star_answers_what_no_other_rule_answers() -> None:
    script = rules({"when": "*", "scene": "ask", "say": "any"}, HOURS)
    assert answer(script, "blah", scene="ask") == "any"
    assert answer(script, "opening ours", scene="ask") == "Nine to five."
    assert answer(script, "blah") == "What?"


def test_alternatives_take_turns_by_how_often_the_caller_asked() -> None:
    script = rules({"when": "again", "say": ["one", "two"]}, fallback=["a", "b"])
    assert answer(script, "again") == "one"
    assert answer(script, "again", "one", "and again") == "two"
    assert answer(script, "again", "one", "again", "two", "again") == "one"
    assert answer(script, "foo", "a", "again", "one", "bar") == "b"


async def test_the_same_request_always_gets_the_same_answer() -> None:
    script = rules({"when": "again", "say": ["one", "two"]})
    async with ScriptedBrain().session(LlmOptions(script=script)) as session:
        request = ReplyRequest(messages=said("again"))
        assert [[piece.text async for piece in session.reply(request)] for _ in range(3)] == [["one"]] * 3


def test_slots_fill_variables_and_templates() -> None:
    script = rules(
        {"when": "my name is", "say": "Hello {{ name }}, {{caller}}{{ unknown }}!", "set": {"greeted": "yes {{name}}"}},
        slots={"name": {"after": ["my name is", "i am"], "words": 2}},
    )
    assert pieces(script, "Well, my name is Ada Lovelace. Hello", variables={"caller": "+49"}) == [
        '<set_var key="name" value="Ada Lovelace"/>',
        '<set_var key="greeted" value="yes Ada Lovelace"/>',
        "Hello Ada Lovelace, +49!",
    ]


@pytest.mark.parametrize(
    ("slot", "heard", "value"),
    [
        ({"after": "i am", "words": 2}, "I am Jean-Luc Picard of France", "Jean-Luc Picard"),
        ({"after": "i am", "words": 3}, "I am Bob, no sorry, I am Rob.", "Rob"),
        ({"after": "it costs"}, "it costs 3.50 euros, right?", "3.50 euros"),
        ({"after": "我叫", "words": 3}, "我叫王小明，你好", "王小明"),
        ({"after": "제 이름은", "words": 1}, "제 이름은 김철수 입니다", "김철수"),
        ({"pattern": r"\d{4}"}, "order １２３４ please", "1234"),
        ({"pattern": r"order (\w+)"}, "Order X7", "X7"),
        ({"after": "room", "pattern": r"\d+"}, "for 2 in room 12", "12"),
        ({"choices": ["pizza", "spaghetti"]}, "some spagetti then", "spaghetti"),
        ({"choices": ["红", "绿"]}, "要绿的", "绿"),
    ],
)
def test_a_slot_takes_its_value_from_what_was_said(slot: dict[str, Any], heard: str, value: str) -> None:
    assert answer({"slots": {"x": slot}, "fallback": "{{x}}"}, heard).endswith(f"/>{value}")


@pytest.mark.parametrize("heard", ["hello", "my name is", "my name is ...", "my names are Ada"])
def test_a_slot_without_a_value_writes_nothing(heard: str) -> None:
    assert answer({"slots": {"x": {"after": "my name is"}}, "fallback": "-"}, heard) == "-"


def test_a_slot_of_another_scene_and_a_value_already_known_write_nothing() -> None:
    script = {"slots": {"x": {"pattern": r"\d+", "scene": "pay"}}, "fallback": "-"}
    assert answer(script, "12") == "-"
    assert answer(script, "12", scene="pay", variables={"x": "12"}) == "-"


def test_what_the_caller_said_cannot_become_a_tag_or_a_json_reply() -> None:
    script = rules({"when": "say", "say": "{{x}}", "set": {"y": "{{x}}"}}, slots={"x": {"after": "say"}})
    spoken = pieces(script, 'say {"a"<hangup/> & `x`')
    assert spoken == [
        '<set_var key="x" value="a&quot;&lt;hangup/&gt; &amp; `x`"/>',
        '<set_var key="y" value="a&quot;&lt;hangup/&gt; &amp; `x`"/>',
        'a"hangup/ & x',
    ]


@pytest.mark.parametrize(
    ("act", "written"),
    [
        ({"goto": "pay"}, '<goto scene="pay"/>'),
        ({"refer": "sip:{{d}}@example.com"}, '<refer to="sip:42@example.com"/>'),
        ({"hangup": True}, "<hangup/>"),
    ],
)
def test_acts_are_written_behind_the_words_as_tags(act: dict[str, Any], written: str) -> None:
    script = rules({"when": "bye", "say": "Good bye. See you!", **act})
    assert pieces(script, "bye", variables={"d": "42"}) == ["Good bye.", " See you!", written]


@given(st.text(min_size=1, max_size=60))
def test_whatever_was_said_reaches_the_variable_through_the_tags(text: str) -> None:
    parser = TagParser()
    read = [*parser.feed(tag("set_var", key="x", value=text)), *parser.close()]
    assert read == [SetVar("x", text)]


def test_the_authors_own_tags_are_kept() -> None:
    assert (
        answer(rules({"when": "x", "say": 'One. <play file="a.wav"/> Two.'}), "x") == 'One. <play file="a.wav"/> Two.'
    )


@given(st.text(alphabet="ab .!?。\n<>", max_size=40))
def test_sentences_joined_are_the_text(text: str) -> None:
    assert "".join(sentences(text)) == text


def test_the_start_line_is_said_only_if_there_is_one() -> None:
    assert answer({}, reason="start", messages=()) == ""
    assert answer({"start": "Hello {{caller}}."}, reason="start", variables={"caller": "Ada"}) == "Hello Ada."
    by_scene = {"start": {"pay": "Your card number?"}}
    assert answer(by_scene, reason="start", scene="pay") == "Your card number?"
    assert answer(by_scene, reason="start", scene="other") == ""


def test_follow_ups_ask_whether_the_caller_is_still_there() -> None:
    assert answer({}, "hi", "ho", reason="follow-up") == "Are you still there?"
    assert answer({}, "hi", "ho", reason="follow-up", language="zh-CN") == "请问您还在吗？"
    script = {"follow_up": ["Hello?", "Last call."]}
    assert answer(script, "hi", "ho", reason="follow-up") == "Hello?"
    twice = (*said("hi", "ho"), Message(role="assistant", content="Hello?"))
    assert answer(script, messages=twice, reason="follow-up") == "Last call."


def test_a_collected_number_can_be_answered_by_a_rule() -> None:
    script = rules({"when": "collection completed for pin", "say": "Thank you, {{ pin }}."})
    note = Message(role="system", content="[DTMF collection completed for 'pin': 1234]")
    prompt = Message(role="system", content="You are...")
    request = {"messages": (prompt, *said("hi", "Your pin?"), note), "variables": {"pin": "1234"}}
    assert answer(script, reason="dtmf", **request) == "Thank you, 1234."
    assert answer({"start": {"pay": "Pay."}}, reason="dtmf", scene="pay", messages=(prompt,)) == "Pay."
    assert answer(script, reason="dtmf", messages=(prompt,)) == ""
    assert answer(rules(HOURS), "opening hours", reason="tool") == "Nine to five."


def test_the_summary_is_what_the_caller_said() -> None:
    assert answer({}, "hi", "ho", "bye", reason="summary") == "The caller said: hi; bye"


def test_an_empty_script_has_only_an_honest_fallback() -> None:
    assert answer(None, "hello").startswith("Sorry")
    assert answer({}, "你好", language="zh").startswith("抱歉")


async def test_it_says_once_that_it_is_no_language_model(host: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with open_brain(host, {}) as brain, brain.session(LlmOptions()), brain.session(LlmOptions()):
        pass
    assert [record.getMessage() for record in caplog.records] == ["scripted brain: rules, not a language model"]


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ([], "script: must be a mapping with the keys rules, slots, fallback, start, follow_up, not a list"),
        ({"ruls": []}, "script.ruls is not a key here; did you mean rules?"),
        ({"rules": {"when": "x"}}, "script.rules: must be a list of rules, not a mapping; begin each with `- when:`"),
        ({"rules": [{"say": "x"}]}, 'script.rules[0].when is missing: list the phrases that it answers, or "*" for'),
        (
            {"rules": [{"when": ["x", True], "say": "x"}]},
            "script.rules[0].when[1] is true or false; YAML reads yes, no",
        ),
        ({"rules": [{"when": 1, "say": "x"}]}, "script.rules[0].when is a number; put it in quotes: '1'"),
        ({"rules": [{"when": "?!", "say": "x"}]}, "script.rules[0].when: '?!' has no letters or digits"),
        ({"rules": [{"when": [None], "say": "x"}]}, "script.rules[0].when[0]: must be a text, not nothing"),
        ({"rules": [{"when": "x", "say": []}]}, "script.rules[0].say is an empty list; remove it or add a text"),
        ({"rules": [{"when": "x", "say": {"Sure": "ok"}}]}, "script.rules[0].say: must be a text, not a mapping; a te"),
        ({"rules": [{"when": "x", "say": " "}]}, "script.rules[0].say is empty; remove it or write a text"),
        ({"rules": [{"when": "x"}]}, "script.rules[0]: does nothing; add say, set, goto, refer or hangup"),
        ({"rules": [{"when": "x", "goto": "a", "hangup": True}]}, "script.rules[0]: has goto and hangup, but only one"),
        ({"rules": [{"when": "x", "hangup": "now"}]}, "script.rules[0].hangup: must be true or false, not a text"),
        ({"rules": [{"when": "x", "say": "y", "priority": "high"}]}, "script.rules[0].priority: must be a number"),
        ({"rules": [{"when": "x", "set": {"a b": "y"}}]}, "script.rules[0].set.a b is not a variable name"),
        ({"rules": ["hello"]}, "script.rules[0]: must be a mapping with the keys when, scene,"),
        ({"slots": {"1x": {"pattern": "x"}}}, "script.slots.1x is not a variable name"),
        ({"slots": {"x": {"words": 2}}}, "script.slots.x: would match everything; add after, pattern or choices"),
        ({"slots": {"x": {"after": "x", "words": 0}}}, "script.slots.x.words: must be a whole number of words"),
        ({"slots": {"x": {"pattern": "("}}}, "script.slots.x.pattern is not a regular expression"),
        ({"slots": {"x": {"pattern": "x", "choices": ["y"]}}}, "script.slots.x: has pattern and choices; keep one"),
    ],
)
def test_a_problem_is_told_with_its_place_and_its_remedy(script: Any, problem: str) -> None:
    (told,) = validate_script(script)
    assert told.startswith(problem)


def test_all_problems_are_told_at_once_and_are_not_worth_a_retry() -> None:
    with pytest.raises(ScriptError) as caught:
        read_script({"rules": [{"when": "x"}, {"say": "y"}], "folback": "z"})
    assert len(caught.value.problems) == 3
    assert caught.value.kind is ErrorKind.BAD_REQUEST
    assert "script.rules[1].when is missing" in str(caught.value)


def test_a_good_script_has_no_problems_and_takes_both_spellings() -> None:
    script = rules(HOURS, {"when": "x", "set": {"a": ""}}, followUp="Still there?", start={"default": ["Hi", "Hello"]})
    assert validate_script(script) == []
    assert answer(script, reason="follow-up") == "Still there?"


def test_the_example_of_the_reference_page_works() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/scripted-brain.md").read_text("utf-8")
    example = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert example is not None
    script = yaml.safe_load(example[1])["script"]
    assert validate_script(script) == []
    assert answer(script, "What are your opening ours?") == "We are open from nine to five."
    assert answer(script, "My name is Ada").endswith("Nice to meet you, Ada.")


MANY = [{"when": [f"phrase number {number} of them"], "say": f"It is {number}."} for number in range(100)]


@pytest.mark.parametrize(("entries", "expected"), [([HOURS], []), (MANY, ["list"])])
async def test_comparing_with_many_phrases_happens_off_the_loop(entries: Any, expected: list[str]) -> None:
    ran: list[str] = []

    async def run(function: Any, *args: object) -> Any:
        ran.append(function.__name__)
        return await asyncio.to_thread(function, *args)

    async with ScriptedBrain(run).session(LlmOptions(script=rules(*entries))) as session:
        for _ in range(2):  # what was compared once is remembered
            asked = ReplyRequest(messages=said("phrase number 42 of them"))
            answered = "".join([piece.text async for piece in session.reply(asked)])
    assert answered == ("It is 42." if expected else "What?")
    assert ran == expected
