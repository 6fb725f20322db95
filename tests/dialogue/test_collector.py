"""Digits from the keypad: the table of a collector."""

from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.dialogue.collector import (
    LONGEST,
    PROMPT_LIMIT_MS,
    SPEECH_LIMIT_MS,
    Collector,
    State,
    unknown_collector,
)
from active_call.dialogue.keypad import (
    Ask,
    Begun,
    CallerBegan,
    CallerSaid,
    CallerSaidNothing,
    Dropped,
    Effect,
    Event,
    Note,
    PassOn,
    Pressed,
    PromptOver,
    Say,
    SetVariable,
    StopPrompt,
    Tick,
)
from active_call.playbook.model import DtmfCollector


def rules(**keys: Any) -> DtmfCollector:
    return DtmfCollector.model_validate(keys)


def begun(*, prompt: str | None = None, language: str = "en", **keys: Any) -> Collector:
    collector = Collector(rules(**keys), "pin", prompt=prompt, language=language)
    effects = collector.step(Begun(), 0)
    assert effects == ([Say(prompt)] if prompt else [])
    return collector


def press(collector: Collector, keys: str, now_ms: int = 0) -> list[Effect]:
    return list(chain.from_iterable(collector.step(Pressed(key), now_ms) for key in keys))


def completed(digits: str) -> list[Effect]:
    return [SetVariable("pin", digits), Note(f"[DTMF collection completed for 'pin': {digits}]"), Ask()]


TIMED_OUT = [Note("[DTMF collection timed out for 'pin']"), Ask()]


# ---------------------------------------------------------------- digits


def test_it_completes_at_the_last_of_the_wanted_digits() -> None:
    collector = begun(digits=4)
    assert press(collector, "123") == []
    assert press(collector, "4") == completed("1234")
    assert collector.done
    assert press(collector, "5") == []


def test_it_completes_at_the_most_digits() -> None:
    collector = begun(minDigits=2, maxDigits=3)
    assert press(collector, "12") == []
    assert press(collector, "3") == completed("123")


def test_with_a_finish_key_it_waits_for_the_key() -> None:
    collector = begun(digits=4, finishKey="#")
    assert press(collector, "1234") == []
    assert press(collector, "#") == completed("1234")


def test_more_digits_than_wanted_before_the_finish_key_are_asked_for_again() -> None:
    collector = begun(maxDigits=4, finishKey="#")
    assert press(collector, "12345#") == [Say("Expected at most 4 digits, got 5", 1)]


def test_other_keys_than_the_finish_key_are_digits_and_what_is_no_key_is_nothing() -> None:
    collector = begun(digits=4)
    assert press(collector, "*#") == []
    assert press(collector, "x") + collector.step(Pressed(""), 0) + collector.step(Pressed("12"), 0) == []
    assert press(collector, "a1") == completed("*#A1")


def test_the_finish_key_alone_is_an_empty_value_where_no_digit_is_needed() -> None:
    assert press(begun(finishKey="#"), "#") == completed("")
    assert press(begun(finishKey="#", minDigits=1), "#") == [Say("Expected at least 1 digits, got 0", 1)]


def test_a_number_without_any_bound_ends_when_it_is_too_long() -> None:
    assert press(begun(), "1" * LONGEST) == completed("1" * LONGEST)


# ---------------------------------------------------------------- time


def test_nothing_pressed_in_time_is_a_note_and_an_answer() -> None:
    collector = begun(digits=4, timeout=10)
    assert collector.deadline_ms == 10_000
    assert collector.step(Tick(), 9_999) == []
    assert collector.step(Tick(), 10_000) == TIMED_OUT
    assert collector.deadline_ms is None


def test_a_pause_between_keys_finishes() -> None:
    collector = begun(minDigits=2, interDigitTimeout=3)
    press(collector, "1", 1000)
    press(collector, "2", 2000)
    assert collector.deadline_ms == 5000
    assert collector.step(Tick(), 5000) == completed("12")


def test_the_time_in_all_finishes_with_what_is_there() -> None:
    collector = begun(timeout=4, interDigitTimeout=3)
    press(collector, "1", 3500)
    assert collector.deadline_ms == 4000
    assert collector.step(Tick(), 4000) == completed("1")


def test_too_few_digits_after_a_pause_are_asked_for_again() -> None:
    collector = begun(digits=4, interDigitTimeout=3)
    press(collector, "12")
    assert collector.step(Tick(), 3000) == [Say("Expected at least 4 digits, got 2", 1)]


def test_the_timers_start_when_the_prompt_was_heard() -> None:
    collector = begun(prompt="Your PIN, please.", timeout=10)
    assert collector.step(Tick(), 60_000) == []
    collector.step(PromptOver(), 61_000)
    assert collector.deadline_ms == 71_000


def test_a_prompt_whose_end_is_never_told_does_not_hold_the_call() -> None:
    collector = begun(prompt="Your PIN, please.")
    assert collector.deadline_ms == PROMPT_LIMIT_MS
    collector.step(Tick(), PROMPT_LIMIT_MS)
    assert collector.state is State.WAITING


def test_a_late_tick_does_not_let_a_key_in_that_came_too_late() -> None:
    collector = begun(timeout=10)
    assert collector.step(Pressed("1"), 10_500) == TIMED_OUT


# ---------------------------------------------------------------- prompts and retries


def test_a_key_pressed_over_the_prompt_stops_it_and_counts() -> None:
    collector = begun(prompt="Your PIN, please.", digits=2, interDigitTimeout=5)
    assert press(collector, "1", 700) == [StopPrompt()]
    assert collector.deadline_ms == 5_700
    assert collector.step(PromptOver(), 800) == []
    assert press(collector, "2", 900) == completed("12")


def test_what_does_not_match_is_asked_for_again_with_the_message_and_new_timers() -> None:
    validation = {"pattern": "^1", "errorMessage": "It begins with a one."}
    collector = begun(digits=2, timeout=10, validation=validation)
    assert press(collector, "23", 8000) == [Say("It begins with a one.", 1)]
    collector.step(PromptOver(1), 20_000)
    assert collector.deadline_ms == 30_000
    assert press(collector, "12", 21_000) == completed("12")


def test_the_end_of_an_earlier_prompt_does_not_start_the_timers_of_the_next() -> None:
    collector = begun(prompt="Your PIN, please.", minDigits=1, finishKey="#", timeout=10)
    assert press(collector, "#", 500) == [StopPrompt(), Say("Expected at least 1 digits, got 0", 1)]
    collector.step(PromptOver(0), 510)
    assert collector.state is State.PROMPTING
    collector.step(PromptOver(1), 2000)
    assert collector.deadline_ms == 12_000


def test_without_a_message_the_reason_is_said_in_the_language_of_the_playbook() -> None:
    assert press(begun(digits=1, validation={"pattern": "1"}), "2") == [Say("Input format is incorrect", 1)]
    assert press(begun(digits=1, validation={"pattern": "1"}, language="zh"), "2") == [Say("输入格式不正确", 1)]


def test_the_message_is_the_authors_and_may_be_a_template() -> None:
    written = rules(digits=1, validation={"pattern": "1", "errorMessage": "Sorry, {{ name }}."})
    collector = Collector(written, "pin", render=lambda text: text.replace("{{ name }}", "Ann"))
    collector.step(Begun(), 0)
    assert press(collector, "2") == [Say("Sorry, Ann.", 1)]


def test_after_the_last_retry_the_brain_is_told() -> None:
    collector = begun(digits=1, retryTimes=2, validation={"pattern": "1"})
    asked_again = Say("Input format is incorrect", 1), StopPrompt(), Say("Input format is incorrect", 2)
    assert press(collector, "22") == list(asked_again)
    collector.step(PromptOver(2), 0)
    assert press(collector, "2") == [Note("[DTMF collection failed for 'pin' after 2 retries]"), Ask()]
    assert collector.done


def test_without_retries_the_first_mistake_is_the_last() -> None:
    assert press(begun(digits=1, retryTimes=0, validation={"pattern": "1"}), "2")[-1] == Ask()


def test_a_pattern_that_would_stop_every_call_is_searched_in_bounded_time() -> None:
    pattern = r"^(\d+)+$"
    assert press(begun(digits=40, validation={"pattern": pattern}), "1" * 39 + "*") == [
        Say("Input format is incorrect", 1)
    ]


def test_a_pattern_that_cannot_be_searched_so_is_not_used_and_reported() -> None:
    collector = begun(digits=2, validation={"pattern": r"(\d)\1"})
    assert collector.problem == r"the pattern of the collector for 'pin' is not used: \1 is not known here"
    assert press(collector, "12") == completed("12")


# ---------------------------------------------------------------- speech


def test_speech_is_ignored_while_collecting() -> None:
    collector = begun(digits=1, timeout=10)
    assert collector.step(CallerBegan(), 1000) == []
    assert collector.step(CallerSaid("My pin is one"), 2000) == []
    assert collector.deadline_ms == 10_000
    assert press(collector, "1", 3000) == completed("1")


@pytest.mark.parametrize("prompt", [None, "Your PIN, please."])
def test_speech_ends_an_interruptible_collector_and_goes_to_the_dialogue(prompt: str | None) -> None:
    collector = begun(prompt=prompt, digits=4, interruptible=True)
    collector.step(CallerBegan(), 100)
    assert collector.step(CallerSaid("I forgot it."), 2000) == [
        Note("[DTMF collection ended for 'pin': the caller spoke instead]"),
        PassOn("I forgot it."),
    ]
    assert collector.done


def test_typed_text_ends_it_as_well() -> None:
    assert begun(interruptible=True).step(CallerSaid("Hello?"), 10)[-1] == PassOn("Hello?")


def test_the_timers_stand_still_while_the_caller_speaks() -> None:
    collector = begun(interruptible=True, timeout=10)
    collector.step(CallerBegan(), 9_000)
    assert collector.step(Tick(), 15_000) == []
    assert collector.step(CallerSaidNothing(), 16_000) == []
    assert collector.deadline_ms == 26_000


def test_a_cough_over_the_prompt_changes_nothing() -> None:
    collector = begun(prompt="Your PIN, please.", interruptible=True, timeout=10)
    collector.step(CallerBegan(), 100)
    collector.step(CallerSaid(" "), 200)
    assert collector.state is State.PROMPTING
    collector.step(CallerBegan(), 300)
    collector.step(PromptOver(), 400)
    collector.step(CallerSaidNothing(), 500)
    assert collector.deadline_ms == 10_500


def test_keys_count_although_the_caller_spoke() -> None:
    collector = begun(prompt="Your PIN, please.", digits=1, interruptible=True)
    collector.step(CallerBegan(), 100)
    assert press(collector, "1", 200) == [StopPrompt(), *completed("1")]


def test_a_caller_of_whom_nothing_more_is_told_does_not_hold_the_call() -> None:
    collector = begun(interruptible=True, timeout=10)
    collector.step(CallerBegan(), 0)
    collector.step(Tick(), SPEECH_LIMIT_MS)
    assert collector.deadline_ms == SPEECH_LIMIT_MS + 10_000


# ---------------------------------------------------------------- the rest


def test_a_hang_up_drops_it_without_a_result() -> None:
    collector = begun(digits=4, timeout=10)
    press(collector, "12")
    assert collector.step(Dropped(), 20_000) == []
    assert collector.done
    assert collector.deadline_ms is None


def test_an_unknown_type_is_told_with_the_known_ones() -> None:
    assert unknown_collector("zip", ["pin", "card"]) == (
        "[Unknown DTMF collector type 'zip'. Available types: card, pin]"
    )
    assert unknown_collector("zip", []).endswith("Available types: none]")


# ---------------------------------------------------------------- whatever happens

EVENTS = st.one_of(
    st.sampled_from("0123456789*#A?").map(Pressed),
    st.sampled_from([CallerBegan(), CallerSaid("one"), CallerSaid(" "), CallerSaidNothing(), Tick(), Begun()]),
    st.integers(0, 3).map(PromptOver),
)
RULES = st.builds(
    DtmfCollector,
    digits=st.sampled_from([None, 0, 1, 3]),
    min_digits=st.sampled_from([None, 2]),
    max_digits=st.sampled_from([None, 2, 4]),
    finish_key=st.sampled_from([None, "#", "*"]),
    timeout=st.sampled_from([0, 1, 15]),
    inter_digit_timeout=st.sampled_from([0, 1, 5]),
    validation=st.sampled_from([None, {"pattern": "^1"}, {"pattern": "9", "error_message": "With a nine."}]),
    retry_times=st.integers(0, 3),
    interruptible=st.booleans(),
)
STEPS = st.lists(st.tuples(EVENTS, st.sampled_from([0, 1, 300, 1000, 6000, 130_000])), max_size=40)


@given(RULES, st.sampled_from([None, "Please."]), STEPS)
def test_it_ends_exactly_once_and_keeps_its_promises(
    given_rules: DtmfCollector, prompt: str | None, steps: list[tuple[Event, int]]
) -> None:
    collector = Collector(given_rules, "pin", prompt=prompt)
    assert collector.deadline_ms is None
    out = collector.step(Begun(), 0)
    now_ms = 0
    for event, gap_ms in steps:
        now_ms += gap_ms
        was_done = collector.done
        effects = collector.step(event, now_ms)
        assert not (was_done and effects)
        assert (collector.deadline_ms is None) is collector.done
        assert collector.deadline_ms is None or collector.deadline_ms > now_ms
        out += effects
    # Left alone, it comes to an end by its own timers.
    for _ in range(2 * given_rules.retry_times + 3):
        if collector.deadline_ms is not None:
            out += collector.step(Tick(), collector.deadline_ms)
    assert collector.done
    ends = [effect for effect in out if isinstance(effect, Ask | PassOn)]
    assert len(ends) == 1
    assert out[-1] is ends[0]
    assert sum(isinstance(effect, Note) for effect in out) == 1
    says = [effect for effect in out if isinstance(effect, Say)]
    assert len(says) <= given_rules.retry_times + bool(prompt)
    assert given_rules.interruptible or not isinstance(ends[0], PassOn)
    for effect in out:
        if isinstance(effect, SetVariable):
            assert _valid(effect.value, given_rules)


def _valid(value: str, given_rules: DtmfCollector) -> bool:
    least = given_rules.digits or given_rules.min_digits or 0
    most = given_rules.digits or given_rules.max_digits or LONGEST
    matches = given_rules.validation is None or given_rules.validation.pattern.lstrip("^") in value
    return least <= len(value) <= most and matches
