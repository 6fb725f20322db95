"""Word error rate and speed of the whisper plugin, through its public session, on five sentences of a LibriVox reading.

    apt-get install pocketsphinx-testdata
    active-call models pull whisper-base
    python tests/benchmarks/word_error_rate.py [model]

At 16 kHz and as a phone call (8 kHz, G.711 mu-law). 71 words: one wrong word is 1.4 %, so small differences are none.
"Last word to text" is from the end of the turn to the final text with nothing decoded before it: the longest wait.
"""

import asyncio
import logging
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx

from active_call.audio import Samples, decode_ulaw, encode_ulaw, load_mono, resample
from active_call.plugin import MissingModel
from active_call.plugin.values import AsrOptions, Audio, EndOfTurn, Final
from active_call_whisper.recogniser import WhisperRecogniser, open_recogniser

T = TypeVar("T")
CLIPS = Path("/usr/share/pocketsphinx/test/data/librivox")
RATE_HZ = 16000
CHUNK = RATE_HZ // 10


class Models:
    def files(self, name: str) -> Mapping[str, Path]:
        folder = Path(os.environ.get("OFFLINE_MODELS_DIR", "models")).expanduser() / name
        if not (folder / "model.bin").is_file():
            raise MissingModel(name, why=f"not in {folder.parent} (OFFLINE_MODELS_DIR)")
        return {path.name: path for path in folder.iterdir()}


class Host:
    """As much of the core's host as a recogniser asks for."""

    def __init__(self, http: httpx.AsyncClient, pool: ThreadPoolExecutor) -> None:
        self.http = http
        self.models = Models()
        self.log = logging.getLogger("bench")
        self.environ: Mapping[str, str] = {}
        self._pool = pool

    async def run(self, function: Callable[..., T], /, *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)


@dataclass
class Tally:
    wrong: int = 0
    words: int = 0
    audio_s: float = 0.0
    waited_s: float = 0.0


def clips() -> Iterator[tuple[list[str], Samples]]:
    for line in (CLIPS / "transcription").read_text().splitlines():
        sentence, _, name = line.partition("</s>")
        yield normal(sentence.removeprefix("<s>")), load_mono(CLIPS / f"{name.strip(' ()')}.wav", RATE_HZ)


def phone(samples: Samples) -> Samples:
    return resample(decode_ulaw(encode_ulaw(resample(samples, RATE_HZ, 8000))), 8000, RATE_HZ)


def normal(text: str) -> list[str]:
    text = text.lower().replace("-", " ").replace("mr.", "mister").replace("mr ", "mister ")
    return re.sub(r"[^a-z0-9' ]", " ", text).split()


def distance(expected: list[str], heard: list[str]) -> int:
    """Words to insert, drop or replace (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(expected, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


async def hear(recogniser: WhisperRecogniser, samples: Samples) -> tuple[str, float]:
    """The text, and the seconds from the end of the turn until it was there."""

    async def audio() -> AsyncIterator[Audio | EndOfTurn]:
        for start in range(0, len(samples), CHUNK):
            yield Audio(samples=samples[start : start + CHUNK], rate_hz=RATE_HZ)
        yield EndOfTurn()

    async with recogniser.session(AsrOptions(language="en")) as session:
        began = time.perf_counter()
        finals = [result async for result in session.transcribe(audio()) if isinstance(result, Final)]
        return finals[0].text, time.perf_counter() - began


async def measure(model: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        async with (
            httpx.AsyncClient() as http,
            open_recogniser(Host(http, pool), {"model": model, "partials": False}) as recogniser,
        ):
            for name, line in (("16 kHz", lambda samples: samples), ("8 kHz mu-law", phone)):
                tally = Tally()
                for expected, clip in clips():
                    text, waited_s = await hear(recogniser, line(clip))
                    wrong = distance(expected, normal(text))
                    tally.wrong += wrong
                    tally.words += len(expected)
                    tally.audio_s += len(clip) / RATE_HZ
                    tally.waited_s += waited_s
                    if wrong:
                        print(f"    {wrong} wrong: {text}")
                print(
                    f"{model} {name:>12}: WER {tally.wrong / tally.words:5.1%} ({tally.wrong} of {tally.words} words), "
                    f"RTF {tally.waited_s / tally.audio_s:.3f}, last word to text {tally.waited_s / 5 * 1000:.0f} ms"
                )


if __name__ == "__main__":
    if not CLIPS.is_dir():
        sys.exit("needs real speech: apt-get install pocketsphinx-testdata")
    try:
        asyncio.run(measure(sys.argv[1] if len(sys.argv) > 1 else "whisper-base"))
    except MissingModel as missing:
        sys.exit(str(missing))
