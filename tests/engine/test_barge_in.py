"""The caller speaks over the agent: it holds back, goes on at the same word, or is cut by what was heard."""

from tests.engine.conftest import Talk, ask, greeted, said

from active_call.testing.fakes import Fakes, tone
from active_call.testing.virtual_time import in_virtual_time

STORY = "Once upon a time there was a king who had a very large garden with many golden apples in it"
FAST = "greeting: Hello there.\ninterruption: {strategy: both, ignoreFirstMs: 0, minSpeechMs: 100}"


async def tell(s):
    """The agent begins its story."""
    await s.say(tone(0.5))
    await s.until("metrics", key="turn")


@in_virtual_time
async def test_an_interruption_cuts_the_agent_and_the_history_holds_what_was_heard():
    fakes = Fakes(transcripts=["tell me a story", "stop please"], replies=[STORY, "Fine."])
    async with Talk(fakes, more=FAST) as s:
        await greeted(s)
        await tell(s)
        await s.call_time(0.6)
        await ask(s, 0.8)
        cut = s.all("interruption")[0]
        assert STORY.startswith(cut["subtitle"])
        assert 3 < len(cut["subtitle"]) < len(STORY)
        await s.until("trackEnd", 3, trackId="server-side-track")
        history = said(fakes.asked[-1])
        assert history[-2] == ("assistant", cut["subtitle"].strip())
        assert history[-1] == ("user", "stop please")
        assert fakes.spoken[-1] == "Fine."


@in_virtual_time
async def test_the_agent_is_silent_soon_after_the_caller_begins():
    fakes = Fakes(transcripts=["tell me a story", "stop please"], replies=[STORY, "Fine."])
    async with Talk(fakes, more=FAST) as s:
        await greeted(s)
        await tell(s)
        await s.call_time(0.6)
        before = len(s.wire.sent)
        await s.say(tone(0.8))
        began = s.all("speaking")[-1]["startTime"]
        loud = [at for at, frame in s.wire.sent[before:] if abs(frame.astype(int)).max() > 2000]
        assert loud[-1] - began < 450


@in_virtual_time
async def test_a_cough_only_makes_it_hold_back_and_go_on():
    fakes = Fakes(transcripts=["tell me a story"], replies=[STORY])
    async with Talk(fakes, more=FAST) as s:
        await greeted(s)
        await tell(s)
        await s.call_time(0.5)
        await s.say(tone(0.4))
        end = await s.until("trackEnd", 2, trackId="server-side-track")
        assert not s.all("interruption")
        assert end["duration"] >= len(STORY) * 20
        assert len(fakes.asked) == 1


@in_virtual_time
async def test_with_strategy_none_nothing_interrupts():
    fakes = Fakes(transcripts=["tell me a story", "stop"], replies=[STORY, "Fine."])
    async with Talk(fakes, more="greeting: Hello there.\ninterruption: {strategy: none}") as s:
        await greeted(s)
        await tell(s)
        await s.call_time(0.2)
        await s.say(tone(0.8))
        await s.until("trackEnd", 2, trackId="server-side-track")
        assert not s.all("interruption")


@in_virtual_time
async def test_an_interruption_stops_a_brain_that_is_still_writing_and_its_words_leave_no_trace():
    fakes = Fakes(
        transcripts=["tell me a story", "stop please"],
        replies=[["The first sentence of it is this. ", "The second one. ", "The third one. ", "End."], "Fine."],
        token_s=0.5,
    )
    async with Talk(fakes, more=FAST) as s:
        await greeted(s)
        await tell(s)
        await s.call_time(0.3)
        await ask(s, 0.8)
        await s.until("trackEnd", 3, trackId="server-side-track")
        assert "End." not in fakes.spoken
        heard = said(fakes.asked[-1])[-2]
        assert heard[0] == "assistant"
        assert "The first sentence of it is this.".startswith(heard[1])
        assert [event["text"] for event in s.all("addHistory", sender="llm")] == ["Fine."]
    assert fakes.open_streams == 0


@in_virtual_time
async def test_a_hangup_behind_words_that_were_cut_never_happens():
    fakes = Fakes(transcripts=["bye", "no wait"], replies=[STORY + "<hangup/>", "I am still here."])
    async with Talk(fakes, more=FAST) as s:
        await greeted(s)
        await tell(s)
        await s.call_time(0.6)
        await ask(s, 0.8)
        await s.until("trackEnd", 3, trackId="server-side-track")
        await s.call_time(3)
        assert not s.ended
        assert fakes.spoken[-1] == "I am still here."


@in_virtual_time
async def test_a_scene_change_behind_words_that_were_cut_never_happens():
    fakes = Fakes(transcripts=["go", "no wait"], replies=[STORY + '<goto scene="other"/>', "Fine."])
    async with Talk(fakes, body="# Scene: main\nBe nice.\n# Scene: other\nBe rude.", more=FAST) as s:
        await greeted(s)
        await tell(s)
        await s.call_time(0.6)
        await ask(s, 0.8)
        assert fakes.asked[-1].scene == "main"
