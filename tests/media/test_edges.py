"""The reference's table of segmentation, with windows of 32 ms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.media.edges import Edge, SpeechBegan, SpeechEdges, SpeechEnded, StillSilent

WINDOW = 512
MS = 16


def run(edges: SpeechEdges, pattern: str) -> list[Edge]:
    """`x` is a window of speech, `.` one of silence, `~` one between the two thresholds."""
    told = (edges.step({"x": 0.9, ".": 0.0, "~": 0.4}[window]) for window in pattern)
    return [edge for edge in told if edge is not None]


def test_speech_counts_once_it_has_lasted_the_padding_and_ends_after_the_silence() -> None:
    edges = SpeechEdges(window=WINDOW)
    assert run(edges, "..xxxxxxx") == []
    assert run(edges, "x") == [SpeechBegan(2 * WINDOW)]
    assert edges.speaking
    assert run(edges, "xxxxxxxxxx...") == []
    assert run(edges, ".") == [SpeechEnded(2 * WINDOW, 20 * WINDOW)]
    assert not edges.speaking


def test_a_shorter_blip_says_nothing() -> None:
    assert run(SpeechEdges(window=WINDOW), "..xxxxx......xx.....") == []


def test_a_gap_shorter_than_the_silence_does_not_end_it() -> None:
    assert run(SpeechEdges(window=WINDOW), "xxxxxxxxxx...xxxxx...xxxxx") == [SpeechBegan(0)]


def test_a_gap_within_the_padding_counts_as_part_of_it() -> None:
    assert run(SpeechEdges(window=WINDOW), "xx..xxxx") == [SpeechBegan(0)]


def test_speech_is_announced_once() -> None:
    assert run(SpeechEdges(window=WINDOW), "x" * 100) == [SpeechBegan(0)]


def test_a_doubtful_window_keeps_speech_running_but_does_not_begin_it() -> None:
    assert run(SpeechEdges(window=WINDOW), "~" * 50) == []
    assert run(SpeechEdges(window=WINDOW), "x" + "~" * 50) == [SpeechBegan(0)]


def test_without_paddings_every_window_counts() -> None:
    edges = SpeechEdges(window=WINDOW, speech_padding_ms=0, silence_padding_ms=0)
    assert run(edges, ".x.") == [SpeechBegan(WINDOW), SpeechEnded(WINDOW, 2 * WINDOW)]


def test_silence_is_told_again_and_again_while_nobody_speaks() -> None:
    edges = SpeechEdges(window=WINDOW, silence_timeout_ms=320)
    assert run(edges, "." * 25) == [StillSilent(0, 10 * WINDOW), StillSilent(10 * WINDOW, 10 * WINDOW)]


def test_speech_begins_the_silence_anew_and_it_counts_from_where_speech_ended() -> None:
    edges = SpeechEdges(window=WINDOW, silence_timeout_ms=320)
    run(edges, "....." + "x" * 10)
    told = run(edges, "." * 12)
    assert told == [SpeechEnded(5 * WINDOW, 15 * WINDOW), StillSilent(15 * WINDOW, 10 * WINDOW)]


def test_without_a_timeout_silence_says_nothing() -> None:
    assert run(SpeechEdges(window=WINDOW), "." * 1000) == []


def test_samples_count_from_where_the_detector_began_to_look() -> None:
    edges = SpeechEdges(window=WINDOW)
    edges.begin(48_000)
    assert run(edges, "x" * 10) == [SpeechBegan(48_000)]


@pytest.mark.parametrize(("pattern", "end"), [("x" * 10, 10), ("x" * 10 + "..", 10)])
def test_speech_ends_when_no_more_audio_comes(pattern: str, end: int) -> None:
    edges = SpeechEdges(window=WINDOW)
    run(edges, pattern)
    assert edges.stall() == SpeechEnded(0, end * WINDOW)
    assert edges.stall() is None
    assert run(edges, "x" * 10) == [SpeechBegan(len(pattern) * WINDOW)]


def test_a_blip_cut_off_by_a_stall_says_nothing() -> None:
    edges = SpeechEdges(window=WINDOW)
    run(edges, "xx")
    assert edges.stall() is None


@given(st.text("x.~", max_size=200))
def test_began_and_ended_alternate_and_times_only_grow(pattern: str) -> None:
    edges = SpeechEdges(window=WINDOW, silence_timeout_ms=500)
    last, speaking = 0, False
    for edge in run(edges, pattern):
        match edge:
            case SpeechBegan(start):
                assert not speaking
                assert start >= last
                speaking, last = True, start
            case SpeechEnded(start, end):
                assert speaking
                assert start == last
                assert end - start >= 250 * MS
                speaking, last = False, end
            case StillSilent(start, samples):
                assert not speaking
                assert start >= last
                assert samples >= 500 * MS
                last = start
    assert speaking == edges.speaking
