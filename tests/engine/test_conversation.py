"""Whole conversations with fakes: who says what when, and what the brain is told."""

import pytest
from tests.engine.conftest import Talk, ask, greeted, said

from active_call.testing.fakes import Fakes, tone
from active_call.testing.virtual_time import in_virtual_time


@in_virtual_time
async def test_a_conversation_is_told_in_order():
    fakes = Fakes(transcripts=["what is up"], replies=["All good here. And you?"])
    async with Talk(fakes) as s:
        await greeted(s)
        await ask(s)
        await s.send("hangup")
        await s.until("hangup")
        hello, reply = (event["playId"] for event in s.all("trackStart", trackId="server-side-track"))
        assert s.story() == [
            "trackStart caller",
            "answer",
            "addHistory",
            f"trackStart {hello}",
            f"trackEnd {hello}",
            "asrDelta",
            "asrFinal",
            f"trackStart {reply}",
            "addHistory",
            f"trackEnd {reply}",
            "trackEnd caller",
            "hangup",
        ]
    assert fakes.spoken == ["Hello there.", "All good here.", "And you?"]
    assert fakes.open_streams == 0


@in_virtual_time
async def test_the_answer_has_the_timestamp_of_the_callers_track_and_is_no_refer():
    async with Talk() as s:
        start, answer = s.events[:2]
        assert start["timestamp"] == answer["timestamp"]
        assert answer["refer"] is False
        assert start["trackId"] == answer["trackId"] == s.call.id


@in_virtual_time
async def test_the_greeting_is_in_the_history_before_its_track_begins():
    async with Talk() as s:
        await greeted(s)
        history = s.all("addHistory")[0]
        assert (history["sender"], history["speaker"], history["text"]) == ("system", "assistant", "Hello there.")
        greeting = s.all("trackStart", trackId="server-side-track")[0]
        assert s.events.index(history) < s.events.index(greeting)


@in_virtual_time
async def test_the_greeting_does_not_wait_for_the_brain():
    fakes = Fakes(trouble={"llm open": None})
    async with Talk(fakes) as s:
        await s.until("trackEnd", trackId="server-side-track", patience=1)
        assert fakes.spoken == ["Hello there."]


@in_virtual_time
async def test_a_question_asked_while_the_brain_is_still_loading_is_answered_when_it_is_there():
    fakes = Fakes(transcripts=["hello?"], replies=["Here I am."], trouble={"llm session": None})
    async with Talk(fakes) as s:
        await greeted(s)
        await s.say(tone(0.5))
        await s.call_time(2)
        assert fakes.asked == []
        fakes.released.set()
        await s.until("trackEnd", 2, trackId="server-side-track")
        assert fakes.spoken[1:] == ["Here I am."]


@in_virtual_time
async def test_without_a_greeting_the_brain_begins_after_the_answer():
    fakes = Fakes(replies=["Good morning!"])
    async with Talk(fakes, more="") as s:
        await greeted(s)
        assert fakes.asked[0].reason == "start"
        assert fakes.spoken == ["Good morning!"]
        assert s.names.index("answer") < s.names.index("metrics llm_call_start")


@in_virtual_time
async def test_a_brain_that_does_not_want_to_begin_lets_the_caller_speak_first():
    fakes = Fakes(transcripts=["hi"], replies=["", "Hello."])
    async with Talk(fakes, more="") as s:
        await s.call_time(1)
        assert not s.all("error")
        assert s.story() == ["trackStart caller", "answer"]
        await ask(s)
        assert fakes.spoken == ["Hello."]


@in_virtual_time
async def test_the_brain_is_told_what_was_said_by_both():
    fakes = Fakes(transcripts=["one", "two"], replies=["First.", "Second."])
    async with Talk(fakes) as s:
        await greeted(s)
        await ask(s)
        await ask(s)
    assert said(fakes.asked[1]) == [
        ("assistant", "Hello there."),
        ("user", "one"),
        ("assistant", "First."),
        ("user", "two"),
    ]


@in_virtual_time
async def test_the_stages_of_a_turn_sum_to_its_total_and_count_from_the_last_spoken_sample():
    async with Talk(Fakes(transcripts=["hi"], token_s=0.1)) as s:
        await greeted(s)
        await ask(s)
        turn = s.all("metrics", key="turn")[0]
        stages = dict(turn["data"]["stages"])
        assert stages.pop("total") == sum(stages.values()) == turn["duration"]
        silence = s.all("silence")[-1]
        spoken_until = silence["startTime"] + silence["duration"]
        first_sound = next(at for at, frame in s.wire.sent if at > spoken_until)
        assert turn["duration"] == pytest.approx(first_sound - spoken_until, abs=25)


@in_virtual_time
async def test_every_asr_event_has_its_times_and_counts_sentences():
    async with Talk(Fakes(transcripts=["one two", "three"])) as s:
        await greeted(s)
        await ask(s)
        await ask(s)
        finals = s.all("asrFinal")
        assert [event["index"] for event in finals] == [0, 1]
        for event in finals + s.all("asrDelta"):
            assert 0 < event["startTime"] < event["endTime"]
        assert [event["data"] for event in s.all("metrics", key="completed.asr.fake")] == [{"index": 0}, {"index": 1}]


@in_virtual_time
async def test_a_noise_without_words_is_not_answered():
    fakes = Fakes()
    async with Talk(fakes) as s:
        await greeted(s)
        await s.say(tone(0.5))
        await s.call_time(4)
        assert fakes.asked == []
        assert not s.all("asrFinal")
        assert fakes.open_streams == 0


@in_virtual_time
async def test_a_caller_who_goes_on_within_the_repair_window_is_answered_once_to_all_he_said():
    fakes = Fakes(transcripts=["I would like", "a pizza"], replies=[["Sorry"], "A pizza, sure."], token_s=1.0)
    async with Talk(fakes) as s:
        await greeted(s)
        await s.say(tone(0.5))
        await s.until("metrics", key="llm_call_start")
        await s.call_time(0.3)
        await ask(s)
        assert said(fakes.asked[-1])[-1] == ("user", "I would like a pizza")
        assert fakes.spoken == ["Hello there.", "A pizza, sure."]
        assert [event["text"] for event in s.all("addHistory", sender="llm")] == ["A pizza, sure."]


@in_virtual_time
async def test_a_recogniser_that_streams_the_whole_call_and_ends_turns_itself_is_answered_without_waiting():
    fakes = Fakes(transcripts=["one", "two"], replies=["First.", "Second."], complete=0.0)
    async with Talk(fakes, asr={"provider": "fake-stream"}) as s:
        await greeted(s)
        await ask(s)
        silence = s.all("silence")[-1]
        assert s.all("asrFinal")[0]["text"] == "one"
        asked = s.all("metrics", key="llm_call_start")[0]["timestamp"]
        assert asked - (silence["startTime"] + silence["duration"]) < 200
        await ask(s)
        assert fakes.spoken[1:] == ["First.", "Second."]
        assert fakes.open_streams == 1
    assert fakes.open_streams == 0


@in_virtual_time
async def test_a_brain_that_thinks_longer_than_it_speaks_keeps_one_track():
    fakes = Fakes(transcripts=["hi"], replies=[["One. ", "Two. ", "Three."]], token_s=1.0)
    async with Talk(fakes) as s:
        await greeted(s)
        await ask(s)
        assert fakes.spoken[1:] == ["One.", "Two.", "Three."]
        assert len(s.all("trackStart", trackId="server-side-track")) == 2


@in_virtual_time
async def test_a_controllers_tts_takes_the_floor_from_the_agent_and_its_reply_leaves_the_history():
    fakes = Fakes(transcripts=["tell me", "and?"], replies=["This is a very long story. " * 5, "Well."])
    async with Talk(fakes) as s:
        await greeted(s)
        await s.say(tone(0.5))
        await s.until("metrics", key="turn")
        await s.call_time(0.2)
        await s.send("tts", text="Hold on.", playId="c")
        await s.until("trackEnd", playId="c")
        await ask(s)
        spoken = dict(said(fakes.asked[-1])[2:3]).get("assistant", "")
        assert len(spoken) < 20
        assert "This is a very".startswith(spoken)
        assert fakes.spoken[-1] == "Well."


@in_virtual_time
async def test_a_graceful_interrupt_stops_the_brain_and_the_history_has_the_sentence_that_was_finished():
    story = ["It was a dark night. ", "Then came. ", "Never."]
    fakes = Fakes(transcripts=["tell me", "and?"], replies=[story, "Well."], token_s=0.3)
    async with Talk(fakes) as s:
        await greeted(s)
        await s.say(tone(0.5))
        await s.until("metrics", key="turn")
        await s.send("interrupt", graceful=True)
        await s.until("trackEnd", 2, trackId="server-side-track")
        await ask(s)
        assert said(fakes.asked[-1])[2] == ("assistant", "It was a dark night.")
        assert "Never." not in fakes.spoken


@in_virtual_time
async def test_an_interrupt_while_the_brain_thinks_cancels_the_answer():
    fakes = Fakes(transcripts=["hi", "again"], replies=[["Late."], "Now."], token_s=0.5)
    fakes.trouble["llm stream"] = None
    async with Talk(fakes) as s:
        await greeted(s)
        await s.say(tone(0.5))
        await s.until("metrics", key="llm_call_start")
        await s.send("interrupt")
        await s.call_time(1)
        assert fakes.open_streams == 0
        fakes.trouble.clear()
        await ask(s)
        assert fakes.spoken == ["Hello there.", "Late."]


@in_virtual_time
async def test_a_playbook_call_has_tts_follow_the_agent_when_it_names_no_play_id():
    async with Talk() as s:
        await s.send("tts", text="And welcome.")
        await s.until("trackEnd", 2, trackId="server-side-track")
        assert not s.all("interruption")
