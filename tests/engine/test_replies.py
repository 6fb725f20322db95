"""Answers that are JSON, and answers with emotions, in a call."""

from tests.engine.conftest import GREETING, Talk, ask, greeted, said

from active_call.testing.fakes import Fakes, tone
from active_call.testing.virtual_time import in_virtual_time


@in_virtual_time
async def test_a_json_reply_is_spoken_and_its_hangup_comes_when_the_text_was_heard():
    fakes = Fakes(transcripts=["bye"], replies=['{"text": "Goodbye.", "tools": [{"name": "hangup"}]}'])
    async with Talk(fakes) as s:
        await greeted(s)
        await s.say(tone(0.5))
        end = await s.until("hangup")
        assert end["reason"] == "bySystem"
        assert fakes.spoken[1:] == ["Goodbye."]
        assert s.all("metrics", key="llm_response")[-1]["data"]["is_json_mode"] is True


@in_virtual_time
async def test_after_json_that_cannot_be_read_the_model_is_asked_once_more():
    fakes = Fakes(transcripts=["hi"], replies=['{"text": "Hel', "Hello to you."])
    async with Talk(fakes) as s:
        await greeted(s)
        await ask(s)
        assert fakes.spoken[1:] == ["Hello to you."]
        assert len(fakes.asked) == 2
        assert "JSON" in s.all("error", sender="llm")[0]["error"]


@in_virtual_time
async def test_after_json_that_cannot_be_read_twice_the_apology_is_said():
    fakes = Fakes(transcripts=["hi", "well"], replies=['{"text": "Hel', "```json\n{]", "Yes."])
    async with Talk(fakes) as s:
        await greeted(s)
        await ask(s)
        assert len(fakes.asked) == 2
        assert fakes.spoken[1].startswith("Sorry")
        await ask(s)
        assert not any("{" in text for _, text in said(fakes.asked[-1]))


@in_virtual_time
async def test_what_a_tool_would_have_fetched_is_reported():
    reply = '{"text": "One moment.", "tools": [{"name": "http", "url": "https://example.com"}]}'
    async with Talk(Fakes(transcripts=["order"], replies=[reply])) as s:
        await greeted(s)
        await ask(s)
        assert "http is not carried out" in s.all("error", sender="playbook")[0]["error"]


@in_virtual_time
async def test_a_voice_that_has_the_emotion_is_asked_for_it_and_no_voice_reads_the_tag():
    for emotions, felt in ((frozenset({"Cheerful"}), [None, None, "Cheerful"]), (frozenset(), [None] * 3)):
        fakes = Fakes(transcripts=["won"], replies=["So. [happy] You won!"], emotions=emotions)
        async with Talk(fakes, more=GREETING) as s:
            await greeted(s)
            await ask(s)
        assert fakes.spoken == ["Hello there.", "So.", "You won!"]
        assert fakes.felt == felt
