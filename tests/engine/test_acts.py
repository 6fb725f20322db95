"""What a reply does besides speaking happens when the words before it were heard."""

import pytest
from tests.engine.conftest import Talk, ask, greeted, said

from active_call.audio.wav import WavWriter
from active_call.testing.fakes import Fakes, tone
from active_call.testing.virtual_time import in_virtual_time

SCENES = "# Scene: main\nYou are the front desk.\n# Scene: sales\nYou sell."


@in_virtual_time
async def test_a_hangup_happens_when_the_words_before_it_were_heard():
    fakes = Fakes(transcripts=["bye"], replies=["Goodbye and thank you.<hangup/>"])
    async with Talk(fakes) as s:
        await greeted(s)
        await s.say(tone(0.5))
        before = s.heard_seconds()
        end = await s.until("hangup")
        assert (end["reason"], end["initiator"]) == ("bySystem", "system")
        assert s.heard_seconds() - before == pytest.approx(22 * 0.02, abs=0.03)
        track = s.all("trackEnd", trackId="server-side-track")[-1]
        assert track["duration"] == 22 * 20
        assert not s.all("interruption")
        assert s.story()[-3:] == [f"trackEnd {track['playId']}", "trackEnd caller", "hangup"]


@in_virtual_time
async def test_a_hangup_without_words_happens_at_once():
    async with Talk(Fakes(transcripts=["bye"], replies=["<hangup/>"])) as s:
        await greeted(s)
        await s.say(tone(0.5))
        await s.until("hangup", patience=1)


@in_virtual_time
async def test_what_follows_a_hangup_is_not_spoken():
    fakes = Fakes(transcripts=["bye"], replies=['Bye.<hangup/> And one more thing. <set_var key="a" value="b"/>'])
    async with Talk(fakes) as s:
        await greeted(s)
        await s.say(tone(0.5))
        await s.until("hangup")
        assert fakes.spoken == ["Hello there.", "Bye."]


@in_virtual_time
async def test_the_scene_changes_in_place_once_the_words_before_it_were_heard():
    fakes = Fakes(transcripts=["buy", "this"], replies=['One moment.<goto scene="sales"/> What will it be?', "Sold."])
    async with Talk(fakes, body=SCENES) as s:
        await greeted(s)
        await ask(s)
        assert fakes.spoken[1:] == ["One moment.", "What will it be?"]
        assert len(fakes.asked) == 1
        await ask(s)
        assert fakes.asked[-1].scene == "sales"
        assert "You sell." in fakes.asked[-1].messages[0].content
        assert "front desk" not in fakes.asked[-1].messages[0].content
        assert said(fakes.asked[-1])[2][0] == "assistant"


@in_virtual_time
async def test_a_scene_that_does_not_exist_is_an_error_and_changes_nothing():
    fakes = Fakes(transcripts=["buy", "this"], replies=['Well.<goto scene="nowhere"/>', "Sold."])
    async with Talk(fakes, body=SCENES) as s:
        await greeted(s)
        await ask(s)
        error = s.all("error")[0]
        assert error["sender"] == "playbook"
        assert "nowhere" in error["error"]
        await ask(s)
        assert fakes.asked[-1].scene == "main"


@in_virtual_time
async def test_a_tag_in_pieces_is_never_spoken():
    pieces = list('Moment. <goto scene="sales"/>Go on.')
    fakes = Fakes(transcripts=["buy"], replies=[pieces])
    async with Talk(fakes, body=SCENES) as s:
        await greeted(s)
        await ask(s)
        assert fakes.spoken[1:] == ["Moment.", "Go on."]


@in_virtual_time
async def test_a_malformed_tag_is_reported_and_not_spoken():
    fakes = Fakes(transcripts=["buy"], replies=['Hello. <goto scenery="x"/> Bye.'])
    async with Talk(fakes, body=SCENES) as s:
        await greeted(s)
        await ask(s)
        error = s.all("error")[0]
        assert error["sender"] == "playbook"
        assert "tag" in error["error"]
        assert not any("<" in text for text in fakes.spoken)


@in_virtual_time
async def test_a_variable_is_there_for_the_next_question():
    fakes = Fakes(transcripts=["I am Ann", "hi"], replies=['<set_var key="name" value="Ann"/>Hello Ann.', "Yes?"])
    async with Talk(fakes) as s:
        await greeted(s)
        await ask(s)
        await ask(s)
        assert fakes.asked[-1].variables["name"] == "Ann"
        assert fakes.asked[-1].variables["call_type"] == "websocket"


@in_virtual_time
async def test_a_transfer_that_this_kind_of_call_cannot_make_is_an_error():
    async with Talk(Fakes(transcripts=["boss"], replies=['Wait.<refer to="sip:boss@example.com"/> Sorry.'])) as s:
        await greeted(s)
        await ask(s)
        assert "cannot" in s.all("error", sender="playbook")[0]["error"]


@in_virtual_time
async def test_words_around_a_played_file_are_all_heard_in_order(tmp_path):
    with WavWriter(tmp_path / "jingle.wav", rate_hz=16000, channels=1) as wav:
        wav.write(tone(0.2))
    fakes = Fakes(transcripts=["play"], replies=['Listen. <play file="jingle.wav"/> Nice?'])
    async with Talk(fakes, folder=tmp_path) as s:
        await greeted(s)
        await ask(s)
        assert s.all("trackEnd")[-1]["duration"] == (len("Listen.") + len("Nice?")) * 20 + 200
        assert not s.all("error")
