import pytest

from active_call_whisper.languages import Language
from active_call_whisper.reading import NOTHING, Reading, join


@pytest.mark.parametrize(
    ("text", "tokens", "log_probability", "no_speech"),
    [
        ("you", 1, -2.89, 0.66),  # digital silence
        ("I'm", 2, -3.65, 0.53),  # an office
        ("Yeah", 1, -4.63, 0.60),  # ringback tone
        ("b b b b", 4, -1.29, 0.80),  # ringback tone
        ("I'm going to get some food.", 8, -2.05, 0.48),  # brown noise
        ("I'm not going to be able to do that.", 11, -1.84, 0.63),  # breath
    ],
)
def test_noise_is_not_believed(text, tokens, log_probability, no_speech):
    assert not Reading(text=text, tokens=tokens, log_probability=log_probability, no_speech=no_speech).credible


@pytest.mark.parametrize(
    ("text", "tokens", "log_probability", "no_speech"),
    [
        ("Yes", 1, -1.14, 0.10),
        ("No", 1, -1.45, 0.10),
        ("Yeah", 1, -1.80, 0.27),
        ("8", 1, -1.59, 0.46),
        ("4 Queen of Cloves", 6, -0.93, 0.09),
        ("5 5 5 5", 4, -0.89, 0.64),
    ],
)
def test_a_short_answer_is_believed(text, tokens, log_probability, no_speech):
    assert Reading(text=text, tokens=tokens, log_probability=log_probability, no_speech=no_speech).credible


@pytest.mark.parametrize(
    ("text", "loops"), [("Stop Stop Stop", True), ("8, 8.", True), ("Stop", False), ("8 9", False), ("", False)]
)
def test_one_word_again_and_again_is_a_loop(text, loops):
    assert Reading(text=text).loops is loops


def test_joining_leaves_out_what_is_not_believed():
    noise = Reading(text="you", tokens=1, log_probability=-3.0, no_speech=0.7)
    one = Reading(text="one", tokens=1, log_probability=-1.0, no_speech=0.1)
    two = Reading(text="two three four", tokens=3, log_probability=-0.2, no_speech=0.2)
    both = join([noise, one, two])
    assert both.text == "one two three four"
    assert both.log_probability == pytest.approx(-0.4)
    assert both.tokens == 4


def test_chinese_is_joined_without_spaces():
    chinese = Language("zh")
    assert join([Reading(text="你好", language=chinese), Reading(text="再见", language=chinese)]).text == "你好再见"


def test_nothing_joined_is_nothing():
    assert join([]) == NOTHING
