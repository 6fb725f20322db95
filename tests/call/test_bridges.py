"""`bridge` and `unbridge`: two calls hear each other, whatever they are."""

import asyncio

import pytest
from tests.call.party import Party
from tests.call.phone import Exchange

from active_call.plugin.leg import Answered, Dtmf
from active_call.testing.fakes import Fakes
from active_call.testing.session import FAKE_OPTION, virtual_server
from active_call.testing.virtual_time import in_virtual_time


class Two:
    """A WebSocket call and one over a phone, both answered."""

    async def __aenter__(self):
        self.exchange = Exchange()
        self._server = virtual_server(Fakes(), self.exchange)
        manager = await self._server.__aenter__()
        self.a = Party(manager, self.exchange, 1, phone=False, content=None)
        self.b = Party(manager, self.exchange, 2, phone=True, content=None)
        for party in (self.a, self.b):
            party.send({"command": "invite", "option": FAKE_OPTION})
        (await self.exchange.phone(self.b.call.id)).tell(Answered())
        await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *error):
        for party in (self.a, self.b):
            await party.close()
            party.check_end()
        await self._server.__aexit__(*error)

    async def bridge(self, name="bridge"):
        self.a.send({"command": name, "targetSessionId": self.b.call.id})
        await asyncio.sleep(0.05)


def heard_by_a(two):
    return sum(bool(abs(frame.astype(int)).max() > 300) for _, frame in two.a.wire.sent) * 20


def tracks(party, name):
    return [event["trackId"] for event in party.events if event["event"] == name and "bridge" in event["trackId"]]


@in_virtual_time
async def test_two_bridged_calls_hear_each_other_and_are_told():
    async with Two() as two:
        await two.bridge()
        await two.a.say(0.5)
        assert two.b.phone.heard_ms == pytest.approx(500, abs=60)
        await two.b.say(0.5)
        assert heard_by_a(two) == pytest.approx(500, abs=60)
        assert tracks(two.a, "trackStart") == ["bridge:call-1:to:call-2"]
        assert tracks(two.b, "trackStart") == ["bridge:call-2:to:call-1"]


@in_virtual_time
async def test_speech_of_the_server_and_of_the_other_call_sound_together_and_never_take_turns():
    async with Two() as two:
        await two.bridge()
        two.a.send({"command": "tts", "text": "A sentence of half a second."})
        before = len(two.a.wire.sent)
        await two.b.say(0.5)
        sent = two.a.wire.sent[before:]
        assert len(sent) == pytest.approx(25, abs=3)
        assert max(int(abs(frame.astype(int)).max()) for _, frame in sent) > 11_000


@in_virtual_time
async def test_after_unbridge_nothing_crosses_and_both_are_told():
    async with Two() as two:
        await two.bridge()
        await two.bridge("unbridge")
        await two.a.say(0.3)
        await two.b.say(0.3)
        assert (two.b.phone.heard_ms, heard_by_a(two)) == (0, 0)
        assert tracks(two.a, "trackEnd") == ["bridge:call-1:to:call-2"]
        assert tracks(two.b, "trackEnd") == ["bridge:call-2:to:call-1"]
        await two.bridge("unbridge")
        assert not [event for event in two.a.events if event["event"] == "error"]


@in_virtual_time
async def test_a_call_that_ends_leaves_the_bridge_and_the_other_goes_on():
    async with Two() as two:
        await two.bridge()
        two.b.send({"command": "hangup"})
        await asyncio.sleep(0.1)
        assert tracks(two.a, "trackEnd") == ["bridge:call-1:to:call-2"]
        assert not two.a.ended


@pytest.mark.parametrize(
    ("target", "problem"),
    [("call-1", "cannot bridge a call to itself"), ("nobody", "bridge target session not found: nobody")],
)
@in_virtual_time
async def test_a_bridge_to_itself_or_to_nobody_is_an_error(target, problem):
    async with Two() as two:
        two.a.send({"command": "bridge", "targetSessionId": target})
        await asyncio.sleep(0.05)
        assert [event["error"] for event in two.a.events if event["event"] == "error"] == [problem]


@in_virtual_time
async def test_keys_do_not_cross_a_bridge():
    async with Two() as two:
        await two.bridge()
        two.b.phone.tell(Dtmf(digit="5"))
        await asyncio.sleep(0.1)
        assert [event["event"] for event in two.a.events].count("dtmf") == 0
        assert [event["event"] for event in two.b.events].count("dtmf") == 1


@in_virtual_time
async def test_a_second_bridge_of_the_same_two_is_an_error():
    async with Two() as two:
        await two.bridge()
        await two.bridge()
        assert [event["error"] for event in two.a.events if event["event"] == "error"] == [
            "already bridged with call-2"
        ]
        assert len(tracks(two.a, "trackStart")) == 1


@in_virtual_time
async def test_what_comes_over_a_bridge_is_in_the_recording():
    async with Two() as two:
        right = []
        two.a.call._connection.channel.mixer.listen(right.append)
        await two.bridge()
        await two.b.say(0.5)
        assert sum(bool(abs(frame.astype(int)).max() > 300) for frame in right) * 20 == pytest.approx(500, abs=60)


@in_virtual_time
async def test_two_calls_are_bridged_only_once():
    async with Two() as two:
        await two.bridge()
        await two.bridge()
        assert [event["error"] for event in two.a.events if event["event"] == "error"] == [
            "already bridged with call-2"
        ]
        await two.bridge("unbridge")
        await two.bridge()
        assert len(tracks(two.a, "trackStart")) == 2
