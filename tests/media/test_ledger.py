import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.audio import RATE_HZ
from active_call.media.ledger import KEPT, ActSpan, SpeechSpan, Utterance, expected_samples


def ramp(count: int, start: int = 0) -> np.ndarray:
    """Samples that say where they stand in the span."""
    return np.arange(start, start + count).astype(np.int16)


def take(span: SpeechSpan, count: int) -> np.ndarray:
    out = np.full(count, -1, np.int16)
    return out[: span.take(out)]


def spoken(text: str, samples: int, taken: int, marks: dict[int, int] | None = None) -> SpeechSpan:
    span = SpeechSpan(text)
    span.push(ramp(samples))
    for end, at in (marks or {}).items():
        span.mark(end, at)
    span.finish()
    take(span, taken)
    return span


# ------------------------------------------------------------ samples

step = st.one_of(
    st.tuples(st.just("push"), st.integers(0, 3000)),
    st.tuples(st.just("take"), st.integers(1, 2000)),
    st.tuples(st.just("peek"), st.integers(1, 2000)),
    st.tuples(st.just("give back"), st.integers(0, 3000)),
    st.tuples(st.just("mark"), st.integers(0, 20000)),
    st.tuples(st.just("rewind"), st.just(0)),
)


@given(st.lists(step, max_size=60))
def test_samples_are_never_lost_nor_repeated_nor_reordered_except_by_rewinding(steps: list[tuple[str, int]]) -> None:
    span = SpeechSpan("x" * 100)
    pushed = 0
    for what, count in steps:
        before = span.taken
        if what == "push":
            span.push(ramp(count, pushed))
            pushed += count
        elif what in ("take", "peek"):
            out = np.full(count, -1, np.int16)
            got = span.take(out) if what == "take" else span.peek(out)
            assert got == min(count, pushed - before)
            np.testing.assert_array_equal(out[:got], ramp(got, before))
            assert (out[got:] == -1).all()
            assert span.taken == before + (got if what == "take" else 0)
        elif what == "give back":
            span.give_back(count)
            assert span.taken == max(0, before - count)
        elif what == "mark":
            span.mark(len(span.text), count)
        else:
            span.rewind()
            assert 0 <= span.taken <= before
        assert span.received == pushed
        assert span.available == pushed - span.taken


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5000)), max_size=8),
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(1, 900), max_size=12),
    st.integers(0, 1500),
)
def test_heard_only_grows_and_never_exceeds_what_left(
    marks: list[tuple[int, int]], finished: bool, failed: bool, takes: list[int], unsent: int
) -> None:
    span = SpeechSpan("nobody expects the inquisition")
    span.push(ramp(5000))
    for end, at in marks:
        span.mark(end, at)
    if finished:
        span.finish(failed=failed)
    utterance = Utterance("u", spans=[span])
    last = utterance.heard(unsent)
    for count in takes:
        take(span, count)
        heard = utterance.heard(unsent)
        assert heard.heard_ms * RATE_HZ <= max(0, span.taken - unsent) * 1000
        assert heard.heard_ms >= last.heard_ms
        assert heard.position >= last.position
        assert span.text.startswith(heard.text)
        last = heard


def test_five_seconds_can_be_taken_again_and_what_is_older_is_forgotten() -> None:
    span = SpeechSpan()
    for second in range(8):
        span.push(ramp(RATE_HZ, second * 1000))
    span.finish()
    take(span, 8 * RATE_HZ)
    span.give_back(100 * RATE_HZ)
    assert KEPT <= span.available < KEPT + RATE_HZ
    assert take(span, 1)[0] == (span.taken - 1) // RATE_HZ * 1000


# ------------------------------------------------------------ words


def test_with_marks_what_was_heard_ends_at_the_last_mark_passed() -> None:
    marks = {3: 1000, 7: 2000, 13: 3000}
    for taken, text in ((999, ""), (1000, "one"), (1999, "one"), (2500, "one two"), (3500, "one two three")):
        span = spoken("one two three", 3500, taken, marks)
        assert span.text[: span.heard_chars()] == text


def test_a_mark_beyond_the_text_and_one_that_goes_back_do_no_harm() -> None:
    span = spoken("one two", 4000, 3000, {7: 1000, 3: 2000})
    assert span.heard_chars() == 7
    span = spoken("one two", 4000, 3000, {99: 1000})
    assert span.heard_chars() == 7


def test_without_marks_it_is_the_proportion_cut_at_a_word() -> None:
    span = spoken("hello wonderful world", 2100, 1200)
    assert span.text[: span.heard_chars()] == "hello "


def test_a_text_without_spaces_is_cut_at_a_character() -> None:
    span = spoken("今天天气很好", 6000, 3000)
    assert span.text[: span.heard_chars()] == "今天天"


def test_words_with_accents_are_not_cut_in_two() -> None:
    span = spoken("un café déjà vu", 1500, 950)
    assert span.text[: span.heard_chars()] == "un café "


def test_all_of_a_finished_voice_is_the_whole_text_even_if_a_mark_is_missing() -> None:
    assert spoken("one two", 1000, 1000, {3: 500}).heard_chars() == 7


def test_a_voice_still_at_work_has_not_said_everything_that_was_taken() -> None:
    span = SpeechSpan("a sentence of some length, of which little has been made")
    span.push(ramp(3200))
    take(span, 3200)
    assert 0 < span.heard_chars() < 10


def test_a_voice_that_broke_off_has_said_no_more_than_its_marks() -> None:
    span = SpeechSpan("one two three")
    span.push(ramp(3000))
    span.mark(3, 1000)
    span.finish(failed=True)
    take(span, 3000)
    assert span.heard_chars() == 3


def test_the_text_of_a_voice_that_failed_was_not_heard() -> None:
    failed = SpeechSpan("lost. ")
    failed.finish(failed=True)
    utterance = Utterance("u", spans=[spoken("one. ", 500, 500), failed, spoken("two.", 500, 500)], closed=True, at=3)
    heard = utterance.heard()
    assert heard.text == "one. two."
    assert not heard.complete


def test_a_text_that_makes_no_sound_is_over_when_its_turn_has_come() -> None:
    smile = SpeechSpan(" 🙂")
    smile.finish()
    utterance = Utterance("u", spans=[spoken("hi", 500, 500), smile], closed=True, at=2)
    assert utterance.heard().complete
    assert utterance.heard(100).text == ""


def test_a_held_back_voice_starts_again_at_the_word_it_was_in() -> None:
    span = spoken("one two three", 3500, 2500, {3: 1000, 7: 2000, 13: 3000})
    span.rewind()
    assert span.taken == 2000
    span.rewind()
    assert span.taken == 2000


def test_it_starts_again_at_the_beginning_before_the_first_mark_and_stays_where_it_is_without_marks() -> None:
    span = spoken("one two", 3000, 900, {3: 1000})
    span.rewind()
    assert span.taken == 0
    span = spoken("one two", 3000, 900)
    span.rewind()
    assert span.taken == 900


# ------------------------------------------------------------ utterances


def test_what_the_leg_still_holds_is_the_newest_across_spans() -> None:
    spans = [spoken("one. ", 1000, 1000), spoken("two. ", 1000, 1000), spoken("three.", 1000, 500)]
    utterance = Utterance("u", spans=spans, at=2)
    assert utterance.heard(0).heard_ms == 2500 * 1000 // RATE_HZ
    assert utterance.heard(500).text == "one. two. "
    assert utterance.heard(1500).text == "one. "
    assert utterance.heard(1500).heard_ms == 1000 * 1000 // RATE_HZ
    assert utterance.heard(99999).text == ""


def test_an_utterance_is_complete_when_it_is_closed_passed_and_out_of_the_leg() -> None:
    utterance = Utterance("u", spans=[spoken("one", 500, 500)], at=1)
    assert not utterance.heard().complete
    utterance.close()
    assert utterance.heard().complete
    assert not utterance.heard(1).complete
    with pytest.raises(ValueError, match="closed"):
        utterance.add(SpeechSpan("more"))


def test_giving_back_goes_across_spans_but_not_before_an_act_that_was_done() -> None:
    one, two, three = (spoken(text, 1000, 1000) for text in ("one", "two", "three"))
    utterance = Utterance("u", spans=[one, ActSpan("hang up"), two, three], at=4)
    utterance.give_back(1200)
    assert (three.taken, two.taken, utterance.at) == (0, 800, 2)
    utterance.give_back(5000)
    assert (two.taken, one.taken, utterance.at) == (0, 1000, 2)


def test_a_chinese_sentence_is_expected_to_last_longer_per_character() -> None:
    assert expected_samples("你好") > 2 * expected_samples("ab")


def test_between_the_marks_of_sentences_the_words_are_counted_in_proportion() -> None:
    span = spoken("One two three four. Five six.", 2000, 1000, {19: 2000})

    assert span.text[: span.heard_chars()] == "One two "
