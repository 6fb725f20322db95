"""The codecs of `/call`, through a whole call."""

import asyncio
import base64

import numpy as np
import pytest

from active_call.audio import RATE_HZ
from active_call.audio.frames import to_s16le
from active_call.audio.resample import resample
from active_call.builtin.websocket import CODECS
from active_call.protocol.commands import command_from
from active_call.testing.fakes import Fakes, tone
from active_call.testing.session import virtual_server
from active_call.testing.virtual_time import in_virtual_time


class Wire:
    unsent_bytes = 0

    def __init__(self):
        self.sent = []
        self.receive = None

    def send(self, data):
        self.sent.append(data)

    def attach(self, on_data):
        self.receive = on_data


@pytest.mark.parametrize(("codec", "size"), [("pcm", 640), ("pcmu", 160), ("pcma", 160), ("g722", 160)])
@in_virtual_time
async def test_packets_of_20_ms_have_one_size_both_ways_and_carry_the_sound(codec, size):
    async with virtual_server(fakes := Fakes(transcripts=["heard"])) as manager:
        call = manager.create("x", "webSocket", wire=(wire := Wire()))
        option = {"codec": codec, "vad": {"type": "fake"}, "asr": {"provider": "fake"}}
        call.command(command_from({"command": "invite", "option": option}))
        await asyncio.sleep(0.1)
        said = base64.b64encode(to_s16le(tone(1.0, 440))).decode()
        call.command(command_from({"command": "tts", "text": said, "base64": True}))
        microphone, rate = CODECS[codec](), CODECS[codec]().rate_hz
        speech = resample(np.concatenate((tone(0.6), np.zeros(RATE_HZ, np.int16))), RATE_HZ, rate)
        for start in range(0, len(speech) - rate // 50 + 1, rate // 50):
            packet = microphone.encode(speech[start : start + rate // 50])
            assert len(packet) == size
            wire.receive(packet)
            await asyncio.sleep(0.02)
        assert {len(data) for data in wire.sent} == {size}
        loudspeaker = CODECS[codec]()
        heard = np.concatenate([loudspeaker.decode(data) for data in wire.sent])
        spectrum = np.abs(np.fft.rfft(heard))
        assert spectrum.argmax() * loudspeaker.rate_hz / len(heard) == pytest.approx(440, abs=3)
        await asyncio.sleep(1)
        assert not fakes.transcripts
