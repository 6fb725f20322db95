"""Does a recogniser hear the words that the voice was given?"""

import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest

from active_call.audio import resample
from active_call.plugin.values import Audio, SpeakRequest, TtsOptions
from active_call_hibari.voice import HibariVoice

SENTENCES = [
    "Hello, this is the dental clinic. How may I help you?",
    "I would like to make an appointment for Tuesday morning.",
    "Please hold the line while I transfer your call.",
]


def words(text: str) -> list[str]:
    return re.sub(r"[^a-z ]", " ", text.lower()).split()


@pytest.fixture(scope="module")
def whisper():
    decoder = pytest.importorskip("active_call_whisper.decoder", reason="needs active-call-whisper")
    folder = Path(os.environ.get("OFFLINE_MODELS_DIR", "models")).expanduser() / "whisper-base"
    if not (folder / "model.bin").is_file():
        pytest.skip("needs the model whisper-base: set OFFLINE_MODELS_DIR")
    return decoder.WhisperDecoder({path.name: path for path in folder.iterdir()}, workers=1)


@pytest.mark.model
@pytest.mark.parametrize("text", SENTENCES)
async def test_whisper_hears_the_same_words(host, hibari, whisper, text):
    from active_call_whisper.languages import ENGLISH

    async with HibariVoice(host, hibari).session(TtsOptions()) as session:
        spoken = [item.samples async for item in session.speak(SpeakRequest(text=text)) if isinstance(item, Audio)]
    samples = resample(np.concatenate(spoken), 24000, 16000)
    heard = whisper.decode(samples, ENGLISH, threading.Event())
    assert words(heard.text) == words(text)
