"""What changes a running call: `pause`, `resume`, `mute`, `waitInputTimeout`, background sound, inactivity."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest
from tests.call.party import Party
from tests.call.phone import Exchange

from active_call.audio import RATE_HZ
from active_call.audio.wav import WavWriter
from active_call.plugin.leg import Answered, Dtmf
from active_call.testing.fakes import Fakes, tone
from active_call.testing.session import FAKE_OPTION, Session, virtual_server
from active_call.testing.virtual_time import in_virtual_time

TEN = "One two three four five six seven eight nine ten."
SERVER = "server-side-track"


def recording(folder, seconds):
    with WavWriter(folder / "a.wav", rate_hz=RATE_HZ, channels=1) as wav:
        wav.write(tone(seconds))


# ---------------------------------------------------------------- pause and resume


@pytest.mark.parametrize("what", ["tts", "play"])
@in_virtual_time
async def test_a_pause_stops_the_sound_and_it_goes_on_where_it_stopped(what, tmp_path):
    recording(tmp_path, 0.98)
    async with virtual_server(Fakes(), folder=tmp_path) as manager, Session(manager) as s:
        await s.invite(**FAKE_OPTION)
        await s.send(what, **({"text": TEN, "playId": "p"} if what == "tts" else {"url": "a.wav", "playId": "p"}))
        await s.call_time(0.4)
        await s.send("pause")
        await s.call_time(0.1)
        before = s.heard_seconds()
        assert 0.2 < before < 0.6
        await s.call_time(3)
        assert s.heard_seconds() == before
        assert not s.all("trackEnd", playId="p")
        await s.send("resume")
        end = await s.until("trackEnd", playId="p")
        assert end["duration"] == 980
        assert s.heard_seconds() == pytest.approx(0.98, abs=0.06)
        assert not s.all("interruption")


@pytest.mark.parametrize("command", ["pause", "resume"])
@in_virtual_time
async def test_without_a_track_there_is_nothing_to_pause_and_the_error_has_no_code(command):
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.invite(**FAKE_OPTION)
        await s.send(command)
        error = await s.until("error")
        assert (error["sender"], error["trackId"], error["error"]) == (
            "command",
            s.call.id,
            f"track not found: {SERVER}",
        )
        assert "code" not in error
        await s.send("tts", text="Still here.", playId="p")
        await s.until("trackEnd", playId="p")


# ---------------------------------------------------------------- mute


@pytest.mark.parametrize("track", [None, SERVER])
@in_virtual_time
async def test_what_is_muted_is_silent_until_it_is_unmuted_and_so_is_what_is_said_later(track):
    fields = {"trackId": track} if track else {}
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.invite(**FAKE_OPTION)
        await s.send("mute", **fields)
        await s.send("tts", text=TEN, playId="p")
        await s.until("trackEnd", playId="p")
        assert s.heard_seconds() == 0
        await s.send("unmute", **fields)
        await s.send("tts", text=TEN, playId="q")
        await s.until("trackEnd", playId="q")
        assert s.heard_seconds() == pytest.approx(0.98, abs=0.02)


@in_virtual_time
async def test_a_muted_caller_is_not_heard_and_the_server_still_is():
    async with virtual_server(Fakes(transcripts=["one"])) as manager, Session(manager) as s:
        await s.invite(**FAKE_OPTION)
        await s.send("mute", trackId=s.call.id)
        await s.say(tone(0.6))
        await s.send("tts", text="Hello.", playId="p")
        await s.until("trackEnd", playId="p")
        assert not s.all("speaking")
        assert s.heard_seconds() > 0
        await s.send("unmute", trackId=s.call.id)
        await s.say(tone(0.6))
        await s.until("speaking")


@in_virtual_time
async def test_a_track_that_is_not_there_cannot_be_muted():
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.invite(**FAKE_OPTION)
        await s.send("mute", trackId="nobody")
        assert (await s.until("error"))["error"].startswith("track not found: nobody")


# ---------------------------------------------------------------- waitInputTimeout


@pytest.mark.parametrize("interrupted", [False, True])
@in_virtual_time
async def test_one_silence_comes_after_a_playback_that_nobody_answers(interrupted):
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.invite(**FAKE_OPTION)
        await s.send("tts", text=TEN, playId="p", waitInputTimeout=700)
        if interrupted:
            await s.call_time(0.4)
            await s.send("interrupt")
        end = await s.until("trackEnd", playId="p")
        silence = await s.until("silence", trackId=SERVER)
        assert (silence["duration"], silence["refer"]) == (700, False)
        assert silence["startTime"] == end["timestamp"]
        assert silence["timestamp"] - end["timestamp"] == pytest.approx(700, abs=5)
        await s.call_time(3)
        assert len(s.all("silence", trackId=SERVER)) == 1


@in_virtual_time
async def test_speech_and_the_next_track_end_the_wait():
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.invite(**FAKE_OPTION)
        await s.send("tts", text="Well?", playId="p", waitInputTimeout=1000)
        await s.until("trackEnd", playId="p")
        await s.say(tone(0.6))
        await s.until("speaking")
        await s.send("tts", text="Well?", playId="q", waitInputTimeout=1000)
        await s.until("trackEnd", playId="q")
        await s.send("tts", text="Go on.", playId="r")
        await s.call_time(3)
        assert not s.all("silence", trackId=SERVER)


@in_virtual_time
async def test_a_key_ends_the_wait():
    async with virtual_server(Fakes(), exchange := Exchange()) as manager:
        party = Party(manager, exchange, 1, phone=True, content=None)
        party.send({"command": "invite", "option": FAKE_OPTION})
        (await exchange.phone(party.call.id)).tell(Answered())
        await asyncio.sleep(0.1)
        party.send({"command": "tts", "text": "Well?", "waitInputTimeout": 1000})
        await asyncio.sleep(0.5)
        party.phone.tell(Dtmf(digit="1"))
        await asyncio.sleep(3)
        names = [event["event"] for event in party.events]
        assert "dtmf" in names
        assert "silence" not in names
        await party.close()


# ---------------------------------------------------------------- what surrounds a call


@in_virtual_time
async def test_background_sound_flows_in_every_frame_and_steps_back_for_speech(tmp_path):
    recording(tmp_path, 1.0)
    async with virtual_server(Fakes(), folder=tmp_path) as manager, Session(manager) as s:
        await s.invite(**FAKE_OPTION, ambiance={"path": "a.wav", "normalLevel": 0.5, "duckLevel": 0.0})
        await s.call_time(2)
        times = [at for at, _ in s.wire.sent]
        assert {after - before for before, after in pairwise(times)} == {20}
        alone = max(int(np.abs(frame.astype(int)).max()) for _, frame in s.wire.sent[-40:])
        assert alone == pytest.approx(4000, rel=0.05)
        assert not s.all("trackStart", trackId=SERVER)


@pytest.mark.parametrize("option", [{"path": "a.wav", "enabled": False}, {"path": "missing.wav"}])
@in_virtual_time
async def test_without_background_sound_nothing_is_sent_and_the_call_goes_on(option, tmp_path):
    recording(tmp_path, 1.0)
    async with virtual_server(Fakes(), folder=tmp_path) as manager, Session(manager) as s:
        await s.invite(**FAKE_OPTION, ambiance=option)
        await s.call_time(1)
        assert s.wire.sent == []
        assert len(s.all("error", sender="ambiance")) == (option["path"] == "missing.wav")


@in_virtual_time
async def test_a_call_that_hears_nothing_at_all_is_ended():
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        await s.invite(**FAKE_OPTION, inactivityTimeout=2)
        await s.call_time(5)
        assert not s.ended
        for task in s._tasks:
            if task.get_name() == "session's microphone":
                task.cancel()
        end = await s.until("hangup", patience=3)
        assert end["reason"] == "inactivityTimeout"
        assert s.story()[-3:] == ["inactivity", "trackEnd caller", "hangup"]
