"""What counts as an interruption, and what as nothing."""

import pytest

from active_call.turns import Interruption, Strategy


@pytest.mark.parametrize("text", ["", "...", "Uh-huh.", "yeah, yeah", "OK", "嗯嗯", "好的好的", "嗯，对", "I see."])
def test_listening_noises_are_nothing(text):
    assert Interruption().is_nothing(text)


@pytest.mark.parametrize("text", ["stop", "no", "不对", "等一下", "yeah but", "嗯，我想问", "wait wait"])
def test_words_are_something(text):
    assert not Interruption().is_nothing(text)


def test_own_fillers_replace_the_list():
    rules = Interruption(fillers=frozenset({"genau"}))
    assert rules.is_nothing("Genau!")
    assert not rules.is_nothing("yeah")


@pytest.mark.parametrize(
    ("strategy", "by_voice", "by_text"),
    [
        (Strategy.BOTH, True, True),
        (Strategy.VAD, True, False),
        (Strategy.ASR, False, True),
        (Strategy.NONE, False, False),
    ],
)
def test_the_strategy_says_what_may_begin_an_interruption(strategy, by_voice, by_text):
    rules = Interruption(strategy=strategy)
    assert rules.qualifies(voiced_ms=300, text="") is by_voice
    assert rules.qualifies(voiced_ms=0, text="stop") is by_text


def test_a_drawn_out_backchannel_does_not_qualify_by_its_length():
    assert not Interruption().qualifies(voiced_ms=5000, text="嗯")


def test_proof_is_words_or_length():
    rules = Interruption(proof_words=2)
    assert rules.proven(voiced_ms=0, text="stop it", words_expected=True)
    assert not rules.proven(voiced_ms=1999, text="stop uh", words_expected=True)
    assert rules.proven(voiced_ms=2000, text="", words_expected=True)
    assert rules.proven(voiced_ms=600, text="", words_expected=False)


def test_protection_counts_from_the_agents_start_and_the_callers_last_words():
    rules = Interruption()
    assert rules.protected_until_ms(1000, None) == 1800
    assert rules.protected_until_ms(1000, 1500) == 2000
