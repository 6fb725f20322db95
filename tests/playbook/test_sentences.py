"""Text cut into what a voice speaks at once."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.playbook.sentences import EARLY, LONGEST, SentenceSplitter


def split(*pieces: str) -> list[str]:
    splitter = SentenceSplitter()
    return [*(found for piece in pieces for found in splitter.feed(piece)), *splitter.close()]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Hello there. How are you? Fine!", ["Hello there. ", "How are you? ", "Fine!"]),
        ("Hi. Yes", ["Hi. ", "Yes"]),
        ("It costs 3.5 euros, or 1,000 at 10:30. Right?", ["It costs 3.5 euros, or 1,000 at 10:30. ", "Right?"]),
        ("Dr. Smith met Mr. J. Jones. He left.", ["Dr. Smith met Mr. J. Jones. ", "He left."]),
        ("So do I. You too?", ["So do I. ", "You too?"]),
        ("Fruit, e.g. Apples, i.e. Pears. Ok", ["Fruit, e.g. Apples, i.e. Pears. ", "Ok"]),
        ("In the U.S. Army. Yes.", ["In the U.S. Army. ", "Yes."]),
        ("At 9 a.m. Come by.", ["At 9 a.m. ", "Come by."]),
        ("At 9 a.m. on Dec. 3 or so. Ok", ["At 9 a.m. on Dec. 3 or so. ", "Ok"]),
        ("See no. 5 or No. 6. No. Never.", ["See no. 5 or No. 6. ", "No. ", "Never."]),
        ("See www.a.com/b?c=d!e or a@b.c. Bye", ["See www.a.com/b?c=d!e or a@b.c. ", "Bye"]),
        ('"Really?" she said. "Yes." Good.', ['"Really?" she said. ', '"Yes." ', "Good."]),
        ("Well... let me see... Yes", ["Well... let me see... ", "Yes"]),
        ("What?! No", ["What?! ", "No"]),
        ("Open at nine; closed at five. Ok", ["Open at nine; ", "closed at five. ", "Ok"]),
        ("你好。我是小明！“好的。”再见；好", ["你好。", "我是小明！", "“好的。”", "再见；", "好"]),
        ("你好.好的!", ["你好.", "好的!"]),
        ("1. Apples\n2. Pears\n", ["1. Apples\n", "2. Pears\n"]),
        ("One\n\n\nTwo", ["One\n", "\n\nTwo"]),
        ("... \n Hello. There", ["... \n Hello. ", "There"]),
        ("**Bold.** Next", ["**Bold.** ", "Next"]),
    ],
)
def test_sentences_end_where_they_end(text: str, wanted: list[str]) -> None:
    assert split(text) == wanted
    assert split(*text) == wanted


def test_only_the_first_piece_may_end_at_a_clause_and_only_when_it_is_long_enough() -> None:
    clause = "of course I can gladly help you with this, "
    assert len(clause) > EARLY
    assert split(f"Sure, {clause}{clause}bye. Then {clause}{clause}") == [
        f"Sure, {clause}",
        f"{clause}bye. ",
        f"Then {clause}{clause}",
    ]


def test_a_chinese_clause_counts_for_three() -> None:
    assert split("当然可以，我很高兴为您查询一下订单，请稍等，好吗？") == [
        "当然可以，我很高兴为您查询一下订单，",
        "请稍等，好吗？",
    ]


def test_the_first_sentence_goes_out_with_the_first_character_that_proves_its_end() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("Sure.") == []
    assert splitter.feed(" I") == ["Sure. "]
    assert splitter.feed(" can.\n") == ["I can.\n"]


def test_a_newline_proves_the_end_at_once() -> None:
    assert SentenceSplitter().feed("Sure.\n") == ["Sure.\n"]


def test_text_without_an_end_is_cut_at_a_blank() -> None:
    pieces = split("word " * 200)
    assert all(len(piece) <= LONGEST and piece.endswith(" ") for piece in pieces)
    assert split("x" * 700) == ["x" * LONGEST, "x" * LONGEST, "x" * 100]


text = st.text(st.sampled_from("Hi a3.,;!?…。！？，\n \"')你:U—*"), max_size=60) | st.text(max_size=40)


@given(text, st.lists(st.integers(0, 500), max_size=8))
def test_the_pieces_put_together_are_the_text_however_it_was_cut(text: str, places: list[int]) -> None:
    edges = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    whole = split(text)
    assert "".join(whole) == text
    assert all(whole)
    assert split(*(text[a:b] for a, b in pairwise(edges))) == whole
    assert split(*text) == whole


@given(
    st.lists(st.sampled_from([" ", ". ", "x", "X. ", ", ", "\n", "! a", "...", "一，", '"']), max_size=900).map("".join)
)
def test_long_texts_are_cut_the_same_too(text: str) -> None:
    whole = split(text)
    assert "".join(whole) == text
    assert max(map(len, whole), default=0) <= LONGEST
    assert split(*text) == whole
