from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.media.conftest import Rig

from active_call.audio import FRAME_SAMPLES, RATE_HZ
from active_call.media.ledger import ActSpan, SpeechSpan, Utterance
from active_call.media.playback import SLOW_START, SLOW_WAIT_FRAMES, Pause

Utter = Any


def said(*spans: Any, close: bool = True) -> Utterance:
    utterance = Utterance("u", spans=list(spans))
    if close:
        utterance.close()
    return utterance


def speech(
    samples: int, text: str = "words", *, finish: bool = True, marks: dict[int, int] | None = None
) -> SpeechSpan:
    span = SpeechSpan(text)
    span.push(np.arange(1, samples + 1).astype(np.int16))
    for end, at in (marks or {}).items():
        span.mark(end, at)
    if finish:
        span.finish()
    return span


# ------------------------------------------------------------ the plain way


def test_the_last_frame_is_padded_with_silence(rig: Rig, utter: Utter) -> None:
    rig.playback.say(utter("a", 400))
    got = rig.pull(5)
    np.testing.assert_array_equal(got[:400], np.arange(1, 401))
    assert len(got) == 2 * FRAME_SAMPLES
    assert not got[400:].any()


def test_started_and_finished_are_told_once_each_and_in_order(rig: Rig, utter: Utter) -> None:
    rig.playback.say(utter("a", 640))
    rig.playback.say(utter("b", 100))
    rig.pull(10)
    assert rig.notices.told == [("started", "a"), ("finished", "a"), ("started", "b"), ("finished", "b")]
    assert rig.notices.heard["a"].complete
    assert not rig.playback.busy


def test_it_is_finished_only_when_the_leg_has_let_go_of_it(rig: Rig, utter: Utter) -> None:
    rig.playback.say(utter("a", 640))
    rig.unsent = 320
    rig.pull(5)
    assert rig.notices.told == [("started", "a")]
    assert rig.playback.busy
    rig.unsent = 0
    rig.pull()
    assert rig.notices.told[-1] == ("finished", "a")


def test_the_frame_that_is_being_handed_over_does_not_count_as_played(rig: Rig, utter: Utter) -> None:
    rig.playback.say(utter("a", 320))
    assert len(rig.pull()) == 320
    assert ("finished", "a") not in rig.notices.told


def test_spans_of_one_utterance_follow_without_a_gap(rig: Rig) -> None:
    rig.playback.say(said(speech(500), speech(460)))
    np.testing.assert_array_equal(rig.pull(3), [*range(1, 501), *range(1, 461)])


def test_dry_is_told_once_and_again_only_when_more_was_said(rig: Rig) -> None:
    utterance = said(speech(320), close=False)
    rig.playback.say(utterance)
    rig.pull(6)
    assert rig.notices.told == [("started", "u"), ("dry", "u")]
    assert not rig.playback.busy
    utterance.add(speech(320))
    rig.playback.grown()
    assert rig.playback.busy
    rig.pull(6)
    assert rig.notices.told == [("started", "u"), ("dry", "u"), ("dry", "u")]
    utterance.close()
    rig.playback.grown()
    rig.pull(2)
    assert rig.notices.told[-1] == ("finished", "u")


def test_dry_waits_until_the_leg_is_empty(rig: Rig) -> None:
    rig.playback.say(said(speech(320), close=False))
    rig.unsent = 100
    rig.pull(4)
    assert ("dry", "u") not in rig.notices.told
    rig.unsent = 0
    rig.pull()
    assert ("dry", "u") in rig.notices.told


def test_what_is_said_after_an_utterance_that_ran_dry_and_was_cut_is_heard(rig: Rig, utter: Utter) -> None:
    rig.playback.say(said(speech(320), close=False))
    rig.pull(4)
    rig.playback.cut()
    rig.playback.say(utter("b", 320))
    assert rig.playback.busy
    assert len(rig.pull(3)) == 320


# ------------------------------------------------------------ slow voices


def test_a_fast_voice_is_heard_with_its_first_frame(rig: Rig) -> None:
    rig.playback.say(said(speech(320, finish=False)))
    assert len(rig.pull()) == 320


def test_half_a_frame_of_an_unfinished_voice_waits_for_the_rest(rig: Rig) -> None:
    span = speech(300, finish=False)
    rig.playback.say(said(span))
    assert not len(rig.pull(3))
    span.finish()
    assert len(rig.pull()) == 320


def test_a_voice_that_fell_behind_starts_again_with_200_ms_in_hand(rig: Rig) -> None:
    span = speech(320, finish=False)
    rig.playback.say(said(span))
    rig.pull(2)
    span.push(np.ones(SLOW_START - 1, np.int16))
    assert not len(rig.pull(2))
    span.push(np.ones(1, np.int16))
    assert len(rig.pull(2)) == 640


def test_it_does_not_wait_longer_than_half_a_second(rig: Rig) -> None:
    span = speech(320, finish=False)
    rig.playback.say(said(span))
    rig.pull(2)
    span.push(np.ones(640, np.int16))
    assert not len(rig.pull(SLOW_WAIT_FRAMES))
    assert len(rig.pull(2)) == 640


def test_a_voice_known_to_be_slow_starts_its_next_sentence_with_a_buffer(rig: Rig) -> None:
    first, second = speech(320, finish=False), speech(320, finish=False)
    rig.playback.say(said(first, second))
    rig.pull(2)
    first.finish()
    assert not len(rig.pull(3))
    second.push(np.ones(SLOW_START, np.int16))
    assert len(rig.pull()) == 320


# ------------------------------------------------------------ acts


def test_an_act_is_due_only_when_all_speech_before_it_was_heard(rig: Rig) -> None:
    rig.playback.say(said(speech(400), ActSpan("hang up")))
    rig.unsent = 320
    rig.pull(5)
    assert rig.notices.acts == []
    rig.unsent = 0
    rig.pull(3)
    assert rig.notices.acts == ["hang up"]


def test_speech_behind_an_act_waits_until_it_was_done(rig: Rig) -> None:
    rig.playback.say(said(speech(320), ActSpan("goto"), speech(320)))
    rig.pull(5)
    assert rig.notices.told == [("started", "u"), ("act", "u")]
    rig.playback.act_done()
    assert len(rig.pull(3)) == 320
    assert rig.notices.told[-1] == ("finished", "u")


def test_an_act_done_at_once_leaves_no_gap(rig: Rig) -> None:
    rig.notices.react = lambda what, utterance: rig.playback.act_done() if what == "act" else None
    rig.playback.say(said(speech(320), ActSpan("goto"), ActSpan("set"), speech(320)))
    assert len(rig.pull(2)) == 640
    assert rig.notices.acts == ["goto", "set"]


def test_acts_behind_a_cut_never_happen(rig: Rig) -> None:
    rig.playback.say(said(speech(640), ActSpan("hang up")))
    rig.pull()
    rig.playback.cut()
    rig.pull(5)
    assert rig.notices.acts == []


def test_an_act_that_cuts_its_own_utterance_ends_it(rig: Rig, utter: Utter) -> None:
    rig.notices.react = lambda what, utterance: rig.playback.cut() if what == "act" else None
    rig.playback.say(said(speech(320), ActSpan("goto"), speech(320)))
    rig.pull(3)
    assert rig.playback.current is None
    rig.notices.react = lambda what, utterance: None
    rig.playback.say(said(ActSpan("next"), speech(320)))
    rig.pull()
    rig.playback.act_done()
    assert rig.notices.acts == ["goto", "next"]
    assert len(rig.pull()) == 320


# ------------------------------------------------------------ pause and resume


def test_a_pause_dies_away_and_what_faded_does_not_count(rig: Rig) -> None:
    span = speech(3200)
    rig.playback.say(said(span))
    rig.pull(2)
    rig.playback.pause(Pause.HOLD, fade_ms=40)
    tail = rig.pull(10)
    assert len(tail) == 640
    assert abs(int(tail[-1])) < abs(int(tail[0]))
    assert span.taken == 640
    assert not rig.playback.busy


def test_it_goes_on_where_it_was_when_the_last_reason_is_gone(rig: Rig) -> None:
    span = speech(6400)
    rig.playback.say(said(span))
    rig.pull(2)
    rig.playback.pause(Pause.HOLD)
    rig.playback.pause(Pause.COMMAND)
    rig.pull(5)
    rig.playback.resume(Pause.HOLD)
    assert not len(rig.pull(3))
    rig.playback.resume(Pause.COMMAND)
    got = rig.pull(10)
    np.testing.assert_array_equal(got[640:], np.arange(641 + 640, 641 + len(got)))
    assert got[0] < 50  # it swells


def test_leaving_held_back_starts_again_at_the_last_word(rig: Rig) -> None:
    span = speech(6400, "one two", marks={3: 500, 7: 6400})
    rig.playback.say(said(span))
    rig.pull(3)
    rig.playback.pause(Pause.HELD_BACK)
    rig.playback.resume(Pause.HELD_BACK)
    assert span.taken == 500


def test_it_starts_again_at_the_word_even_if_another_reason_goes_last(rig: Rig) -> None:
    span = speech(6400, "one two", marks={3: 500, 7: 6400})
    rig.playback.say(said(span))
    rig.pull(3)
    rig.playback.pause(Pause.HELD_BACK)
    rig.playback.pause(Pause.HOLD)
    rig.playback.resume(Pause.HELD_BACK)
    rig.playback.resume(Pause.HOLD)
    assert span.taken == 500


def test_the_first_sound_of_a_call_is_not_softened(rig: Rig, utter: Utter) -> None:
    rig.playback.pause(Pause.NOT_CONNECTED)
    rig.playback.say(utter("a", 640))
    assert not len(rig.pull(3))
    rig.playback.resume(Pause.NOT_CONNECTED)
    np.testing.assert_array_equal(rig.pull(2), np.arange(1, 641))


def test_a_pause_takes_back_what_the_leg_still_held(rig: Rig) -> None:
    span = speech(6400)
    rig.playback.say(said(span))
    rig.pull(4)
    rig.unsent = rig.flushable = 640
    rig.playback.pause(Pause.HOLD, fade_ms=0)
    assert span.taken == 640
    rig.playback.resume(Pause.HOLD)
    rig.pull(2)
    np.testing.assert_array_equal(rig.pull(1), np.arange(641 + 640, 641 + 960))


# ------------------------------------------------------------ cuts


def test_a_cut_says_what_was_heard_of_everything_in_order(rig: Rig, utter: Utter) -> None:
    rig.playback.say(utter("a", 320))
    rig.playback.say(utter("b", 3200))
    rig.playback.say(utter("c", 3200))
    rig.pull()
    rig.unsent = 320
    rig.pull()
    rig.unsent = 480
    ledger = rig.playback.cut()
    assert [utterance.id for utterance, _ in ledger] == ["a", "b", "c"]
    assert [heard.heard_ms for _, heard in ledger] == [10, 0, 0]
    assert not rig.playback.busy


def test_a_cut_fades_and_then_there_is_silence(rig: Rig, utter: Utter) -> None:
    rig.playback.say(utter("a", 3200))
    rig.pull()
    rig.playback.cut(fade_ms=60)
    assert len(rig.pull(10)) == 3 * FRAME_SAMPLES
    assert not rig.playback.busy


def test_a_fade_longer_than_what_is_left_ends_with_it(rig: Rig, utter: Utter) -> None:
    rig.playback.say(utter("a", 500))
    rig.pull()
    rig.playback.cut(fade_ms=60_000)
    assert len(rig.pull(10)) == FRAME_SAMPLES


def test_cutting_one_leaves_the_others(rig: Rig, utter: Utter) -> None:
    first, second = utter("a", 640), utter("b", 640)
    rig.playback.say(first)
    rig.playback.say(second)
    rig.pull()
    assert [utterance.id for utterance, _ in rig.playback.cut(only=second)] == ["b"]
    np.testing.assert_array_equal(rig.pull(4), np.arange(321, 641))
    assert rig.notices.told == [("started", "a"), ("finished", "a")]


def test_cutting_a_later_one_does_not_release_what_is_held_back(rig: Rig, utter: Utter) -> None:
    first, second = utter("a", 6400), utter("b", 640)
    rig.playback.say(first)
    rig.playback.say(second)
    rig.pull()
    rig.playback.pause(Pause.HELD_BACK)
    rig.playback.cut(only=second)
    assert rig.playback.paused == {Pause.HELD_BACK}
    rig.playback.cut()
    assert not rig.playback.paused


def test_whoever_is_told_that_it_started_may_cut_it(rig: Rig, utter: Utter) -> None:
    ledger: list[Any] = []
    rig.notices.react = lambda what, utterance: ledger.extend(rig.playback.cut()) if what == "started" else None
    rig.playback.say(utter("a", 3200))
    assert len(rig.pull(5)) == FRAME_SAMPLES
    assert [heard.heard_ms for _, heard in ledger] == [20]


def test_a_cut_counts_as_unheard_what_the_leg_gave_back(rig: Rig, utter: Utter) -> None:
    rig.playback.say(utter("a", 3200))
    rig.pull(5)
    rig.unsent = rig.flushable = 640
    [(_, heard)] = rig.playback.cut()
    assert heard.heard_ms == 60


# ------------------------------------------------------------ any order

act = st.one_of(
    st.tuples(st.just("say"), st.integers(0, 2000)),
    st.tuples(st.just("pull"), st.integers(1, 4)),
    st.tuples(st.just("pause"), st.sampled_from([Pause.HOLD, Pause.COMMAND])),
    st.tuples(st.just("resume"), st.sampled_from([Pause.HOLD, Pause.COMMAND])),
    st.tuples(st.just("cut"), st.just(0)),
)


@settings(max_examples=150)
@given(st.lists(act, max_size=40))
def test_every_utterance_ends_exactly_once_and_is_heard_whole_unless_cut(steps: list[tuple[str, Any]]) -> None:
    rig = Rig()
    ends: list[str] = []
    lengths: dict[str, int] = {}
    order: list[str] = []
    for number, (what, value) in enumerate([*steps, ("resume", Pause.HOLD), ("resume", Pause.COMMAND), ("pull", 2000)]):
        if what == "say":
            name = str(number)
            lengths[name] = value
            order.append(name)
            span = SpeechSpan("text")
            span.push(np.ones(value, np.int16))
            span.finish()
            rig.playback.say(Utterance(name, spans=[span], closed=True))
        elif what == "pull":
            rig.pull(value)
        elif what == "cut":
            for utterance, heard in rig.playback.cut():
                ends.append(utterance.id)
                assert heard.heard_ms <= lengths[utterance.id] * 1000 // RATE_HZ
        else:
            getattr(rig.playback, what)(value)
    finished = [name for what, name in rig.notices.told if what == "finished"]
    for name in finished:
        assert rig.notices.heard[name].heard_ms == lengths[name] * 1000 // RATE_HZ
    assert sorted(ends + finished, key=int) == order
    assert len(set(ends + finished)) == len(order)
    assert not rig.playback.busy
