"""What a call does with the legs of transports that come as plugins: a browser's, a pending phone's."""

import asyncio

import numpy as np
from tests.call.phone import Exchange, Phone

from active_call.engine.synthesis import _SpanAudio
from active_call.media.ledger import SpeechSpan
from active_call.plugin import TransportTraits, hookimpl
from active_call.plugin.leg import Answered
from active_call.plugin.registry import Register
from active_call.plugin.values import Audio
from active_call.protocol.commands import command_from
from active_call.testing.fakes import Fakes
from active_call.testing.session import virtual_server
from active_call.testing.virtual_time import in_virtual_time

SDP = "v=0\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\na=end-of-candidates\r\n"


class Browser(Exchange):
    """A transport of the type `webrtc`, whose legs answer at once with a complete SDP."""

    @hookimpl
    def register_transports(self, register: Register) -> None:
        register("browser", self._open_transport, TransportTraits(call_type="webrtc"))


async def all_events(call):
    return [event async for _, event in call.events()]


@in_virtual_time
async def test_a2_an_offer_is_answered_once_and_whole_after_the_callers_track_began():
    async with virtual_server(Fakes(), browser := Browser()) as manager:
        call = manager.create("page", "webrtc")
        call.command(command_from({"command": "invite", "option": {"offer": "v=0\r\n"}}))
        leg: Phone = await browser.phone("page")
        leg.tell(Answered(sdp=SDP))
        leg.tell(Answered(sdp=SDP))
        await asyncio.sleep(0.1)
        call.end("bySystem", "system")
        events = await all_events(call)
        await call.done()
    assert [event.event for event in events[:2]] == ["trackStart", "answer"]
    answers = [event for event in events if event.event == "answer"]
    assert [answer.sdp for answer in answers] == [SDP]


@in_virtual_time
async def test_a4_accepting_an_inbound_call_that_is_not_there_is_rejected_and_ends():
    async with virtual_server(Fakes(), Exchange()) as manager:
        call = manager.create("gone", "sip")
        call.command(command_from({"command": "accept", "option": {}}))
        events = await all_events(call)
        await call.done()
    assert [event.event for event in events] == ["reject", "error", "hangup"]
    assert (events[0].code, events[0].reason) == (486, "no pending call")
    assert events[1].error == "no pending call to accept"
    assert events[2].reason == "rejected"


def test_b51_a_wav_header_in_front_of_a_vendors_audio_is_not_played():
    header = np.frombuffer(b"RIFF" + bytes(40), np.int16)
    sound = np.arange(1000, dtype=np.int16)
    span = SpeechSpan("hello")
    audio = _SpanAudio(span, "hello", lambda: 0, keep=True)

    audio.take(Audio(samples=np.concatenate([header, sound]), rate_hz=16000))
    audio.take(Audio(samples=sound, rate_hz=16000))
    audio.close()

    assert np.array_equal(np.concatenate(audio.pieces), np.concatenate([sound, sound]))
