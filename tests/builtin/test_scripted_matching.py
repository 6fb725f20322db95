from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from active_call.builtin.scripted.matching import clean, exact_score, fuzzy_score, split_words, words_of

texts = st.text(alphabet="abcdeé '-.,?!Ａ你好时间ไทย한국", max_size=40)
word = st.text(alphabet="abcdefghij", min_size=1, max_size=9)
phrases = st.lists(word, min_size=1, max_size=4).map(" ".join)


@given(texts)
def test_the_form_of_a_form_is_the_form(text: str) -> None:
    once = words_of(text)
    assert words_of(once.spaced).forms == once.forms


@given(texts)
def test_spans_point_at_the_words_in_order(text: str) -> None:
    cleaned = clean(text)
    found = list(split_words(cleaned))
    assert all(cleaned[entry.start : entry.end] for entry in found)
    assert all(one.end <= other.start for one, other in pairwise(found))


@given(phrases, phrases, phrases)
def test_a_phrase_is_found_word_for_word_wherever_it_stands(before: str, phrase: str, after: str) -> None:
    assert 0 < exact_score(words_of(phrase), words_of(f"{before}, {phrase.upper()}! {after}")) < 1
    assert exact_score(words_of(phrase), words_of(phrase)) == 1


@given(phrases, phrases)
def test_likeness_stays_between_zero_and_one(phrase: str, heard: str) -> None:
    assert 0 <= fuzzy_score(words_of(phrase), words_of(heard)) <= 1


@given(st.text(alphabet="abcdefghijklmnop", min_size=7, max_size=12), st.data())
def test_one_lost_letter_behind_the_first_never_hides_a_long_word(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(word) - 1))
    assert fuzzy_score(words_of(word), words_of(f"xx {word[:at]}{word[at + 1 :]} yy")) > 0


@given(st.text(alphabet="abc 你好", max_size=5000))
def test_only_the_end_of_a_very_long_text_is_looked_at(text: str) -> None:
    assert len(clean(text)) <= 1000
