"""A provider that blocks does so in the bounded pool: the loop, and every other call, goes on."""

import contextlib
import threading
from collections.abc import AsyncIterator, Mapping
from typing import Any

import numpy as np
from tests.e2e.conftest import House

from active_call.plugin import TtsTraits
from active_call.plugin.host import Host
from active_call.plugin.registry import Distribution, Kind, Offer
from active_call.plugin.values import Audio, SpeakRequest, TtsOptions
from active_call.testing.session import FAKE_OPTION


class BlockingVoice:
    """Computes its audio in one blocking call, as an inference engine does; says in which threads it ran."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.entered = threading.Event()
        self.go_on = threading.Event()

    @contextlib.asynccontextmanager
    async def open(self, host: Host, settings: Mapping[str, Any]) -> AsyncIterator["BlockingVoice"]:
        self._host = host
        await host.run(self._note)
        yield self

    @contextlib.asynccontextmanager
    async def session(self, options: TtsOptions) -> AsyncIterator["BlockingVoice"]:
        yield self

    async def speak(self, request: SpeakRequest) -> AsyncIterator[Audio]:
        yield Audio(samples=await self._host.run(self._compute), rate_hz=16000)

    def _note(self) -> None:
        self.threads.add(threading.get_ident())

    def _compute(self) -> Any:
        self._note()
        self.entered.set()
        assert self.go_on.wait(10), "the loop stood still while a voice was computing"
        return np.full(1600, 5000, np.int16)


async def test_a_voice_that_blocks_runs_off_the_loop_and_other_calls_go_on_meanwhile(house: House) -> None:
    voice = BlockingVoice()
    house.manager.services.pool.registry.add(
        Offer(
            kind=Kind.TTS,
            name="blocking",
            factory=voice.open,
            traits=TtsTraits(),
            distribution=Distribution(name="test", version="1"),
            api=1,
        )
    )
    async with house.caller() as blocked, house.caller() as other:
        for caller in (blocked, other):
            await caller.invite(**FAKE_OPTION)
            assert await caller.until("answer", 3)
        await blocked.send("tts", text="Compute.", option={"provider": "blocking"}, playId="slow")
        # Only if the loop is free can the other call speak to its end before the voice is let go on.
        await other.send("tts", text="Meanwhile.", playId="quick")
        end = await other.until("trackEnd", 5)
        assert end is not None
        assert end["playId"] == "quick"
        assert voice.entered.is_set()
        assert not [event for event in blocked.events if event["event"] == "trackEnd"]
        voice.go_on.set()
        assert await blocked.until("trackEnd", 5)
    assert threading.get_ident() not in voice.threads
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    assert all(names[ident].startswith("inference") for ident in voice.threads)
