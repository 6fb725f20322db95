"""Background sound: what the settings say, what a call lays over it, and how it gives way to speech."""

from itertools import pairwise

import numpy as np
import pytest
from tests.call.controlled import TEN, Controlled

from active_call.audio import RATE_HZ
from active_call.audio.wav import WavWriter
from active_call.protocol.options import AmbianceOption
from active_call.testing.virtual_time import in_virtual_time


@pytest.fixture
def folder(tmp_path):
    with WavWriter(tmp_path / "hum.wav", rate_hz=RATE_HZ, channels=1) as wav:
        wav.write(np.full(RATE_HZ, 4000, np.int16))
    return tmp_path


def level(s, since, until=None):
    return int(np.median(np.concatenate([frame for _, frame in s.wire.sent[since:until]])))


@in_virtual_time
async def test_every_call_has_the_configured_sound_and_may_change_parts_of_it(folder):
    configured = {"ambiance": AmbianceOption(path="hum.wav", normal_level=0.5)}
    for option, expected in (({}, 2000), ({"normalLevel": 0.25}, 1000)):
        async with Controlled(folder=folder, services=configured, ambiance=option) as s:
            await s.call_time(2)
            assert level(s, -20) == pytest.approx(expected, abs=2)
    async with Controlled(folder=folder, services=configured, ambiance={"enabled": False}) as s:
        await s.call_time(1)
        assert s.wire.sent == []


@in_virtual_time
async def test_it_steps_back_for_speech_and_comes_back_at_fifty_messages_a_second_throughout(folder):
    option = {"path": "hum.wav", "normalLevel": 0.5, "duckLevel": 0.1, "transitionSpeed": 0.05}
    async with Controlled(folder=folder, ambiance=option) as s:
        await s.call_time(1)
        begun = len(s.wire.sent)
        await s.send("tts", text=TEN, playId="p")
        await s.until("trackEnd", playId="p")
        # The fake's voice is a tone, whose middle is the background's level.
        assert level(s, begun + 12, begun + 45) == pytest.approx(400, abs=400)
        await s.call_time(1)
        assert level(s, -10) == pytest.approx(2000, abs=2)
        times = [at for at, _ in s.wire.sent]
        assert {after - before for before, after in pairwise(times)} == {20}
        assert len(s.all("trackStart", trackId="server-side-track")) == 1


@in_virtual_time
async def test_a_pause_of_speech_leaves_the_background(folder):
    async with Controlled(folder=folder, ambiance={"path": "hum.wav", "normalLevel": 0.5}) as s:
        await s.send("tts", text=TEN, playId="p")
        await s.call_time(0.3)
        await s.send("pause")
        await s.call_time(2)
        assert level(s, -20) == pytest.approx(2000, abs=2)


@in_virtual_time
async def test_calls_share_the_samples(folder):
    async with Controlled(folder=folder, ambiance={"path": "hum.wav"}) as s:
        files = s.call._services.audio_files
        await s.call_time(0.1)
        loop = s.call._connection.channel.mixer.background._loop
        assert await files.read(folder / "hum.wav") is loop
