"""Whether the agent said what was expected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.playbook.scenario import Match, Wanted
from active_call.testing.wording import equals, find, marked, missing, words

SAID = "We are open from nine to six, Tuesday to Saturday. On Sundays we're out riding."


def found(text: str, match: Match = Match.WORDS, said: str = SAID) -> bool:
    return find(Wanted(match, (text,)), words(said)) is not None


@pytest.mark.parametrize(
    "text", ["from nine to six", "NINE TO SIX TUESDAY", "were out riding!", "We ... six ... riding", "...", "open"]
)
def test_words_in_a_row_are_found_whatever_their_looks(text: str) -> None:
    assert found(text)


@pytest.mark.parametrize("text", ["from nine to five", "six nine", "riding ... open", "pen", "from six"])
def test_other_words_another_order_and_parts_of_words_are_not(text: str) -> None:
    assert not found(text)


@pytest.mark.parametrize("text", ["we open from nine to six", "we are open from ten to six", "out rideing on sundays"])
def test_roughly_forgives_a_word_in_four_and_a_wrong_letter(text: str) -> None:
    assert not found(text)
    assert found(text, Match.ROUGHLY) is (text != "out rideing on sundays")


@pytest.mark.parametrize("text", ["we are closed on Mondays", "nine Saturday", "to Saturday to open from nine"])
def test_roughly_is_not_anything(text: str) -> None:
    assert not found(text, Match.ROUGHLY)


def test_roughly_takes_nearly_the_same_word_for_it() -> None:
    assert found("we were out riding on sundayz", Match.ROUGHLY, "On Sundays we were out riding") is False
    assert found("we were out ridding", Match.ROUGHLY, "On Sundays we were out riding")


def test_chinese_needs_no_blanks() -> None:
    assert found("营业时间", said="我们的营业时间是九点。")
    assert not found("时间营业", said="我们的营业时间是九点。")


def test_the_search_goes_on_behind_what_was_found() -> None:
    heard = words("yes and no and yes")
    wanted = Wanted(Match.WORDS, ("yes",))
    first = find(wanted, heard)
    assert first == 1
    assert find(wanted, heard, first) == 5
    assert find(wanted, heard, 5) is None


def test_one_of_several_texts_will_do() -> None:
    assert find(Wanted(Match.WORDS, ("sure", "yes")), words("oh yes")) == 2


@pytest.mark.parametrize(
    ("text", "value", "same"),
    [
        ("Yes.", " Yes. ", True),
        ("Yes.", "yes.", False),
        ("Yes", "Yes.", False),
        ("a  b", "a\nb", True),
        ("Bye, ...!", "Bye, Ada!", True),
        ("sip:...@example.com", "sip:desk@example.com", True),
        ("sip:a@example.com", "sip:a@exampleXcom", False),
        ("好的。谢谢", "好的。 谢谢", True),
        ("", "", True),
        ("", "x", False),
    ],
)
def test_exact_means_every_sign_but_for_spare_blanks(text: str, value: str, same: bool) -> None:
    assert equals(Wanted(Match.EXACT, (text,)), value) is same


def test_what_was_missing_is_told() -> None:
    assert missing(Wanted(Match.WORDS, ("open from nine to five",)), words(SAID)) == ["five"]
    assert marked("We close at six.", "We close at seven.") == ("We close at [six.]", "We close at [seven.]")
    assert marked("好的三位", "好的四位") == ("好的[三]位", "好的[四]位")


@given(st.text())
def test_every_text_is_found_in_itself(text: str) -> None:
    if words(text) and "..." not in text and "…" not in text:
        assert found(text, said=text)
        assert found(text, Match.ROUGHLY, said=text)
        assert equals(Wanted(Match.EXACT, (text,)), text)
