"""`tts`, `play` and `interrupt` on a call without a playbook: tracks, their order on the wire, and `autoHangup`."""

import base64

import numpy as np
import pytest
from tests.call.controlled import TEN, Controlled

from active_call.audio import RATE_HZ
from active_call.audio.frames import to_s16le
from active_call.audio.wav import WavWriter
from active_call.testing.fakes import Fakes, tone
from active_call.testing.virtual_time import in_virtual_time

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


@in_virtual_time
async def test_a_file_that_is_cut_is_an_interruption_too(tmp_path):
    with WavWriter(tmp_path / "a.wav", rate_hz=RATE_HZ, channels=1) as wav:
        wav.write(tone(1.0))
    async with Controlled(folder=tmp_path) as s:
        await s.send("play", url="a.wav", playId="p")
        await s.call_time(0.3)
        await s.send("tts", text="Instead.", playId="q")
        cut = await s.until("interruption", playId="p")
        assert cut["totalDuration"] == 1000
        assert 200 <= cut["current"] <= 320
        assert "subtitle" not in cut
        await s.until("trackEnd", playId="q")


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
