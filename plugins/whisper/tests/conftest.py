"""A host, a decoder that needs no weights, and the real weights where they are."""

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import pytest

from active_call.plugin import MissingModel
from active_call.plugin.values import Audio, EndOfTurn, Samples, SpeechPaused
from active_call_whisper.languages import ENGLISH, Language
from active_call_whisper.reading import Reading


class LocalModels:
    """The models directory: `<OFFLINE_MODELS_DIR>/<model>/<file>`."""

    def files(self, name: str) -> Mapping[str, Path]:
        folder = Path(os.environ.get("OFFLINE_MODELS_DIR", "models")).expanduser() / name
        if not (folder / "model.bin").is_file():
            raise MissingModel(name)
        return {path.name: path for path in folder.iterdir()}


class LocalHost:
    """Runs work in four threads, as the core's pool does."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.pool = pool
        self.http = httpx.AsyncClient()
        self.models = LocalModels()
        self.log = logging.getLogger("test")
        self.environ: Mapping[str, str] = {}

    async def run(self, function, /, *args):
        return await asyncio.get_running_loop().run_in_executor(self.pool, function, *args)


@dataclass
class ScriptedDecoder:
    """Says how many seconds it was given; `gate` closed holds every decode until it is opened."""

    multilingual: bool = True
    say: Callable[[Samples], str] = lambda samples: f"{len(samples) / 16000:g} s"
    reading: Callable[[str, Language], Reading] = lambda text, language: Reading(text=text, language=language, tokens=5)
    asked: list[tuple[int, Language | None]] = field(default_factory=list)
    stopped: int = 0
    running: int = 0
    most_running: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    began: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.gate.set()

    def decode(self, samples: Samples, language: Language | None, stop: threading.Event) -> Reading:
        with self.lock:
            self.asked.append((len(samples), language))
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        self.began.set()
        assert self.gate.wait(5), "the test never opened the gate"
        with self.lock:
            self.running -= 1
            self.stopped += stop.is_set()
        return self.reading(self.say(samples), language or ENGLISH)

    @property
    def lengths_s(self) -> list[float]:
        return [samples / 16000 for samples, _ in self.asked]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


@pytest.fixture
async def host(pool: ThreadPoolExecutor) -> AsyncIterator[LocalHost]:
    local = LocalHost(pool)
    yield local
    await local.http.aclose()


@pytest.fixture
def decoder() -> ScriptedDecoder:
    return ScriptedDecoder()


@pytest.fixture
def scripted() -> type[ScriptedDecoder]:
    return ScriptedDecoder


def speech(seconds: float, rate_hz: int = 16000) -> Audio:
    """A voiced sound, as loud as speech."""
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    return Audio(samples=(6000 * np.sin(2 * np.pi * 180 * t)).astype(np.int16), rate_hz=rate_hz)


def quiet(seconds: float) -> Audio:
    """Line noise, 50 dB below speech."""
    noise = np.random.default_rng(0).normal(0, 15, int(seconds * 16000))
    return Audio(samples=noise.astype(np.int16), rate_hz=16000)


PAUSE, END = SpeechPaused(), EndOfTurn()


class Caller:
    """Feeds a stream step by step; collects what comes out."""

    def __init__(self) -> None:
        self.items: asyncio.Queue[object] = asyncio.Queue()
        self.out: list[object] = []
        self.task: asyncio.Task[None] | None = None

    async def audio(self):
        while (item := await self.items.get()) is not None:
            yield item

    def listen(self, session) -> "Caller":
        async def collect() -> None:
            async for result in session.transcribe(self.audio()):
                self.out.append(result)

        self.task = asyncio.create_task(collect())
        return self

    async def say(self, *items: object) -> None:
        """Returns when all was taken and the stream waits for more."""
        for item in items:
            self.items.put_nowait(item)
        await settle(self.items.empty)

    async def result(self) -> object:
        await asyncio.wait_for(self.task, 5)
        return self.out[-1]


async def settle(done: Callable[[], bool]) -> None:
    """Lets the loop and the threads go on until `done`; fails after five seconds."""
    async with asyncio.timeout(5):
        while not done():  # noqa: ASYNC110 - there is no event for "a thread has come to rest"
            await asyncio.sleep(0.001)
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def sounds() -> SimpleNamespace:
    """`speech(s)`, `quiet(s)`, `PAUSE`, `END`, `Caller`, `settle`: the vocabulary of these tests."""
    return SimpleNamespace(speech=speech, quiet=quiet, PAUSE=PAUSE, END=END, Caller=Caller, settle=settle)


CLIPS = Path("/usr/share/pocketsphinx/test/data/librivox")


@pytest.fixture
def clips() -> list[tuple[str, Path]]:
    """Five sentences of a LibriVox reading with their words (Debian: `pocketsphinx-testdata`)."""
    if not CLIPS.is_dir():
        pytest.skip("needs real speech: apt-get install pocketsphinx-testdata")
    lines = (CLIPS / "transcription").read_text().splitlines()
    found = []
    for line in lines:
        words, _, name = line.partition("</s>")
        found.append((words.removeprefix("<s>").strip(), CLIPS / f"{name.strip(' ()')}.wav"))
    return found


@pytest.fixture(scope="session")
def base_files() -> Mapping[str, Path]:
    try:
        return LocalModels().files("whisper-base")
    except MissingModel as missing:
        pytest.skip(f"{missing}; set OFFLINE_MODELS_DIR")
