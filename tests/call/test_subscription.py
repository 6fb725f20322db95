"""`subscribe`: what the controller of a SIP or WebRTC call hears."""

import asyncio

import numpy as np
import pytest
from tests.call.party import Party
from tests.call.phone import Exchange

from active_call.plugin.leg import Answered
from active_call.testing.fakes import Fakes
from active_call.testing.session import FAKE_OPTION, Session, virtual_server
from active_call.testing.virtual_time import in_virtual_time


class Listener:
    unsent_bytes = 0

    def __init__(self):
        self.sent = []

    def send(self, data):
        self.sent.append(data)

    def attach(self, on_data):
        pass

    def frames(self, index):
        return [np.frombuffer(data[1:], "<i2") for data in self.sent if data[0] == index]


@pytest.mark.parametrize("subscribed", [True, False])
@in_virtual_time
async def test_both_sides_come_as_frames_with_an_index_byte(subscribed):
    async with virtual_server(Fakes(), exchange := Exchange()) as manager:
        party = Party(manager, exchange, 1, phone=True, content=None)
        listener = party.call._attachment._wire = Listener()
        party.send({"command": "invite", "option": {**FAKE_OPTION, "subscribe": subscribed}})
        (await exchange.phone(party.call.id)).tell(Answered())
        await asyncio.sleep(0.1)
        await party.say(0.5)
        party.send({"command": "tts", "text": "A sentence of half a second."})
        await asyncio.sleep(1)
        await party.close()
    if not subscribed:
        assert listener.sent == []
        return
    assert {len(data) for data in listener.sent} == {641}
    caller, server = listener.frames(1), listener.frames(0)
    assert len(caller) == pytest.approx(25, abs=1)
    assert len(server) == pytest.approx(28, abs=1)
    assert max(map(np.max, caller)) > 5000
    assert max(map(np.max, server)) > 5000


@in_virtual_time
async def test_a_websocket_call_gets_its_own_audio_alone():
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.invite(**FAKE_OPTION, subscribe=True)
        await s.call_time(0.5)
        assert s.wire.sent == []
        await s.send("tts", text="Hello.", playId="p")
        await s.until("trackEnd", playId="p")
        assert {len(frame) for _, frame in s.wire.sent} == {320}
