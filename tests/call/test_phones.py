"""Calls over a line whose other side rings, answers and hangs up by itself."""

import asyncio

import pytest
from tests.call.party import Party
from tests.call.phone import Exchange

from active_call.plugin.leg import Answered, Ended, Hold, MediaReady, Ringing
from active_call.testing.fakes import Fakes
from active_call.testing.session import FAKE_OPTION, virtual_server
from active_call.testing.virtual_time import in_virtual_time


async def after(*news):
    """The events of a call whose phone tells that."""
    async with virtual_server(Fakes(), exchange := Exchange()) as manager:
        party = Party(manager, exchange, 1, phone=True, content=None)
        party.send({"command": "invite", "option": FAKE_OPTION})
        phone = await exchange.phone(party.call.id)
        for event in news:
            phone.tell(event)
            await asyncio.sleep(0.1)
        await party.close()
        party.check_end()
        return party.events


@in_virtual_time
async def test_a_phone_that_answers_twice_is_answered_once():
    events = await after(Answered(sdp="one"), Answered(sdp="two"))
    assert [event["sdp"] for event in events if event["event"] == "answer"] == ["one"]
    assert not [event for event in events if event["event"] == "error"]


@in_virtual_time
async def test_what_the_phone_tells_comes_in_order():
    events = await after(Ringing(early_media=True), Answered(sdp="v=0"), MediaReady(), Hold(on=True), Hold(on=False))
    names = [event["event"] for event in events]
    assert names[:6] == ["trackStart", "ringing", "answer", "mediaReady", "hold", "hold"]
    assert [event["onHold"] for event in events if event["event"] == "hold"] == [True, False]
    assert events[1]["earlyMedia"] is True
    assert "ringingTime" in events[-1]


@pytest.mark.parametrize(
    ("end", "reason"), [(Ended(), "byCaller"), (Ended(code=503, by_remote=False), "serverUnavailable")]
)
@in_virtual_time
async def test_a_line_that_ends_ends_the_call(end, reason):
    events = await after(Answered(), end)
    assert events[-1]["reason"] == reason
