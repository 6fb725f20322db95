"""A caller who stays silent is asked again, and in the end the agent hangs up."""

import pytest
from tests.engine.conftest import Talk, ask, greeted, said

from active_call.testing.fakes import Fakes, tone
from active_call.testing.virtual_time import in_virtual_time

RULES = "greeting: Hello there.\nfollowUp: {timeout: 5000, maxCount: 2}"


@in_virtual_time
async def test_a_silent_caller_is_asked_again_and_hung_up_on_after_the_last_unanswered_question():
    fakes = Fakes(replies=["Are you there?", "Hello?"])
    async with Talk(fakes, more=RULES) as s:
        await greeted(s)
        end = await s.until("hangup", patience=60)
        assert (end["reason"], end["initiator"]) == ("Max follow-up reached", "system")
        assert [request.reason for request in fakes.asked] == ["follow-up", "follow-up"]
        assert fakes.spoken == ["Hello there.", "Are you there?", "Hello?"]


@in_virtual_time
async def test_each_follow_up_comes_its_timeout_after_the_last_sound():
    async with Talk(Fakes(replies=["Are you there?"]), more=RULES) as s:
        await greeted(s)
        ended = s.all("trackEnd")[0]["timestamp"]
        asked = await s.until("metrics", key="llm_call_start")
        assert asked["timestamp"] - ended == pytest.approx(5000, abs=30)


@in_virtual_time
async def test_an_answer_resets_the_count():
    fakes = Fakes(transcripts=["yes"], replies=["Are you there?", "Good.", "Still there?", "Hello?"])
    async with Talk(fakes, more=RULES) as s:
        await s.until("trackEnd", 2, trackId="server-side-track")
        await ask(s)
        await s.until("hangup", patience=60)
        assert [request.reason for request in fakes.asked] == ["follow-up", "user", "follow-up", "follow-up"]
        assert said(fakes.asked[-1])[1] == ("assistant", "Are you there?")


@in_virtual_time
async def test_a_sound_without_words_only_starts_the_wait_again():
    fakes = Fakes(replies=["Are you there?"])
    async with Talk(fakes, more=RULES) as s:
        await greeted(s)
        await s.call_time(4)
        await s.say(tone(0.5))
        await s.call_time(3)
        assert fakes.asked == []
        await s.until("metrics", key="llm_call_start", patience=5)


@in_virtual_time
async def test_the_rules_of_the_scene_come_first():
    body = '# Scene: main\nBe nice. <followup timeout="1000" max="0"/>'
    async with Talk(Fakes(), body=body, more=RULES) as s:
        await greeted(s)
        assert (await s.until("hangup", patience=2))["reason"] == "Max follow-up reached"


@in_virtual_time
async def test_without_rules_nobody_is_asked():
    fakes = Fakes()
    async with Talk(fakes) as s:
        await greeted(s)
        await s.call_time(600)
        assert fakes.asked == []
        assert not s.ended
