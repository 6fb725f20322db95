"""A host, a synthesiser that beeps, and the real one."""

import asyncio
import logging
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest


@pytest.fixture
def host() -> Iterator[SimpleNamespace]:
    with ThreadPoolExecutor(4) as pool:

        async def run(function, /, *args):
            return await asyncio.get_running_loop().run_in_executor(pool, function, *args)

        environ: Mapping[str, str] = {}
        yield SimpleNamespace(run=run, log=logging.getLogger("hibari-test"), environ=environ, http=None, models=None)


class Beeper:
    """10 ms of tone per letter, 0.3 s of silence before and 0.45 s behind, as the real one has."""

    def __init__(self) -> None:
        self.said: list[tuple[str, float, int | None]] = []

    def split_sentences(self, text: str) -> list[str]:
        return [sentence for sentence in re.split(r"(?<=[.!?])[\"”)]*\s+", text.strip()) if sentence.strip()]

    def __call__(self, text: str, speed: float = 1.0, seed: int | None = None) -> np.ndarray:
        self.said.append((text, speed, seed))
        letters = sum(character.isalnum() for character in text)
        tone = np.full(240 * letters, 0.3, np.float32)
        return np.concatenate([np.zeros(7200, np.float32), tone, np.zeros(10800, np.float32)])


@pytest.fixture
def beeper() -> Beeper:
    return Beeper()


@pytest.fixture(scope="session")
def hibari():
    from active_call_hibari.voice import load

    return load()
