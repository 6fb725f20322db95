"""The real model on real speech."""

import re
import threading

import numpy as np
import pytest

from active_call.audio import decode_ulaw, encode_ulaw, load_mono, resample
from active_call.plugin.values import AsrOptions, Audio, Final
from active_call_whisper.decoder import WhisperDecoder
from active_call_whisper.languages import ENGLISH
from active_call_whisper.recogniser import open_recogniser

pytestmark = pytest.mark.model


def words(text: str) -> list[str]:
    return re.sub(r"[^a-z' ]", " ", text.lower().replace("-", " ").replace("mr.", "mister")).split()


def on_the_phone(samples: np.ndarray) -> np.ndarray:
    narrow = resample(samples, 16000, 8000)
    return resample(decode_ulaw(encode_ulaw(narrow)), 8000, 16000)


@pytest.fixture(scope="module")
def model(base_files):
    return WhisperDecoder(base_files, workers=2)


def test_real_speech_over_the_phone_is_understood_almost_word_by_word(model, clips):
    wrong = total = 0
    for reference, path in clips:
        heard = model.decode(on_the_phone(load_mono(path)), ENGLISH, threading.Event())
        assert heard.credible
        expected, got = words(reference), words(heard.text)
        total += len(expected)
        wrong += len(set(expected) ^ set(got))
    assert total == 71
    assert wrong <= 2


def test_the_language_is_detected(model, clips):
    heard = model.decode(load_mono(clips[0][1]), None, threading.Event())
    assert heard.language == ENGLISH
    assert heard.language_probability > 0.9


@pytest.mark.parametrize("rms", [0, 30, 1000])
def test_noise_is_not_believed(model, rms):
    noise = np.random.default_rng(0).normal(0, rms, 32000).astype(np.int16)
    assert not model.decode(noise, ENGLISH, threading.Event()).credible


def test_a_decode_that_was_stopped_says_nothing(model, clips):
    stop = threading.Event()
    stop.set()
    assert model.decode(load_mono(clips[1][1]), ENGLISH, stop).text == ""


async def test_a_call_from_pause_to_final(host, base_files, clips, sounds):
    reference, path = clips[1]
    async with open_recogniser(host, {}) as recogniser, recogniser.session(AsrOptions()) as session:
        caller = sounds.Caller().listen(session)
        samples = load_mono(path)
        for start in range(0, len(samples), 1600):
            caller.items.put_nowait(Audio(samples=samples[start : start + 1600], rate_hz=16000))
        await caller.say(sounds.PAUSE)
        await sounds.settle(lambda: any(words(out.text) == words(reference) for out in caller.out))
        assert not any(isinstance(out, Final) for out in caller.out)
        await caller.say(sounds.quiet(0.3), sounds.END)
        final = await caller.result()
    assert words(final.text) == words(reference)
    assert session.language == ENGLISH


@pytest.mark.parametrize("word", ["Stop.", "Agent.", "Zero.", "Yes.", "No."])
def test_a_short_answer_is_heard_once(model, word):
    hibari = pytest.importorskip("hibari", reason="needs a voice: pip install hibari-tts")
    wave = hibari.Hibari(threads=1)(word, seed=0)
    spoken = resample((wave * 60000).clip(-32768, 32767).astype(np.int16), 24000, 16000)
    heard = model.decode(on_the_phone(spoken), ENGLISH, threading.Event())
    assert heard.credible
    assert words(heard.text.replace("0", "zero")) == words(word)
