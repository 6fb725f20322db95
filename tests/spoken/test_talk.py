"""The main job on real parts: a recorded human voice, the real recogniser, the real voice, a real WebSocket."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from active_call.audio import RATE_HZ
from active_call.audio.wav import load_mono, read_wav
from active_call.cli.runtime import Paths, Runtime
from active_call.plugin.registry import Kind
from active_call.plugin.values import AsrOptions, Audio, EndOfTurn, Final, Samples

pytestmark = pytest.mark.model

CLIP = Path("/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-0870.wav")
SAID = (
    "and mister john dashwood had then leisure to consider "
    "how much there might be prudently in his power to do for them"
)
ANSWER = "The shop is open all day, from Tuesday to Saturday."
PLAYBOOK = f"""---
greeting: Good morning.
script:
  rules:
    - when: [leisure to consider]
      say: {ANSWER}
---
You answer questions.
"""


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, _words(one), _words(other), autojunk=False).ratio()


@pytest.fixture
def needs() -> None:
    runtime = Runtime(Paths(playbooks=[Path.cwd()], media=[Path.cwd()]))
    for kind, name in ((Kind.ASR, "whisper"), (Kind.TTS, "hibari"), (Kind.VAD, "silero"), (Kind.TURN, "smart-turn")):
        if name not in runtime.registry.names(kind):
            pytest.skip(f"the plugin {name} is not installed")
    if runtime.missing_models():
        pytest.skip("the models are not here: active-call models pull embedded")
    if not CLIP.exists():
        pytest.skip("Debian's pocketsphinx-testdata is not installed")


async def transcribe(samples: Samples) -> str:
    runtime = Runtime(Paths(playbooks=[Path.cwd()], media=[Path.cwd()]))

    async def audio() -> AsyncIterator[Audio | EndOfTurn]:
        yield Audio(samples=samples, rate_hz=RATE_HZ)
        yield EndOfTurn()

    async with runtime.running() as manager:
        provider = await manager.services.pool.open(Kind.ASR, "whisper")
        async with provider.session(AsrOptions(language="en")) as session:
            finals = [item.text async for item in session.transcribe(audio()) if isinstance(item, Final)]
    return " ".join(finals)


@pytest.mark.usefixtures("needs")
async def test_a_recorded_voice_is_understood_and_answered_with_speech_that_can_be_understood(tmp_path: Path) -> None:
    playbook = tmp_path / "book.md"
    playbook.write_text(PLAYBOOK)
    out = tmp_path / "talk.wav"
    talk = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "active_call.cli", "talk", str(playbook), "--wav", str(CLIP), "--out", str(out)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed = (await talk.communicate())[0].decode()

    assert talk.returncode == 0, printed
    heard = next(line.partition("caller")[2] for line in printed.splitlines() if " caller " in line)
    assert likeness(heard, SAID) > 0.9, printed
    assert ANSWER in printed
    assert "ms from the caller's last sound to the reply" in printed
    recording, rate = read_wav(out)
    assert (rate, recording.shape[1]) == (RATE_HZ, 2)
    caller = load_mono(CLIP)
    assert len(recording) > len(caller)
    # The answer stands right, behind the caller's sentence: what it says can be written down again.
    spoken = await transcribe(recording[-5 * RATE_HZ :, 1].copy())
    assert likeness(spoken, ANSWER) > 0.8, spoken
