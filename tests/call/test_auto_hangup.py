"""`autoHangup`: when it is armed, when it is not any more, and the empty `tts` that says good-bye."""

import pytest
from tests.call.controlled import TEN, Controlled

from active_call.audio import RATE_HZ
from active_call.audio.wav import WavWriter
from active_call.testing.fakes import Fakes, tone
from active_call.testing.virtual_time import in_virtual_time


@in_virtual_time
async def test_auto_hangup_ends_the_call_when_its_track_was_heard():
    async with Controlled() as s:
        await s.send("tts", text="Bye.", playId="p", autoHangup=True)
        end = await s.until("hangup")
        assert (end["reason"], end["initiator"]) == ("bySystem", "system")
        assert s.story()[2:] == ["trackStart p", "trackEnd p", "trackEnd caller", "hangup"]
        assert s.heard_seconds() == pytest.approx(0.08, abs=0.02)


@pytest.mark.parametrize("play_id", ["p", "q"])
@in_virtual_time
async def test_auto_hangup_may_be_added_later_on_the_same_track_or_on_the_next(play_id):
    async with Controlled() as s:
        await s.send("tts", text="First.", playId="p")
        await s.send("tts", text="Yes.", playId=play_id, autoHangup=True)
        await s.until("hangup", patience=2)


@in_virtual_time
async def test_auto_hangup_stays_armed_when_the_same_play_id_goes_on():
    async with Controlled(fakes := Fakes()) as s:
        await s.send("tts", text="First.", playId="p", autoHangup=True)
        await s.send("tts", text="Second.", playId="p")
        await s.until("hangup")
        assert fakes.spoken == ["First.", "Second."]


@pytest.mark.parametrize("then", ["tts", "play", "interrupt", "graceful"])
@in_virtual_time
async def test_auto_hangup_is_disarmed_by_another_track_and_by_an_interrupt(then, tmp_path):
    with WavWriter(tmp_path / "a.wav", rate_hz=RATE_HZ, channels=1) as wav:
        wav.write(tone(0.2))
    async with Controlled(folder=tmp_path) as s:
        await s.send("tts", text=TEN, playId="p", autoHangup=True)
        await s.call_time(0.1)
        match then:
            case "tts":
                await s.send("tts", text="Other.", playId="q")
            case "play":
                await s.send("play", url="a.wav")
            case _:
                await s.send("interrupt", graceful=then == "graceful")
        await s.call_time(3)
        assert not s.ended


@in_virtual_time
async def test_an_armed_file_is_disarmed_by_a_new_track():
    async with Controlled() as s:
        await s.send("play", url="missing.wav", autoHangup=True)
        await s.send("tts", text="Other.")
        await s.call_time(2)
        assert not s.ended


@in_virtual_time
async def test_an_empty_tts_with_auto_hangup_hangs_up_after_the_last_queued_sentence():
    async with Controlled(fakes := Fakes()) as s:
        await s.send("tts", text="First.", playId="p")
        await s.send("tts", text="Second.", playId="p")
        await s.send("tts", text="", playId="another", autoHangup=True)
        await s.until("hangup")
        assert fakes.spoken == ["First.", "Second."]
        assert s.heard_seconds() == pytest.approx(13 * 0.02, abs=0.05)


@in_virtual_time
async def test_an_empty_tts_with_auto_hangup_hangs_up_at_once_when_nothing_is_said():
    async with Controlled() as s:
        began = s.all("answer")[0]["timestamp"]
        await s.send("tts", text="", autoHangup=True)
        assert (await s.until("hangup"))["event"] == "hangup"
        assert s.all("trackEnd")[-1]["timestamp"] - began < 300


@in_virtual_time
async def test_an_empty_tts_with_auto_hangup_ends_a_stream():
    async with Controlled(fakes := Fakes()) as s:
        await s.send("tts", text="Bye ", playId="p", streaming=True)
        await s.send("tts", text="", playId="p", streaming=True, autoHangup=True)
        await s.until("hangup", patience=2)
        assert fakes.spoken == ["Bye"]
