import asyncio

import numpy as np
import pytest

from active_call_whisper.languages import ENGLISH
from active_call_whisper.reader import Reader

SOUND = np.ones(16000, np.int16)


async def test_no_more_decodes_run_at_once_than_there_are_lanes(host, decoder):
    reader = Reader(host, decoder, lanes=2)
    texts = await asyncio.gather(*(reader.read(SOUND, ENGLISH) for _ in range(8)))
    assert decoder.most_running <= 2
    assert len(texts) == 8


async def test_a_cancelled_decode_is_told_to_stop_and_keeps_its_lane_until_it_does(host, decoder, sounds):
    decoder.gate.clear()
    reader = Reader(host, decoder, lanes=1)
    first = asyncio.create_task(reader.read(SOUND, ENGLISH))
    await sounds.settle(decoder.began.is_set)
    first.cancel()
    second = asyncio.create_task(reader.read(SOUND, ENGLISH))
    await asyncio.wait([first])
    assert not reader.may_guess
    assert len(decoder.asked) == 1
    decoder.gate.set()
    await second
    assert decoder.stopped == 1
    assert decoder.most_running == 1
    assert reader.may_guess


async def test_a_decode_cancelled_while_it_waits_takes_no_lane(host, decoder, sounds):
    decoder.gate.clear()
    reader = Reader(host, decoder, lanes=1)
    running = asyncio.create_task(reader.read(SOUND, ENGLISH))
    await sounds.settle(decoder.began.is_set)
    waiting = asyncio.create_task(reader.read(SOUND, ENGLISH))
    await asyncio.sleep(0)
    waiting.cancel()
    decoder.gate.set()
    await running
    await asyncio.wait([waiting])
    assert reader.may_guess
    assert len(decoder.asked) == 1


async def test_a_pool_that_is_gone_gives_the_lane_back(host, decoder):
    reader = Reader(host, decoder, lanes=1)
    host.pool.shutdown()
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await asyncio.wait_for(reader.read(SOUND, ENGLISH), 1)


async def test_no_guess_while_every_lane_is_taken(host, decoder, sounds):
    decoder.gate.clear()
    reader = Reader(host, decoder, lanes=1)
    assert reader.may_guess
    task = asyncio.create_task(reader.read(SOUND, ENGLISH))
    await sounds.settle(decoder.began.is_set)
    assert not reader.may_guess
    decoder.gate.set()
    await task


async def test_after_a_slow_guess_there_are_none_for_five_seconds(host, scripted):
    now = 100.0

    def slowly(samples):
        nonlocal now
        now += 0.6
        return "slow"

    reader = Reader(host, scripted(say=slowly), lanes=2, clock=lambda: now)
    await reader.guess(SOUND, ENGLISH)
    assert not reader.may_guess
    now += 5
    assert reader.may_guess


async def test_guesses_can_be_switched_off(host, decoder):
    assert not Reader(host, decoder, lanes=2, partials=False).may_guess
