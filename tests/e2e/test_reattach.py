"""A client whose socket is lost comes back to its call by id, and has missed nothing."""

import asyncio
from dataclasses import replace

import pytest
from tests.e2e.conftest import House
from websockets.exceptions import InvalidStatus

GREETING = "greeting: This is a rather long greeting that takes more than a second to be spoken."


@pytest.fixture
def lasting(house: House) -> House:
    """Calls outlive their sockets by a while."""
    house.manager.services = replace(house.manager.services, reattach_grace_s=2.0)
    return house


async def test_a_client_that_comes_back_gets_every_event_once_and_hears_what_was_not_spoken_yet(lasting: House):
    first = lasting.agent(GREETING)
    async with first:
        await first.invite()
        await first.until("trackStart", 3, count=2)
        await asyncio.sleep(0.4)
        first._socket.transport.abort()
        await first.until_closed(2)
    call_id = first.events[0]["trackId"]
    await asyncio.sleep(0.3)
    assert len(lasting.manager.directory) == 1

    async with lasting.caller(id=call_id, received=str(len(first.events))) as second:
        await second.until("trackEnd", 5)
        await second.hang_up()
        await second.until_closed(3)

    names = [event["event"] for event in (*first.events, *second.events)]
    assert names.count("answer") == 1
    assert names.count("trackEnd") == 2
    assert names[-1] == "hangup"
    assert names.count("hangup") == 1
    heard_ms = next(event["duration"] for event in second.events if event["event"] == "trackEnd")
    spoken_ms = len("This is a rather long greeting that takes more than a second to be spoken.") * 20
    assert heard_ms == pytest.approx(spoken_ms, abs=60)
    assert sum(map(len, second.received)) > 0


async def test_a_second_socket_is_refused_while_the_first_is_there(lasting: House):
    async with lasting.agent(GREETING) as first:
        await first.invite()
        await first.until("answer", 3)
        with pytest.raises(InvalidStatus) as refused:
            async with lasting.caller(id=first.events[0]["trackId"]):
                pass
        assert refused.value.response.status_code == 409
        assert first.closed is None


async def test_a_call_nobody_comes_back_to_ends_after_the_grace(house: House):
    house.manager.services = replace(house.manager.services, reattach_grace_s=0.3)
    async with house.agent(GREETING) as caller:
        await caller.invite()
        await caller.until("answer", 3)
        call = house.manager.directory.find(caller.events[0]["trackId"])
        assert call is not None
        caller._socket.transport.abort()
    async with asyncio.timeout(3):
        await call.done()
    events = [event async for _, event in call.events()]
    assert (events[-1].event, events[-1].reason) == ("hangup", "byCaller")


async def test_without_a_grace_the_call_ends_with_its_socket(house: House):
    async with house.agent(GREETING) as caller:
        await caller.invite()
        await caller.until("answer", 3)
        call = house.manager.directory.find(caller.events[0]["trackId"])
        assert call is not None
        caller._socket.transport.abort()
        async with asyncio.timeout(3):
            await call.done()
    assert len(house.manager.directory) == 0
