"""`play`: files and URLs, who may have them, and what is kept of them."""

import os

import numpy as np
import pytest
from tests.call.controlled import Controlled

from active_call.audio import RATE_HZ
from active_call.audio.frames import to_s16le
from active_call.audio.wav import WavWriter
from active_call.call.files import Recordings
from active_call.guard.outbound import OutboundRefused, Trust
from active_call.playbook.load import load_text
from active_call.plugin.errors import ProviderError
from active_call.providers.files import AudioFiles
from active_call.store.fetch import FetchFailed, Media
from active_call.testing.fakes import Fakes, tone
from active_call.testing.session import Session, book, virtual_server
from active_call.testing.virtual_time import in_virtual_time

URL = "https://files.example/jingle"


class Web:
    """A media cache that has one file, and notes on whose behalf it was asked."""

    def __init__(self, path=None, content_type="audio/wav", error=None):
        self.asked = []
        self._path, self._type, self._error = path, content_type, error

    async def get(self, url, trust):
        self.asked.append((url, trust))
        if self._error is not None:
            raise self._error
        return Media(self._path, self._type)


def wav(path, samples, rate_hz=RATE_HZ):
    writer = WavWriter(path, rate_hz=rate_hz, channels=1)
    writer.write(samples)
    writer.close()
    return path


@in_virtual_time
async def test_a_url_is_fetched_on_behalf_of_the_client_and_is_its_own_play_id(tmp_path):
    web = Web(wav(tmp_path / "x.media", tone(1.0)))
    async with Controlled(services={"media_cache": web}) as s:
        await s.send("play", url=URL)
        end = await s.until("trackEnd", playId=URL)
        assert end["duration"] == 1000
        assert web.asked == [(URL, Trust.CLIENT)]
        assert s.heard_seconds() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    "error",
    [
        OutboundRefused("connection to db.lan", "it leads to a private address", "ask the operator"),
        FetchFailed("files.example answered 404 instead of the audio"),
    ],
)
@in_virtual_time
async def test_a_url_that_cannot_be_had_is_an_error_that_names_it_and_its_track_ends(error):
    async with Controlled(services={"media_cache": Web(error=error)}) as s:
        await s.send("play", url=URL, playId="p")
        told = await s.until("error", sender=f"filetrack: {URL}")
        assert str(error) in told["error"]
        await s.until("trackEnd", playId="p")
        assert s.story()[2:] == ["trackStart p", "error", "trackEnd p"]


@in_virtual_time
async def test_raw_pcm_is_played_and_half_a_sample_is_an_error(tmp_path):
    (tmp_path / "a.pcm").write_bytes(to_s16le(tone(0.5)))
    (tmp_path / "odd.pcm").write_bytes(to_s16le(tone(0.5)) + b"x")
    async with Controlled(folder=tmp_path) as s:
        await s.send("play", url="a.pcm")
        assert (await s.until("trackEnd", playId="a.pcm"))["duration"] == 500
        await s.send("play", url="odd.pcm")
        assert "16-bit" in (await s.until("error", sender="filetrack: odd.pcm"))["error"]
        await s.until("trackEnd", playId="odd.pcm")


@in_virtual_time
async def test_an_offset_beyond_the_end_ends_the_track_at_once(tmp_path):
    wav(tmp_path / "a.wav", tone(1.0))
    async with Controlled(folder=tmp_path) as s:
        for offset, left in ((1000, 0), (99_999, 0), (400, 600)):
            await s.send("play", url="a.wav", playId=str(offset), offsetMs=offset)
            start = await s.until("trackStart", playId=str(offset))
            end = await s.until("trackEnd", playId=str(offset))
            assert end["duration"] == left
            assert end["timestamp"] - start["timestamp"] <= left + 100
        assert not s.all("interruption")
        assert not s.all("error")


@pytest.mark.parametrize(("rate_hz", "channels"), [(8000, 1), (16000, 1), (44100, 2)])
@in_virtual_time
async def test_wav_of_any_rate_and_stereo_is_played(rate_hz, channels, tmp_path):
    writer = WavWriter(tmp_path / "a.wav", rate_hz=rate_hz, channels=channels)
    samples = (np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz) * 8000).astype(np.int16)
    writer.write(samples if channels == 1 else np.stack([samples, samples], axis=1))
    writer.close()
    async with Controlled(folder=tmp_path) as s:
        await s.send("play", url="a.wav")
        end = await s.until("trackEnd", playId="a.wav")
        assert end["duration"] == pytest.approx(1000, abs=2)
        heard = np.concatenate([frame for _, frame in s.wire.sent])
        spectrum = np.abs(np.fft.rfft(heard))
        assert spectrum.argmax() * RATE_HZ / len(heard) == pytest.approx(440, abs=3)


@in_virtual_time
async def test_the_same_url_twice_is_two_tracks_and_the_second_hangs_up(tmp_path):
    web = Web(wav(tmp_path / "x.media", tone(0.5)))
    async with Controlled(services={"media_cache": web}) as s:
        await s.send("play", url=URL)
        await s.call_time(0.2)
        await s.send("play", url=URL, autoHangup=True)
        await s.until("hangup")
        names = [f"trackStart {URL}", "interruption", f"trackEnd {URL}", f"trackStart {URL}", f"trackEnd {URL}"]
        assert s.story()[2:7] == names


# ---------------------------------------------------------------- who may have what


@pytest.mark.parametrize("trusted", [True, False])
@in_virtual_time
async def test_only_what_stands_in_the_operators_playbook_is_fetched_for_the_operator(trusted, tmp_path):
    web = Web(wav(tmp_path / "x.media", tone(0.1)))
    text = f'---\nllm: {{}}\n---\nSay <play file="{URL}/a"/> and then go on.\n'
    playbook = load_text(text, name="book", environ={}, trusted=trusted)
    async with virtual_server(Fakes(), media_cache=web) as manager:
        recordings = Recordings(manager.services, playbook)
        await recordings.read(f"{URL}/a")
        await recordings.read(f"{URL}/")
    assert [trust for _, trust in web.asked] == [Trust.OPERATOR if trusted else Trust.CLIENT, Trust.CLIENT]


@in_virtual_time
async def test_what_a_model_lets_play_is_fetched_as_if_a_client_had_asked(tmp_path):
    web = Web(wav(tmp_path / "x.media", tone(0.5)))
    fakes = Fakes(replies=[f'Listen. <play file="{URL}"/>'], transcripts=["play it"])
    async with virtual_server(fakes, media_cache=web) as manager, Session(manager, book()) as s:
        await s.invite()
        await s.say(tone(0.6))
        while not web.asked:
            await s.call_time(0.1)
        assert web.asked == [(URL, Trust.CLIENT)]


@in_virtual_time
async def test_without_a_cache_a_url_is_an_error():
    async with Controlled() as s:
        await s.send("play", url=URL)
        await s.until("error", sender=f"filetrack: {URL}")
        await s.until("trackEnd", playId=URL)


# ---------------------------------------------------------------- what is kept


class Counted(AudioFiles):
    decoded = 0

    async def decode(self, data, name, content_type=None):
        self.decoded += 1
        return await super().decode(data, name, content_type)


@in_virtual_time
async def test_a_file_is_decoded_once_until_it_changes(tmp_path):
    path = wav(tmp_path / "a.wav", tone(1.0))
    async with virtual_server() as manager:
        files = Counted(manager.services.pool)
        first, again = await files.read(path), await files.read(path)
        assert first is again
        assert files.decoded == 1
        with pytest.raises(ValueError, match="read-only"):
            first[0] = 1
        wav(path, tone(0.5))
        os.utime(path, ns=(1, 1))
        assert len(await files.read(path)) == RATE_HZ // 2
        assert files.decoded == 2


@in_virtual_time
async def test_what_is_kept_is_bounded_and_one_long_file_does_not_drive_out_the_rest(tmp_path):
    paths = [wav(tmp_path / f"{n}.wav", tone(0.2)) for n in range(6)]
    size = 2 * RATE_HZ // 5
    long = wav(tmp_path / "long.wav", tone(1.0))
    async with virtual_server() as manager:
        files = Counted(manager.services.pool, kept_bytes=4 * size)
        for path in paths:
            await files.read(path)
        await files.read(long)
        await files.read(paths[-1])
        assert files.decoded == 7
        await files.read(paths[0])
        assert files.decoded == 8
        assert sum(kept.nbytes for kept in files._kept.values()) <= 4 * size


@in_virtual_time
async def test_a_file_that_is_too_large_to_be_read_whole_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("active_call.providers.files.LARGEST_BYTES", 1000)
    async with virtual_server() as manager:
        with pytest.raises(ProviderError, match="split"):
            await AudioFiles(manager.services.pool).read(wav(tmp_path / "a.wav", tone(1.0)))
