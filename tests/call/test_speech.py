"""`tts`, `play` and `interrupt` on a call without a playbook: tracks, their order on the wire, and `autoHangup`."""

import base64

import numpy as np
import pytest

from active_call.audio import RATE_HZ
from active_call.audio.frames import to_s16le
from active_call.audio.wav import WavWriter
from active_call.testing.fakes import Fakes, tone
from active_call.testing.session import FAKE_OPTION, Session, virtual_server
from active_call.testing.virtual_time import in_virtual_time

TEN = "One two three four five six seven eight nine ten."


class Controlled:
    """A call that only commands speak in."""

    def __init__(self, fakes=None, folder=None, **option):
        self.fakes = fakes or Fakes()
        self._option = {**FAKE_OPTION, **option}
        self._folder = folder

    async def __aenter__(self):
        self._server = virtual_server(self.fakes, folder=self._folder)
        self._session = Session(await self._server.__aenter__())
        await self._session.__aenter__()
        await self._session.invite(**self._option)
        return self._session

    async def __aexit__(self, *error):
        await self._session.__aexit__(*error)
        await self._server.__aexit__(*error)


# ---------------------------------------------------------------- tracks


@in_virtual_time
async def test_a_tts_is_a_track_with_a_beginning_an_end_and_the_time_that_was_heard():
    async with Controlled() as s:
        await s.send("tts", text="Hello there.", playId="p")
        end = await s.until("trackEnd", playId="p")
        assert s.story() == ["trackStart caller", "answer", "trackStart p", "trackEnd p"]
        assert end["trackId"] == "server-side-track"
        assert end["duration"] == 12 * 20
        assert s.heard_seconds() == pytest.approx(0.24, abs=0.02)


@in_virtual_time
async def test_two_commands_with_one_play_id_are_both_spoken_in_order_on_one_track():
    async with Controlled(fakes := Fakes()) as s:
        await s.send("tts", text="The first.", playId="p")
        await s.send("tts", text="The second.", playId="p")
        await s.until("trackEnd", playId="p")
        assert fakes.spoken == ["The first.", "The second."]
        assert s.story()[2:] == ["trackStart p", "trackEnd p"]
        assert s.heard_seconds() == pytest.approx(21 * 0.02, abs=0.04)


@in_virtual_time
async def test_a_command_without_play_id_follows_what_is_being_said():
    async with Controlled(fakes := Fakes()) as s:
        await s.send("tts", text=TEN, playId="p")
        await s.send("tts", text="And eleven.")
        await s.until("trackEnd")
        assert fakes.spoken == [TEN, "And eleven."]
        assert not s.all("interruption")
        assert s.story()[2:] == ["trackStart p", "trackEnd p"]


@in_virtual_time
async def test_the_same_play_id_after_its_track_has_ended_is_a_new_track():
    async with Controlled() as s:
        for count in (1, 2):
            await s.send("tts", text="Again.", playId="p")
            await s.until("trackEnd", count, playId="p")
        assert s.story()[2:] == ["trackStart p", "trackEnd p"] * 2
        assert not s.all("interruption")


@in_virtual_time
async def test_another_play_id_replaces_and_the_old_track_ends_before_the_new_one_begins():
    async with Controlled() as s:
        await s.send("tts", text=TEN, playId="old")
        await s.until("metrics", key="completed.tts.fake")
        while s.heard_seconds() < 0.5:
            await s.call_time(0.02)
        await s.send("tts", text="New.", playId="new")
        await s.until("trackEnd", playId="new")
        names = ["trackStart old", "interruption", "trackEnd old", "trackStart new", "trackEnd new"]
        assert s.story()[2:] == names


@in_virtual_time
async def test_an_interruption_tells_what_was_heard_and_the_true_length():
    async with Controlled() as s:
        await s.send("tts", text=TEN, playId="p")
        while s.heard_seconds() < 0.5:
            await s.call_time(0.02)
        await s.send("interrupt")
        cut = await s.until("interruption", playId="p")
        assert TEN.startswith(cut["subtitle"])
        assert cut["subtitle"].split()[:3] == ["One", "two", "three"]
        assert cut["position"] == len(cut["subtitle"])
        assert cut["totalDuration"] == len(TEN) * 20
        assert 400 <= cut["current"] <= 560
        assert (await s.until("trackEnd", playId="p"))["duration"] == cut["current"]
        heard = s.heard_seconds()
        await s.call_time(0.5)
        assert s.heard_seconds() == heard


@in_virtual_time
async def test_an_interrupt_of_nothing_says_nothing():
    async with Controlled() as s:
        await s.send("interrupt")
        await s.send("interrupt", graceful=True)
        await s.call_time(0.2)
        assert s.story() == ["trackStart caller", "answer"]


# ---------------------------------------------------------------- graceful


@in_virtual_time
async def test_a_graceful_interrupt_lets_the_sentence_end_and_what_is_sent_meanwhile_follows():
    async with Controlled(fakes := Fakes()) as s:
        await s.send("tts", text="The first sentence is long. The second one is never heard.", playId="old")
        while s.heard_seconds() < 0.1:
            await s.call_time(0.02)
        await s.send("interrupt", graceful=True)
        await s.send("tts", text="New.", playId="new")
        await s.until("trackEnd", playId="new")
        names = ["trackStart old", "interruption", "trackEnd old", "trackStart new", "trackEnd new"]
        assert s.story()[2:] == names
        cut = s.all("interruption")[0]
        assert cut["subtitle"].strip() == "The first sentence is long."
        assert cut["totalDuration"] > cut["current"] == 28 * 20 - 20
        assert s.heard_seconds() == pytest.approx((27 + 4) * 0.02, abs=0.05)
        assert "New." in fakes.spoken


@in_virtual_time
async def test_a_graceful_interrupt_during_the_last_sentence_cuts_nothing():
    async with Controlled() as s:
        await s.send("tts", text=TEN, playId="p")
        while s.heard_seconds() < 0.1:
            await s.call_time(0.02)
        await s.send("interrupt", graceful=True)
        end = await s.until("trackEnd", playId="p")
        assert end["duration"] == len(TEN) * 20
        assert not s.all("interruption")


@in_virtual_time
async def test_a_sentence_that_is_spoken_in_clauses_is_finished_too():
    text = "First of all I would like to say a few words, and then a few more, and then go. Never heard."
    async with Controlled(fakes := Fakes()) as s:
        await s.send("tts", text=text, playId="p")
        while s.heard_seconds() < 0.1:
            await s.call_time(0.02)
        assert len(fakes.spoken) > 2
        await s.send("interrupt", graceful=True)
        cut = await s.until("interruption", playId="p")
        assert cut["subtitle"].strip() == text.partition(" Never")[0]


@in_virtual_time
async def test_a_graceful_interrupt_of_a_stream_stops_at_once():
    async with Controlled() as s:
        await s.send("tts", text=TEN + " ", playId="p", streaming=True)
        await s.send("tts", text="More. ", playId="p", streaming=True)
        while s.heard_seconds() < 0.1:
            await s.call_time(0.02)
        await s.send("interrupt", graceful=True)
        end = await s.until("trackEnd", playId="p")
        assert end["duration"] < 300


@in_virtual_time
async def test_each_sentence_of_a_client_that_interrupts_and_then_sends_them_one_by_one_is_heard():
    async with Controlled(fakes := Fakes()) as s:
        await s.send("tts", text="A long greeting, which is being spoken.", playId="hello")
        while s.heard_seconds() < 0.1:
            await s.call_time(0.02)
        await s.send("interrupt", graceful=True)
        await s.send("history", speaker="user", text="Hi")
        await s.send("interrupt")
        for sentence in ("First answer.", "Second answer.", "Third answer."):
            await s.send("tts", text=sentence, playId="llm-1")
        await s.send("tts", text="", playId="llm-1", endOfStream=True)
        await s.until("trackEnd", playId="llm-1")
        assert fakes.spoken[-3:] == ["First answer.", "Second answer.", "Third answer."]
        assert s.all("interruption", playId="llm-1") == []


# ---------------------------------------------------------------- streams


@in_virtual_time
async def test_pieces_of_a_stream_are_one_track_and_sentences_wait_for_their_end():
    async with Controlled(fakes := Fakes()) as s:
        for piece in ("How ", "are you", "? I am", " fine"):
            await s.send("tts", text=piece, playId="p", streaming=True)
        await s.call_time(0.3)
        assert fakes.spoken == ["How are you?"]
        await s.send("tts", text=".", playId="p", streaming=True, endOfStream=True)
        await s.until("trackEnd", playId="p")
        assert fakes.spoken == ["How are you?", "I am fine."]
        assert s.story()[2:] == ["trackStart p", "trackEnd p"]


@in_virtual_time
async def test_a_stream_that_nobody_ends_is_spoken_to_its_last_word_and_ends_ten_seconds_later():
    async with Controlled(fakes := Fakes()) as s:
        await s.send("tts", text="Hello. And by", playId="p", streaming=True)
        await s.send("tts", text="e", playId="p", streaming=True)
        end = await s.until("trackEnd", playId="p")
        assert fakes.spoken == ["Hello.", "And bye"]
        spoken_until = s.wire.sent[-1][0]
        assert end["timestamp"] - spoken_until == pytest.approx(10_000, abs=100)
        assert not s.all("error")


@in_virtual_time
async def test_a_command_that_does_not_stream_closes_the_stream_it_is_added_to():
    async with Controlled(fakes := Fakes()) as s:
        await s.send("tts", text="Streamed. ", playId="p", streaming=True)
        await s.send("tts", text="Whole.", playId="p")
        await s.until("trackEnd", playId="p")
        assert fakes.spoken == ["Streamed.", "Whole."]
        assert s.wire.sent[-1][0] - s.all("trackEnd", playId="p")[0]["timestamp"] < 100


# ---------------------------------------------------------------- autoHangup


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


# ---------------------------------------------------------------- what is said


@in_virtual_time
async def test_base64_is_played_sample_by_sample():
    samples = tone(0.1)
    text = base64.b64encode(to_s16le(samples)).decode()
    async with Controlled(fakes := Fakes()) as s:
        await s.send("tts", text=text, base64=True, playId="p")
        await s.until("trackEnd", playId="p")
        heard = np.concatenate([frame for _, frame in s.wire.sent])
        assert np.array_equal(heard[: len(samples)], samples)
        assert fakes.spoken == []
        assert not s.all("metrics", key="completed.tts.fake")


@pytest.mark.parametrize("text", ["AAA=AAA", "AA==", "nonsense!"])
@in_virtual_time
async def test_base64_that_is_none_or_has_half_a_sample_is_an_error(text):
    async with Controlled() as s:
        await s.send("tts", text=text, base64=True)
        error = await s.until("error")
        assert error["sender"] == "command"
        assert "base64" in error["error"]
        await s.send("tts", text="Still here.", playId="p")
        await s.until("trackEnd", playId="p")


@in_virtual_time
async def test_emoji_are_not_spoken_and_a_text_of_nothing_else_neither_sounds_nor_hangs():
    async with Controlled(fakes := Fakes()) as s:
        await s.send("tts", text="😀🎉", playId="a")
        await s.until("trackEnd", playId="a", patience=1)
        await s.send("tts", text="Good 😀 day.", playId="b")
        await s.until("trackEnd", playId="b")
        assert fakes.spoken == ["Good day."]


@in_virtual_time
async def test_many_commands_with_empty_texts_between_them_all_end():
    async with Controlled(fakes := Fakes()) as s:
        for number in range(5):
            await s.send("tts", text=f"Number {number}.", playId="p")
            await s.send("tts", text="", playId="p")
        await s.until("trackEnd", playId="p")
        assert fakes.spoken == [f"Number {number}." for number in range(5)]


@in_virtual_time
async def test_a_file_is_played_from_its_offset_and_pads_its_last_frame(tmp_path):
    with WavWriter(tmp_path / "a.wav", rate_hz=RATE_HZ, channels=1) as wav:
        wav.write(tone(0.51))
    async with Controlled(folder=tmp_path) as s:
        await s.send("play", url="a.wav", offsetMs=200)
        end = await s.until("trackEnd", playId="a.wav")
        assert end["duration"] == 310
        assert {len(frame) for _, frame in s.wire.sent} == {320}


@pytest.mark.parametrize("url", ["missing.wav", "../secret.wav", "text.wav"])
@in_virtual_time
async def test_a_file_that_cannot_be_played_is_an_error_that_names_it_and_its_track_ends(url, tmp_path):
    (tmp_path / "text.wav").write_text("no audio")
    async with Controlled(folder=tmp_path) as s:
        await s.send("play", url=url, playId="p")
        await s.until("trackEnd", playId="p")
        error = s.all("error")[0]
        assert error["sender"] == f"filetrack: {url}"
        assert str(tmp_path) not in error["error"]


# ---------------------------------------------------------------- what cannot be said


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
