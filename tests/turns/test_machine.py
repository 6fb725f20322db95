"""The rows of the state table, one by one."""

import pytest

from active_call.turns import Brain, Endpointing, Interruption, Patience, Policy, Strategy, TurnState
from active_call.turns import effects as do
from active_call.turns import events as ev

IDLE, USER, DECIDING = TurnState.IDLE, TurnState.USER_SPEAKING, TurnState.DECIDING
THINKING, AGENT, HELD, ENDED = TurnState.THINKING, TurnState.AGENT_SPEAKING, TurnState.HELD_BACK, TurnState.ENDED


# -- a turn


def test_a_plain_turn_is_committed_when_silence_and_text_are_there(call):
    assert call.voice_on() == [do.TurnBegan("t1"), do.StopFollowUp()]
    assert call.state is USER
    call.wait(1000)
    assert call.voice_off() == []
    assert call.state is DECIDING
    assert call.wait(699) == []
    assert call.wait(1) == [do.EndOfTurn("t1")]
    assert call.send(ev.FinalText("book a table")) == [do.Commit("t1", "book a table")]
    assert call.state is THINKING
    assert call.send(ev.ReplyReady(), ev.PlaybackStarted(), ev.ReplyDone()) == []
    assert call.state is AGENT
    assert call.send(ev.PlaybackHeard()) == [do.StartFollowUp()]
    assert call.state is IDLE


def test_silence_counts_from_the_true_end_of_speech(call):
    call.voice_on()
    call.wait(1000)
    call.send(ev.SpeechPaused(call.now_ms - 300))
    assert call.wait(399) == []
    assert call.wait(1) == [do.EndOfTurn("t1")]


@pytest.mark.parametrize(("probability", "silence_ms"), [(0.9, 200), (0.5, 1500), (0.1, 1500)])
def test_the_turn_model_shortens_or_lengthens_the_wait(driver, probability, silence_ms):
    call = driver(turn_model=True)
    assert do.AskTurnModel("t1") in call.speak(1000)
    call.wait(100)
    call.send(ev.TurnModelSaid(probability))
    assert call.wait(silence_ms - 101) == []
    assert call.wait(1) == [do.EndOfTurn("t1")]


def test_a_verdict_that_comes_after_its_silence_ends_the_turn_at_once(driver):
    call = driver(turn_model=True)
    call.speak(1000)
    call.wait(250)
    assert call.send(ev.TurnModelSaid(0.9)) == [do.EndOfTurn("t1")]


def test_a_turn_model_that_never_answers_delays_no_more_than_none(driver):
    call = driver(turn_model=True)
    call.speak(1000)
    assert call.wait(700) == [do.EndOfTurn("t1")]


def test_patience_multiplies_the_silence(driver):
    call = driver(Policy(endpointing=Endpointing(patience=Patience.DIGITS)))
    call.speak(1000)
    assert call.wait(2099) == []
    assert call.wait(1) == [do.EndOfTurn("t1")]


def test_speech_again_is_the_same_turn_and_its_finals_add_up(call):
    call.speak(1000)
    call.send(ev.FinalText("one two"))
    call.wait(500)
    assert call.voice_on() == []
    assert call.state is USER
    call.send(ev.FinalText("three"))
    call.wait(500)
    call.voice_off()
    assert call.wait(700) == [do.EndOfTurn("t1")]
    assert call.send(ev.FinalText("four")) == [do.Commit("t1", "one two three four")]


def test_a_final_that_came_during_the_pause_needs_no_waiting(call):
    call.speak(1000)
    call.send(ev.FinalText("hello"))
    assert call.wait(700) == [do.EndOfTurn("t1"), do.Commit("t1", "hello")]
    assert call.send(ev.FinalText("")) == []


def test_a_recogniser_that_ends_turns_is_believed_without_silence(call):
    call.voice_on()
    call.wait(800)
    call.send(ev.FinalText("hello"))
    assert call.send(ev.RecogniserEndedTurn()) == [do.Commit("t1", "hello")]
    assert call.voice_off() == []


def test_a_recogniser_may_end_the_turn_before_it_gives_the_text(call):
    call.voice_on()
    assert call.send(ev.RecogniserEndedTurn()) == []
    assert call.state is DECIDING
    assert call.voice_off() == []
    assert call.send(ev.FinalText("hello")) == [do.Commit("t1", "hello")]


def test_a_turn_ends_after_a_minute(call):
    call.voice_on()
    call.send(ev.FinalText("and then"))
    assert call.wait(59_999) == []
    assert call.wait(1) == [do.EndOfTurn("t1")]
    assert call.send(ev.FinalText("and so on")) == [do.Commit("t1", "and then and so on")]


def test_a_final_that_does_not_come_is_replaced_by_the_partial(call):
    call.voice_on()
    call.send(ev.PartialText("book a ta"))
    call.wait(500)
    call.voice_off()
    assert call.wait(2199) == [do.EndOfTurn("t1")]
    assert call.wait(1) == [do.Commit("t1", "book a ta")]


def test_a_turn_in_which_nothing_was_said_is_dropped(call):
    call.speak(100)
    call.wait(700)
    assert call.send(ev.FinalText(" ")) == [do.DropTurn("t1"), do.StartFollowUp()]
    assert call.state is IDLE


def test_without_any_text_the_turn_is_dropped_by_its_timer(call):
    call.speak(100)
    assert call.wait(2200)[-2:] == [do.DropTurn("t1"), do.StartFollowUp()]


def test_chinese_pieces_are_joined_by_a_comma(call):
    call.speak(1000)
    call.send(ev.FinalText("我想订票"))
    call.voice_on()
    call.voice_off()
    call.wait(700)
    assert call.send(ev.FinalText("明天的")) == [do.Commit("t1", "我想订票，明天的")]


def test_typed_text_is_committed_at_once(call):
    assert call.send(ev.TypedText("hi")) == [do.TurnBegan("t1"), do.Commit("t1", "hi"), do.StopFollowUp()]
    assert call.state is THINKING


def test_typed_text_joins_what_is_being_said(call):
    call.voice_on()
    call.send(ev.TypedText("42"))
    call.voice_off()
    call.wait(700)
    assert call.send(ev.FinalText("please")) == [do.Commit("t1", "42 please")]


def test_blank_typed_text_is_nothing(call):
    assert call.send(ev.TypedText("  ")) == []
    assert call.state is IDLE


def test_text_of_speech_that_no_detector_noticed_is_a_turn(call):
    assert call.send(ev.FinalText("hello?"))[:2] == [do.TurnBegan("t1"), do.Commit("t1", "hello?")]


# -- thinking


def test_the_caller_who_goes_on_soon_is_merged_into_his_turn(call):
    call.say("I want")
    call.wait(500)
    assert call.voice_on() == []
    assert call.wait(200) == [do.CancelReply("t1"), do.Uncommit("t1")]
    assert call.state is USER
    call.voice_off()
    call.wait(700)
    assert call.send(ev.FinalText("a pizza")) == [do.Commit("t1", "I want a pizza")]


def test_after_the_repair_window_the_committed_text_stays(call):
    call.say("I want a pizza")
    call.wait(3001)
    call.voice_on()
    assert call.wait(200) == [do.CancelReply("t1"), do.TurnBegan("t2")]
    assert call.state is USER
    assert call.history == {"t1": "I want a pizza"}


def test_an_answer_cancelled_for_a_noise_is_asked_for_again(call):
    call.say("I want a pizza")
    call.wait(3001)
    call.speak(250)
    call.wait(700)
    assert call.send(ev.FinalText("")) == [do.DropTurn("t2"), do.Uncommit("t1"), do.Commit("t1", "I want a pizza")]
    assert call.state is THINKING


def test_a_click_while_thinking_cancels_nothing(call):
    call.say("hello")
    assert call.speak(150) == []
    assert call.wait(1000) == []
    assert call.state is THINKING


def test_words_while_thinking_need_no_length(call):
    call.say("I want")
    call.voice_on()
    assert call.send(ev.PartialText("a pizza")) == [do.CancelReply("t1"), do.Uncommit("t1")]
    assert call.machine.pending_text == "I want a pizza"


def test_speech_between_the_reply_and_its_first_sample_repairs_too(call):
    call.say("I want")
    call.send(ev.ReplyReady())
    call.voice_on()
    assert call.wait(200) == [do.Cut(0), do.CancelReply("t1"), do.Uncommit("t1")]


def test_speech_that_began_before_the_first_sample_is_speech_over_the_agent_after_it(call):
    call.say("I want")
    call.send(ev.ReplyReady())
    call.voice_on()
    call.wait(100)
    assert call.send(ev.PlaybackStarted()) == [do.TurnBegan("t2")]
    assert call.state is AGENT


def test_a_reply_with_nothing_to_say_leads_to_idle(call):
    call.say("hello")
    assert call.send(ev.ReplyDone()) == [do.StartFollowUp()]
    assert call.state is IDLE


def test_a_failed_reply_is_apologised_for(call):
    call.say("hello")
    assert call.send(ev.ReplyFailed()) == [do.Apologise()]
    assert call.state is AGENT
    call.send(ev.PlaybackStarted())
    assert call.send(ev.PlaybackHeard()) == [do.StartFollowUp()]


def test_a_brain_that_never_answers_is_given_up(call):
    call.say("hello")
    assert call.wait(60_000) == [do.CancelReply("t1"), do.Apologise()]
    assert call.wait(60_000) == [do.Cut(0), do.StartFollowUp()]
    assert call.state is IDLE


# -- late finals


def test_a_late_final_before_the_first_sample_corrects_the_question(call):
    call.voice_on()
    call.send(ev.PartialText("book a ta"))
    call.voice_off()
    call.wait(2200)
    assert call.send(ev.FinalText("Book a table.")) == [
        *(do.CancelReply("t1"), do.Uncommit("t1")),
        do.Commit("t1", "Book a table."),
    ]


def test_a_late_final_that_says_the_same_changes_nothing(call):
    call.voice_on()
    call.send(ev.PartialText("book a table"))
    call.voice_off()
    call.wait(2200)
    assert call.send(ev.FinalText("Book a table.")) == []


def test_a_second_final_before_the_first_sample_is_asked_with_the_first(call):
    call.say("book a table")
    call.send(ev.ReplyReady())
    assert call.send(ev.FinalText("for two")) == [
        *(do.Cut(0), do.CancelReply("t1"), do.Uncommit("t1")),
        do.Commit("t1", "book a table for two"),
    ]
    assert call.state is THINKING


def test_a_late_final_after_the_first_sample_joins_the_next_turn(call):
    call.say("book a table")
    call.agent_says(100)
    assert call.send(ev.FinalText("for two")) == [do.AppendToNextTurn("for two")]
    call.send(ev.ReplyDone(), ev.PlaybackHeard())
    assert call.say("at eight")[-1] == do.Commit("t2", "for two at eight")


def test_of_an_overdue_final_only_the_new_words_are_carried(call):
    call.voice_on()
    call.send(ev.PartialText("book a table"))
    call.voice_off()
    call.wait(2200)
    call.agent_says(100)
    assert call.send(ev.FinalText("Book a table for two")) == [do.AppendToNextTurn("for two")]


def test_a_late_final_in_idle_never_causes_a_second_answer(call):
    call.say("hello")
    call.agent_says(500)
    call.send(ev.ReplyDone(), ev.PlaybackHeard())
    assert call.send(ev.FinalText("hello there")) == [do.AppendToNextTurn("hello there")]
    assert call.state is IDLE


def test_an_overdue_final_does_not_count_for_the_turn_that_has_begun_since(call):
    call.voice_on()
    call.send(ev.PartialText("book a table"))
    call.voice_off()
    call.wait(2200)
    call.agent_says(100)
    call.send(ev.ReplyDone(), ev.PlaybackHeard())
    call.voice_on()
    assert call.send(ev.FinalText("book a table")) == []
    call.voice_off()
    call.wait(700)
    assert call.send(ev.FinalText("thanks")) == [do.Commit("t2", "thanks")]


# -- barge-in


def test_a_voice_over_the_agent_makes_it_hold_back_and_words_take_the_floor(call):
    call.say("hello")
    call.agent_says(2000)
    assert call.voice_on() == [do.TurnBegan("t2")]
    assert call.wait(299) == []
    assert call.wait(1) == [do.HoldBack(60)]
    assert call.state is HELD
    assert call.send(ev.PartialText("stop")) == [do.Cut(0), do.CancelReply("t1")]
    assert call.state is USER
    call.voice_off()
    call.wait(700)
    assert call.send(ev.FinalText("stop please")) == [do.Commit("t2", "stop please")]


def test_a_reply_that_was_complete_needs_no_cancelling(call):
    call.say("hello")
    call.agent_says(2000)
    call.send(ev.ReplyDone())
    call.voice_on()
    call.wait(300)
    assert call.send(ev.PartialText("stop")) == [do.Cut(0)]


def test_words_alone_take_the_floor_at_once(call):
    call.say("hello")
    call.agent_says(2000)
    call.voice_on()
    call.wait(100)
    assert call.send(ev.PartialText("no wait")) == [do.Cut(60), do.CancelReply("t1")]


def test_a_cough_holds_back_and_the_agent_goes_on(call):
    call.say("hello")
    call.agent_says(2000)
    call.speak(350)
    assert call.state is HELD
    assert call.wait(200) == [do.EndOfTurn("t2")]
    assert call.send(ev.FinalText("")) == [do.DropTurn("t2"), do.Resume()]
    assert call.state is AGENT


def test_without_any_text_the_agent_goes_on_at_the_deadline(call):
    call.say("hello")
    call.agent_says(2000)
    call.speak(350)
    assert call.wait(1499) == [do.EndOfTurn("t2")]
    assert call.wait(1) == [do.Resume()]
    assert call.state is AGENT


def test_words_that_come_after_the_agent_went_on_still_interrupt(call):
    call.say("hello")
    call.agent_says(2000)
    call.speak(350)
    call.wait(1500)
    assert call.send(ev.FinalText("stop")) == [do.Cut(60), do.CancelReply("t1"), do.Commit("t2", "stop")]


def test_a_backchannel_is_no_interruption(call):
    call.say("hello")
    call.agent_says(2000)
    call.voice_on()
    call.wait(100)
    assert call.send(ev.PartialText("Uh-huh, yeah")) == []
    assert call.wait(900) == []
    assert call.state is AGENT


def test_a_backchannel_in_the_middle_is_not_answered_afterwards(call):
    call.say("hello")
    call.agent_says(2000)
    call.speak(200)
    call.wait(700)
    assert call.send(ev.FinalText("嗯，好的")) == []
    call.wait(3000)
    assert call.send(ev.ReplyDone(), ev.PlaybackHeard()) == [do.DropTurn("t2"), do.StartFollowUp()]


def test_a_yes_over_the_last_words_is_an_answer(call):
    call.say("hello")
    call.agent_says(2000)
    call.speak(200)
    call.wait(700)
    call.send(ev.FinalText("好的"))
    assert call.send(ev.ReplyDone(), ev.PlaybackHeard()) == [do.Commit("t2", "好的")]


def test_a_yes_whose_text_comes_after_the_last_sample_is_an_answer(call):
    call.say("hello")
    call.agent_says(2000)
    call.speak(200)
    call.send(ev.ReplyDone(), ev.PlaybackHeard())
    assert call.state is DECIDING
    call.wait(700)
    assert call.send(ev.FinalText("yes")) == [do.Commit("t2", "yes")]


def test_with_the_filter_off_any_word_counts(driver):
    call = driver(Policy(interruption=Interruption(filler_filter=False)))
    call.say("hello")
    call.agent_says(2000)
    call.voice_on()
    assert call.send(ev.PartialText("uh"))[0] == do.Cut(60)


def test_a_long_voice_is_proof_even_if_the_recogniser_says_nothing(call):
    call.say("hello")
    call.agent_says(2000)
    call.voice_on()
    assert call.wait(1999) == [do.HoldBack(60)]
    assert call.wait(1) == [do.Cut(0), do.CancelReply("t1")]
    assert call.state is USER


def test_the_first_moments_of_the_agent_are_protected(call):
    call.say("hello")
    call.agent_says(0)
    call.voice_on()
    assert call.wait(799) == []
    assert call.wait(1) == [do.HoldBack(60)]


def test_what_was_said_in_the_protected_moments_still_counts_afterwards(call):
    call.say("hello")
    call.agent_says(600)
    call.speak(100)
    assert call.send(ev.FinalText("stop")) == []
    assert call.wait(100)[0] == do.Cut(60)


def test_text_soon_after_the_last_final_does_not_interrupt(driver):
    call = driver(Policy(interruption=Interruption(ignore_first_ms=0)))
    call.say("hello")
    call.agent_says(0)
    call.wait(100)
    call.voice_on()
    assert call.send(ev.PartialText("there")) == []
    assert call.wait(399) == []
    assert call.wait(1)[0] == do.Cut(60)


@pytest.mark.parametrize("strategy", [Strategy.NONE, Strategy.ASR])
def test_a_voice_without_words_interrupts_only_where_voices_count(driver, strategy):
    call = driver(Policy(interruption=Interruption(strategy=strategy)))
    call.say("hello")
    call.agent_says(2000)
    call.voice_on()
    assert call.wait(5000) == []
    assert call.state is AGENT


def test_words_are_not_enough_where_only_voices_count(driver):
    call = driver(Policy(interruption=Interruption(strategy=Strategy.VAD)))
    call.say("hello")
    call.agent_says(2000)
    call.voice_on()
    assert call.send(ev.PartialText("stop that")) == []
    assert call.wait(300)[0] == do.Cut(60)


def test_words_that_no_detector_noticed_interrupt(call):
    call.say("hello")
    call.agent_says(4000)
    assert call.send(ev.PartialText("stop")) == [do.TurnBegan("t2"), do.Cut(60), do.CancelReply("t1")]
    assert call.state is DECIDING
    call.wait(700)
    assert call.send(ev.FinalText("stop it")) == [do.Commit("t2", "stop it")]


def test_too_few_words_hold_back_once_and_not_again(driver):
    call = driver(Policy(interruption=Interruption(proof_words=3)))
    call.say("hello")
    call.agent_says(5000)
    call.voice_on()
    call.wait(100)
    assert call.send(ev.PartialText("stop")) == [do.HoldBack(60)]
    call.voice_off()
    call.send(ev.FinalText("stop"))
    assert do.Resume() in call.wait(1500)
    assert do.HoldBack(60) not in call.wait(5000)


def test_an_agent_that_had_finished_before_the_pause_leaves_the_floor_to_the_caller(call):
    call.say("hello")
    call.agent_says(2000)
    call.send(ev.ReplyDone())
    call.voice_on()
    call.wait(300)
    assert call.send(ev.PlaybackHeard()) == [do.Resume()]
    assert call.state is USER


@pytest.mark.parametrize(
    ("strategy", "interruptible"), [(Strategy.NONE, True), (Strategy.NONE, False), (Strategy.BOTH, False)]
)
def test_speech_over_what_may_not_be_interrupted_is_answered_after_it(driver, strategy, interruptible):
    call = driver(Policy(interruption=Interruption(strategy=strategy)))
    call.send(ev.AgentBegins(interruptible=interruptible), ev.PlaybackStarted())
    call.wait(1500)
    call.speak(2500)
    assert call.wait(700) == [do.EndOfTurn("t1")]
    assert call.send(ev.FinalText("a question")) == []
    call.wait(3000)
    assert call.send(ev.PlaybackHeard()) == [do.Commit("t1", "a question")]


def test_typed_text_waits_for_what_may_not_be_interrupted(call):
    call.send(ev.AgentBegins(interruptible=False), ev.PlaybackStarted())
    call.wait(2000)
    assert call.send(ev.TypedText("1")) == [do.TurnBegan("t1")]
    call.wait(5000)
    assert call.send(ev.PlaybackHeard()) == [do.Commit("t1", "1")]


def test_typed_text_interrupts_without_proof(call):
    call.say("hello")
    call.agent_says(100)
    assert call.send(ev.TypedText("1")) == [
        *(do.Cut(60), do.CancelReply("t1"), do.TurnBegan("t2")),
        do.Commit("t2", "1"),
    ]


def test_what_was_said_before_the_agent_began_does_not_interrupt_it(call):
    call.speak(1000)
    call.send(ev.FinalText("a question"))
    call.wait(100)
    call.send(ev.AgentBegins(), ev.PlaybackStarted())
    assert do.HoldBack(60) not in call.wait(5000)
    assert call.send(ev.PlaybackHeard()) == [do.Commit("t1", "a question")]


# -- the agent on its own


def test_a_greeting_needs_no_turn(call):
    assert call.send(ev.AgentBegins()) == [do.StopFollowUp()]
    assert call.send(ev.PlaybackStarted(), ev.PlaybackDry()) == []
    assert call.send(ev.PlaybackHeard()) == [do.StartFollowUp()]


def test_a_hello_before_the_greeting_does_not_replace_it(call):
    call.send(ev.AgentBegins())
    call.speak(300)
    call.wait(700)
    assert call.send(ev.FinalText("hello?")) == []
    assert call.send(ev.PlaybackStarted()) == []
    assert call.state is AGENT


def test_speech_holds_a_follow_up_back_that_the_brain_is_still_making(call):
    call.send(ev.AgentBegins(complete=False))
    call.voice_on()
    assert call.wait(300) == [do.HoldBack(60)]
    assert call.send(ev.PartialText("wait")) == [do.Cut(0), do.CancelReply(None)]


def test_a_slow_brain_falls_silent_and_speaks_again_in_the_same_turn(call):
    call.say("hello")
    call.agent_says(1000)
    call.send(ev.PlaybackDry())
    assert call.state is THINKING
    call.send(ev.PlaybackHeard(), ev.PlaybackStarted())
    assert call.state is AGENT
    call.send(ev.PlaybackDry(), ev.ReplyDone())
    assert call.state is AGENT
    assert call.send(ev.PlaybackHeard()) == [do.StartFollowUp()]


def test_speech_while_a_tool_runs_cuts_the_reply_and_keeps_the_turn(call):
    call.say("hello")
    call.agent_says(1000)
    call.send(ev.PlaybackDry())
    call.voice_on()
    assert call.wait(200) == [do.Cut(0), do.CancelReply("t1"), do.TurnBegan("t2")]
    assert call.history == {"t1": "hello"}


def test_an_utterance_nobody_announced_is_noticed_by_its_samples(call):
    call.send(ev.PlaybackStarted())
    assert call.state is AGENT
    call.send(ev.PlaybackHeard())
    assert call.state is IDLE


def test_a_final_of_speech_that_waits_for_a_slow_agent_stays_with_its_turn(driver):
    call = driver(Policy(interruption=Interruption(strategy=Strategy.NONE)))
    call.say("hello")
    call.agent_says(4500)
    call.voice_on()
    call.send(ev.PartialText("and a tab"))
    call.wait(500)
    call.voice_off()
    call.wait(2200)
    call.send(ev.PlaybackDry())
    assert call.state is THINKING
    assert call.send(ev.FinalText("and a table")) == []
    assert call.send(ev.PlaybackHeard(), ev.ReplyDone()) == [do.Commit("t2", "and a table")]


# -- commands


def test_a_command_silences_the_agent(call):
    call.say("hello")
    call.agent_says(1000)
    assert call.send(ev.InterruptCommand()) == [do.Cut(60), do.CancelReply("t1"), do.StartFollowUp()]
    assert call.state is IDLE


def test_a_command_cancels_an_answer_on_its_way(call):
    call.say("hello")
    assert call.send(ev.InterruptCommand()) == [do.CancelReply("t1"), do.StartFollowUp()]


def test_nothing_happens_after_the_end(call):
    call.say("hello")
    call.agent_says(1000)
    call.voice_on()
    call.wait(400)
    assert call.send(ev.HangUp()) == []
    assert call.state is ENDED
    assert call.machine.deadline_ms is None
    assert call.send(ev.SpeechStarted(0), ev.FinalText("x"), ev.TypedText("x"), ev.Tick(), ev.HangUp()) == []


def test_words_not_yet_committed_are_there_for_the_record(call):
    call.voice_on()
    call.send(ev.FinalText("one"), ev.PartialText("two"), ev.HangUp())
    assert call.machine.pending_text == "one two"


# -- early start


def test_an_early_start_is_adopted_when_its_words_were_right(driver):
    call = driver(Policy(early_start=True))
    call.voice_on()
    call.send(ev.PartialText("hello there"))
    assert call.voice_off() == [do.StartEarly("t1", "hello there")]
    call.wait(700)
    assert call.send(ev.FinalText("Hello there!")) == [do.Commit("t1", "Hello there!", early=True)]


def test_an_early_start_on_wrong_words_is_discarded(driver):
    call = driver(Policy(early_start=True))
    call.voice_on()
    call.send(ev.PartialText("hello"))
    call.voice_off()
    call.wait(700)
    assert call.send(ev.FinalText("hello there")) == [do.DiscardEarly("t1"), do.Commit("t1", "hello there")]


@pytest.mark.parametrize("event", [ev.SpeechStarted(0), ev.SceneChanged(), ev.AgentBegins()])
def test_an_early_start_is_discarded_when_the_world_changes(driver, event):
    call = driver(Policy(early_start=True))
    call.voice_on()
    call.send(ev.PartialText("hello"))
    call.voice_off()
    assert do.DiscardEarly("t1") in call.send(event)


def test_an_early_start_waits_for_a_turn_model(driver):
    call = driver(Policy(early_start=True), turn_model=True)
    call.voice_on()
    call.send(ev.PartialText("hello"))
    assert call.voice_off() == [do.AskTurnModel("t1")]
    assert call.send(ev.TurnModelSaid(0.2)) == []
    assert call.send(ev.TurnModelSaid(0.8)) == [do.StartEarly("t1", "hello")]


# -- other brains, and none


def test_without_a_brain_a_turn_is_recorded_and_leads_to_idle(driver):
    call = driver(Policy(brain=Brain.NONE))
    assert call.say("hello")[-2:] == [do.Commit("t1", "hello"), do.StartFollowUp()]
    assert call.state is IDLE


def test_without_a_brain_nothing_interrupts_a_controllers_tts(driver):
    call = driver(Policy(brain=Brain.NONE))
    call.send(ev.AgentBegins(), ev.PlaybackStarted())
    call.wait(2000)
    call.voice_on()
    call.send(ev.PartialText("stop stop stop"))
    assert call.wait(3000) == []
    call.voice_off()
    call.wait(700)
    assert call.send(ev.FinalText("stop stop stop")) == [do.Commit("t1", "stop stop stop")]
    assert call.state is AGENT


def test_without_a_recogniser_a_turn_has_no_text(driver):
    call = driver(recogniser=False)
    call.speak(1000)
    assert call.wait(700) == [do.DropTurn("t1"), do.StartFollowUp()]


def test_without_a_recogniser_length_is_the_proof(driver):
    call = driver(recogniser=False)
    call.send(ev.AgentBegins(), ev.PlaybackStarted())
    call.wait(2000)
    call.voice_on()
    assert call.wait(599) == [do.HoldBack(60)]
    assert call.wait(1) == [do.Cut(0)]


def test_a_realtime_model_does_not_wait_for_text_and_its_transcript_amends_the_turn(driver):
    call = driver(Policy(brain=Brain.AUDIO))
    call.speak(1000)
    assert call.send(ev.RecogniserEndedTurn()) == [do.Commit("t1", "")]
    call.agent_says(1000)
    assert call.send(ev.FinalText("hello")) == [do.Amend("t1", "hello")]
    assert call.history == {"t1": "hello"}


def test_a_realtime_model_that_answers_has_judged_the_turn_over(driver):
    call = driver(Policy(brain=Brain.AUDIO))
    call.speak(1000)
    assert call.send(ev.ReplyReady()) == [do.Commit("t1", "")]
    assert call.state is AGENT


def test_a_realtime_models_turn_is_never_taken_back(driver):
    call = driver(Policy(brain=Brain.AUDIO))
    call.speak(1000)
    call.send(ev.RecogniserEndedTurn())
    call.voice_on()
    assert call.wait(200) == [do.CancelReply("t1"), do.TurnBegan("t2")]


def test_the_policy_may_change_with_the_scene(call):
    call.voice_on()
    call.machine.policy = Policy(endpointing=Endpointing(plain_ms=100))
    call.send(ev.SceneChanged())
    call.voice_off()
    assert call.wait(100) == [do.EndOfTurn("t1")]
