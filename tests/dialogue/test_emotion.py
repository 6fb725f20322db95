"""Emotion tags of replies: for voices that know them, and never read aloud."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.dialogue.emotion import FAMILIES, FAMILY, LONGEST, Emotion, EmotionSplitter, nearest


def split(*pieces: str, known: tuple[str, ...] = (), expected: bool = False) -> list[str | Emotion]:
    splitter = EmotionSplitter(known=known, expected=expected)
    out = [found for piece in pieces for found in splitter.feed(piece)] + splitter.close()
    joined: list[str | Emotion] = []
    for item in out:
        assert item != ""
        if isinstance(item, str) and joined and isinstance(joined[-1], str):
            joined[-1] += item
        else:
            joined.append(item)
    return joined


def test_a_tag_is_split_off_the_words_behind_it() -> None:
    assert split("[happy]Good news! [Sad] But also bad.") == [
        Emotion("happy"),
        "Good news! ",
        Emotion("sad"),
        " But also bad.",
    ]


@pytest.mark.parametrize("tag", ["[happy]", "[ happy ]", "[HAPPY]", "【happy】", "[cheerful]", "[开心]", "【开心】"])
def test_a_tag_in_any_writing_is_never_spoken(tag: str) -> None:
    speech = [item for item in split("Well ", tag, " then") if isinstance(item, str)]
    assert speech == ["Well ", " then"]


def test_a_tag_in_pieces_is_the_same_tag() -> None:
    assert split(*"Oh [happy]yes") == ["Oh ", Emotion("happy"), "yes"]


@pytest.mark.parametrize(
    "text",
    [
        "a[1]b",
        "[A] or [B]",
        "[]",
        "[ ]",
        "[happy",
        "happy]",
        "[[",
        "x [see below] y",
        f"[{'x' * (LONGEST + 1)}]",
        "[3 4]",
    ],
)
def test_other_brackets_are_text(text: str) -> None:
    assert split(*text) == [text]


def test_text_is_held_back_no_longer_than_it_may_be_a_tag() -> None:
    splitter = EmotionSplitter()
    assert splitter.feed("Hi [") == ["Hi "]
    assert splitter.feed("ha") == []
    assert splitter.feed("9") == ["[ha9"]
    assert splitter.feed("[" + "x" * 40) == ["[" + "x" * 40]


def test_stage_directions_are_dropped_when_the_model_was_told_to_write_emotions() -> None:
    assert split("Ha [laughs] yes [1] [A].", expected=True) == ["Ha  yes [1] [A]."]
    assert split(*"Ha [laughs]", expected=True) == ["Ha "]


def test_the_text_of_a_link_is_no_stage_direction() -> None:
    assert split(*"see [our page](https://a.b)", expected=True) == ["see [our page](https://a.b)"]


def test_an_emotion_that_only_the_voice_knows_is_one() -> None:
    assert split("[Whisper-y]psst", known=("whisper-y",)) == [Emotion("whisper-y"), "psst"]


@given(st.text("[]【】( hapy1开心", max_size=20), st.lists(st.integers(0, 20)), st.booleans())
def test_the_cuts_do_not_matter_and_nothing_is_lost(text: str, cuts: list[int], expected: bool) -> None:
    text += "[happy]" + text
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert split(*pieces, expected=expected) == split(text, expected=expected)
    speech = "".join(item for item in split(text) if isinstance(item, str))
    assert "[happy]" not in speech
    assert len(speech) >= len(text) - sum(len(item.name) + 4 for item in split(text) if isinstance(item, Emotion))


def test_a_long_text_of_brackets_takes_linear_time() -> None:
    assert split("[a" * 50_000) == ["[a" * 50_000]


# ---------------------------------------------------------------- voices


def test_a_voice_is_asked_for_the_nearest_emotion_it_has() -> None:
    assert nearest("happy", {"happy", "sad"}) == "happy"
    assert nearest("开心", {"Happy", "sad"}) == "Happy"
    assert nearest("happy", {"cheerful"}) == "cheerful"
    assert nearest("whisper-y", {"whisper-y"}) == "whisper-y"


def test_a_voice_without_anything_like_it_is_asked_for_nothing() -> None:
    assert nearest("angry", {"happy"}) is None
    assert nearest("whisper-y", {"happy"}) is None
    assert nearest("happy", ()) is None


def test_no_name_stands_in_two_families() -> None:
    assert len(FAMILY) == len(FAMILIES) + sum(map(len, FAMILIES.values()))
