"""Keys of the telephone: the scene's map, then the playbook's; they lead on, transfer or hang up."""

import pytest
from tests.engine.telephone import Telephone

from active_call.audio.wav import WavWriter
from active_call.testing.fakes import Fakes, tone
from active_call.testing.virtual_time import in_virtual_time

BOOK = """# Scene: main
You are the front desk.
<dtmf digit="1" action="goto" scene="sales"/>
<dtmf digit="2" action="goto" scene="nowhere"/>
# Scene: sales
You sell. <play file="jingle.wav"/>"""
KEYS = """greeting: Hello there, welcome to our front desk.
dtmf:
  1: {action: hangup}
  9: {action: transfer, target: "sip:{{ caller }}@example.com"}
  "#": {action: hangup}"""


@pytest.fixture
def recordings(tmp_path):
    with WavWriter(tmp_path / "jingle.wav", rate_hz=16000, channels=1) as wav:
        wav.write(tone(0.5))
    return tmp_path


@in_virtual_time
async def test_a_key_leads_to_another_scene_whose_recording_is_played_and_which_answers(recordings):
    fakes = Fakes(replies=["What will it be?"])
    async with Telephone(fakes, body=BOOK, more=KEYS, folder=recordings) as t:
        await t.pass_s(0.3)
        t.press("1")
        await t.until_spoken("What will it be?")
        assert t.all("interruption"), "the greeting went on"
        assert (fakes.asked[0].reason, fakes.asked[0].scene) == ("dtmf", "sales")
        assert [event["digit"] for event in t.all("dtmf")] == ["1"]
        jingle = await t.until("trackEnd", 2)
        assert jingle["duration"] == 500
        await t.until("trackEnd", 3)
        t.press("1")  # in this scene the playbook's key
        end = await t.until("hangup")
        assert end["reason"] == "DTMF Hangup"
        assert end["initiator"] == "system"


@in_virtual_time
async def test_a_key_hangs_up():
    async with Telephone(body=BOOK, more=KEYS) as t:
        t.press("#")
        assert (await t.until("hangup"))["reason"] == "DTMF Hangup"


@in_virtual_time
async def test_a_transfer_that_the_line_cannot_make_is_an_error_and_the_call_goes_on():
    async with Telephone(body=BOOK, more=KEYS) as t:
        t.press("9")
        assert "refer" in (await t.until("error"))["error"]
        assert not t.all("hangup")


@in_virtual_time
async def test_a_key_without_a_meaning_does_nothing_and_one_to_nowhere_is_an_error():
    fakes = Fakes()
    async with Telephone(fakes, body=BOOK, more=KEYS) as t:
        t.press("5")
        await t.until("trackEnd")
        assert not t.all("interruption")
        assert not t.all("error")
        t.press("2")
        assert "nowhere" in (await t.until("error"))["error"]
        assert not fakes.asked


@in_virtual_time
async def test_the_first_scenes_recording_is_heard_before_the_greeting(recordings):
    fakes = Fakes()
    body = 'Be nice. <play file="jingle.wav"/>'
    async with Telephone(fakes, body=body, folder=recordings) as t:
        assert (await t.until("trackEnd"))["duration"] == 500
        assert (await t.until("trackEnd", 2))["duration"] == len("Hello there.") * 20
        assert not t.all("interruption")
