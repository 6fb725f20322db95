"""Words in any script."""

import pytest

from active_call.turns.words import begins_alike, count_without, join, without_beginning, words


def test_case_punctuation_and_script_do_not_matter():
    assert words("Uh-huh, 我 KNOW’s.") == ("uh", "huh", "我", "know's")


@pytest.mark.parametrize(
    ("pieces", "joined"),
    [
        (("one", "", " two "), "one two"),
        (("我想", "订票"), "我想，订票"),
        (("我想。", "订票"), "我想。订票"),
        (("say", "你好"), "say 你好"),
        ((), ""),
    ],
)
def test_pieces_are_joined_as_their_script_asks(pieces, joined):
    assert join(*pieces) == joined


def test_two_readings_of_one_speech_begin_alike():
    assert begins_alike("Book a", "book a table")
    assert not begins_alike("book", "look")
    assert not begins_alike("", "")


def test_only_the_common_beginning_is_taken_away():
    assert without_beginning("book a", "Book a table, a big one") == "table, a big one"
    assert without_beginning("book a table", "book a") == ""
    assert without_beginning("我想", "我想订票") == "订票"


def test_phrases_are_counted_out_longest_first():
    assert count_without("那个那个手机", [words("那个"), words("那")]) == 2
    assert count_without("uh huh", [words("uh"), words("uh-huh")]) == 0
