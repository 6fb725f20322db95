"""Calls over a real WebSocket in real time: what virtual time cannot show."""

import asyncio
import base64

import pytest
from tests.e2e.conftest import House

from active_call.testing.fakes import tone
from active_call.testing.session import FAKE_OPTION, book


async def until_empty(house: House) -> None:
    for _ in range(200):
        if not len(house.manager.directory):
            return
        await asyncio.sleep(0.01)
    pytest.fail("a call is left")


async def test_a_conversation_ends_with_one_hangup_and_a_normal_close(house: House) -> None:
    house.fakes.transcripts, house.fakes.replies = ["what is up"], ["All good.<hangup/>"]
    async with house.agent() as caller:
        await caller.invite()
        assert await caller.until("trackEnd", 3)
        await caller.say(tone(0.4))
        assert await caller.until_closed(5)
        names = [event["event"] for event in caller.events]
        assert names[:2] == ["trackStart", "answer"]
        assert names[-3:] == ["trackEnd", "trackEnd", "hangup"]
        assert names.count("hangup") == 1
        assert caller.closed == 1000
    assert house.fakes.spoken == ["Hello there.", "All good."]
    await until_empty(house)


@pytest.mark.parametrize("codec", ["pcmu", "pcma"])
async def test_other_codecs_are_heard_and_spoken(house: House, codec: str) -> None:
    house.fakes.transcripts = ["one two"]
    house.fakes.replies = ["Hello.", "Yes."]
    async with house.caller(book(), codec=codec) as caller:
        await caller.invite()
        assert await caller.until("trackEnd", 3)
        await caller.say(tone(0.4))
        final = await caller.until("asrFinal", 3)
        assert final is not None
        assert final["text"] == "one two"
        assert sum(map(len, caller.received)) >= 6 * 320


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[1]", "{}", '{"command":7}', '{"command":"fly"}', '{"command":"tts"}', "\x00", "{" * 10_000],
)
async def test_a_text_that_is_no_command_is_an_error_and_the_call_goes_on(house: House, text: str) -> None:
    async with house.caller() as caller:
        await caller._socket.send(text)
        error = await caller.until("error", 2)
        assert error is not None
        assert error["sender"] == "command"
        await caller.invite()
        assert await caller.until("answer", 2)


async def test_audio_of_odd_length_or_none_at_all_is_heard_as_far_as_it_goes(house: House) -> None:
    async with house.caller() as caller:
        await caller.send("invite", option={"codec": "pcm", **FAKE_OPTION})
        assert await caller.until("answer", 2)
        for data in (b"", b"\x01", b"\x00" * 641, b"\xff" * 3, b"\x00" * 100_000):
            await caller._socket.send(data)
        await caller.send("tts", text="Still here.", playId="p")
        assert await caller.until("trackEnd", 3)
        assert not [event for event in caller.events if event["event"] == "error"]


async def test_a_burst_of_ten_thousand_commands_is_carried_out_in_order(house: House) -> None:
    async with house.caller() as caller:
        for number in range(10_000):
            await caller.send("history", speaker="user", text=str(number))
        await caller.send("hangup")
        assert await caller.until_closed(30)
        texts = [int(event["text"]) for event in caller.events if event["event"] == "addHistory"]
        assert texts == list(range(10_000))
        assert (caller.events[-1]["event"], caller.closed) == ("hangup", 1000)


async def test_a_caller_who_vanishes_in_mid_reply_leaves_nothing(house: House) -> None:
    house.fakes.transcripts, house.fakes.replies = ["tell me"], [["Once upon a time. "] * 50]
    house.fakes.token_s = 0.1
    async with house.agent() as caller:
        await caller.invite()
        assert await caller.until("trackEnd", 3)
        await caller.say(tone(0.4))
        assert await caller.until("trackStart", 3, count=3)
        caller._socket.transport.abort()
        await until_empty(house)
    assert house.fakes.open_streams == 0


async def test_a_playbook_that_is_not_there_is_an_error_then_a_hangup_then_a_close(house: House) -> None:
    call_id = house.manager.directory.stage(name="missing.md")
    async with house.caller(id=call_id) as caller:
        assert await caller.until_closed(3)
        assert [(event["event"], event.get("sender")) for event in caller.events] == [
            ("error", "playbook"),
            ("hangup", None),
        ]
        assert caller.closed == 1000


async def test_audio_comes_in_frames_of_twenty_milliseconds_at_the_pace_of_the_clock(house: House) -> None:
    async with house.caller() as caller:
        await caller.invite(**FAKE_OPTION)
        assert await caller.until("answer", 2)
        began = asyncio.get_running_loop().time()
        text = base64.b64encode((tone(1.0)).tobytes()).decode()
        await caller.send("tts", text=text, base64=True, playId="p")
        end = await caller.until("trackEnd", 3)
        assert end is not None
        assert end["duration"] == 1000
        assert {len(frame) for frame in caller.received} == {320}
        assert len(caller.received) == 50
        assert asyncio.get_running_loop().time() - began > 0.9
