"""Files written by libsndfile itself, in each format that telephony meets."""

import io

import numpy as np
import pytest
import soundfile

from active_call.plugin.discovery import discover
from active_call.plugin.registry import Kind
from active_call_soundfile.decoder import SoundfileDecoder

RATE_HZ = 16000
TONE = (np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ) * 8000).astype(np.int16)


def encoded(format: str, subtype: str, samples: "np.ndarray[tuple[int, ...], np.dtype[np.int16]]" = TONE) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format=format, subtype=subtype)
    return file.getvalue()


@pytest.mark.parametrize(
    ("format", "subtype"),
    [("MP3", "MPEG_LAYER_III"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("AIFF", "PCM_16")],
)
def test_a_tone_comes_back_at_its_pitch_and_length(format: str, subtype: str) -> None:
    audio = SoundfileDecoder().decode(encoded(format, subtype))

    assert audio.samples.dtype == np.int16
    assert audio.samples.ndim == 1
    seconds = len(audio.samples) / audio.rate_hz
    assert seconds == pytest.approx(1.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(audio.samples))
    assert spectrum.argmax() / seconds == pytest.approx(440, abs=5)


def test_stereo_becomes_the_mean_of_both_sides() -> None:
    both = np.stack([TONE, np.zeros_like(TONE)], axis=1)

    audio = SoundfileDecoder().decode(encoded("FLAC", "PCM_16", both))

    assert np.abs(audio.samples - TONE // 2).max() <= 1


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", encoded("FLAC", "PCM_16")[:40]])
def test_what_is_no_audio_is_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(ValueError, match="libsndfile"):
        SoundfileDecoder().decode(data)


def test_it_is_found_under_its_name() -> None:
    offer = discover(select="soundfile").find(Kind.DECODER, "soundfile")

    assert "mp3" in offer.traits.suffixes
