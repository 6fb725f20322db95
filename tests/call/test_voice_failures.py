"""Voices that are not there, fail or hang: the controller is told, and the next sentence is spoken."""

import pytest
from tests.call.controlled import Controlled

from active_call.testing.fakes import Fakes
from active_call.testing.session import FAKE_OPTION, Session, virtual_server
from active_call.testing.virtual_time import in_virtual_time


@in_virtual_time
async def test_an_unknown_provider_is_an_error_with_what_is_installed_and_no_track():
    async with Controlled() as s:
        await s.send("tts", text="Hi.", option={"provider": "nobody"})
        error = await s.until("error")
        assert error["sender"] == "command"
        assert error["error"] == "TTS type not found: nobody (installed: fake)"
        assert "code" not in error
        assert s.story() == ["trackStart caller", "answer", "error"]


@in_virtual_time
async def test_without_any_voice_tts_is_an_error_and_the_call_goes_on():
    async with virtual_server() as manager, Session(manager) as s:
        await s.invite()
        await s.send("tts", text="Hi.")
        assert (await s.until("error"))["error"] == "no tts option available"
        await s.send("hangup", reason="caller")
        assert (await s.until("hangup"))["reason"] == "byCaller"


@in_virtual_time
async def test_the_best_installed_voice_speaks_when_none_was_named():
    async with virtual_server(fakes := Fakes()) as manager, Session(manager) as s:
        await s.invite()
        await s.send("tts", text="Hi.", playId="p")
        await s.until("trackEnd", playId="p")
        assert fakes.spoken == ["Hi."]


@in_virtual_time
async def test_an_unknown_speaker_is_said_and_the_default_speaks():
    async with Controlled(fakes := Fakes()) as s:
        await s.send("tts", text="Hi.", speaker="nobody", playId="p")
        await s.until("trackEnd", playId="p")
        assert "nobody" in s.all("error", sender="tts")[0]["error"]
        assert fakes.spoken == ["Hi."]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("place", ["tts open", "tts session", "tts stream"])
@in_virtual_time
async def test_a_voice_that_fails_is_an_error_and_its_track_ends(place, streaming):
    fakes = Fakes(trouble={place: ConnectionError("refused")})
    async with Controlled(fakes) as s:
        await s.send("tts", text="Hi.", playId="p", streaming=streaming, endOfStream=True)
        await s.until("trackEnd", playId="p")
        assert s.story()[2:] == ["trackStart p", "error", "trackEnd p"]
        error = s.all("error")[0]
        assert (error["sender"], error["code"]) == ("tts", 500)
        assert "refused" in error["error"]
        fakes.trouble.clear()
        await s.send("tts", text="Now.", playId="q")
        await s.until("trackEnd", playId="q")
        assert s.heard_seconds() == pytest.approx(0.08, abs=0.02)


@pytest.mark.parametrize("place", ["tts open", "tts session", "tts stream", "tts midstream"])
@in_virtual_time
async def test_a_voice_that_hangs_is_given_up_and_the_next_sentence_is_spoken(place):
    fakes = Fakes(trouble={place: None})
    async with Controlled(fakes) as s:
        await s.send("tts", text="This one hangs for ever.", playId="p")
        await s.until("error", patience=60)
        fakes.trouble.clear()
        if place == "tts open":
            return  # the process has one voice of that name, and it is still opening
        await s.send("tts", text="This one does not.", playId="p")
        await s.until("trackEnd", playId="p")
        assert fakes.spoken[-1] == "This one does not."
    assert fakes.open_streams == 0


@in_virtual_time
async def test_a_cut_while_the_voice_hangs_ends_the_track_at_once_and_frees_the_voice():
    fakes = Fakes(trouble={"tts midstream": None})
    async with Controlled(fakes) as s:
        await s.send("tts", text="This one hangs for ever.", playId="p")
        await s.call_time(0.3)
        await s.send("interrupt")
        await s.until("trackEnd", playId="p", patience=0.2)
        await s.call_time(0.05)
        assert fakes.open_streams == 0
        fakes.trouble.clear()
        await s.send("tts", text="Next.", playId="q")
        await s.until("trackEnd", playId="q", patience=1)


@in_virtual_time
async def test_speech_ordered_before_the_invite_waits_for_the_call_in_order():
    async with virtual_server(fakes := Fakes()) as manager, Session(manager) as s:
        await s.send("tts", text="First.", playId="a", option={"provider": "fake"})
        await s.send("tts", text="Second.", playId="a", option={"provider": "fake"})
        await s.call_time(1)
        assert s.events == []
        await s.invite(**FAKE_OPTION)
        await s.until("trackEnd", playId="a")
        assert fakes.spoken == ["First.", "Second."]
        assert s.heard_seconds() == pytest.approx(13 * 0.02, abs=0.05)
