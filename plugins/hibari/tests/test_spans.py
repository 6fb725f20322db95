import pytest
from hibari import Hibari
from hypothesis import given
from hypothesis import strategies as st

from active_call_hibari.spans import MOST_CHARACTERS, find_spans, has_words, speakable


def ends(text: str) -> list[str]:
    """What lies between successive marks."""
    pieces, begin = [], 0
    for span in find_spans(text, Hibari.split_sentences):
        pieces.append(text[begin : span.end])
        begin = span.end
    return pieces


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two.", ["One.", " Two."]),
        ('He said "stop." Then he left.', ['He said "stop."', " Then he left."]),
        ("Dr. Smith is in. Wait!", ["Dr. Smith is in.", " Wait!"]),
        ("  Hello.  \n\n  Bye  ", ["  Hello.", "  \n\n  Bye"]),
        ("(Really?) Yes.", ["(Really?)", " Yes."]),
        ("Yes. Yes. Yes.", ["Yes.", " Yes.", " Yes."]),
        ("", []),
        ("   ", []),
    ],
)
def test_a_sentence_ends_where_it_ends_in_the_original(text, expected):
    assert ends(text) == expected


def test_a_long_sentence_is_cut_at_a_clause():
    clause = "and this clause is here to make the sentence a great deal longer than it would be"
    sentence = ", ".join([clause] * 6) + "."
    spans = list(find_spans(sentence, Hibari.split_sentences))
    assert len(spans) > 1
    assert all(len(span.text) <= MOST_CHARACTERS for span in spans)
    assert all(span.text.endswith(",") for span in spans[:-1])
    assert [span.closes for span in spans] == [False] * (len(spans) - 1) + [True]


def test_a_word_without_end_is_cut_too():
    assert [len(span.text) for span in find_spans("a" * 1000, Hibari.split_sentences)] == [250] * 4


@given(st.text(alphabet=st.sampled_from('ab .!?,"”)\n你é1'), max_size=800))
def test_every_visible_character_lies_in_exactly_one_span(text):
    spoken = speakable(text)
    assert len(spoken) == len(text)
    begin = 0
    for span in find_spans(spoken, Hibari.split_sentences):
        assert spoken[begin : span.end].strip() == span.text.strip()
        assert span.end > begin
        begin = span.end
    assert not spoken[begin:].strip()


def test_other_scripts_become_spaces_and_accents_stay():
    assert speakable("你好 café, Привет naïve") == "   café,        naïve"


def test_chinese_punctuation_ends_a_sentence():
    assert speakable("OK。 Yes！") == "OK. Yes!"


def test_punctuation_is_no_word():
    assert not has_words("... — 😀!")
    assert has_words("42")
