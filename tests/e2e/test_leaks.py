"""After two hundred calls of every ending nothing is left of any of them."""

import asyncio
import gc
import os
import threading
from dataclasses import dataclass

import httpx
from tests.e2e.conftest import House

from active_call.builtin.websocket import WebSocketLeg
from active_call.call.call import Call
from active_call.call.log import EventLog
from active_call.engine.pipeline import Pipeline
from active_call.testing.fakes import tone

CALLS = 200
AT_ONCE = 40


@dataclass(frozen=True)
class Left:
    """What the process holds."""

    tasks: int
    threads: int
    files: int
    calls: int
    objects: int
    open_streams: int
    channels: int


def count(house: House) -> Left:
    gc.collect()
    kinds = (EventLog, Call, Pipeline, WebSocketLeg)
    return Left(
        tasks=len(asyncio.all_tasks()),
        threads=threading.active_count(),
        files=len(os.listdir("/proc/self/fd")),
        calls=len(house.manager.directory),
        objects=sum(isinstance(item, kinds) for item in gc.get_objects()),
        open_streams=house.fakes.open_streams,
        channels=house.manager.services.clock.channels,
    )


async def one_call(house: House, number: int) -> None:
    async with house.agent() as caller:
        if number % 10 == 0:
            return  # gone before the invite
        await caller.invite()
        assert await caller.until("answer", 10)
        if number % 10 == 1:
            return  # gone as soon as it was answered
        if number % 10 == 2:
            await caller.send("invite", option={"codec": "opus"})
        await caller.say(tone(0.3))
        await caller.until("trackStart", 5, count=3)
        match number % 5:
            case 0:
                await caller.hang_up()
            case 1:
                async with httpx.AsyncClient(trust_env=False) as client:
                    call_id = caller.events[0]["trackId"]
                    await client.post(f"{house.base}/kill/{call_id}")
            case 2:
                caller._socket.transport.abort()
                return
            case 3:
                await caller.send("tts", text="", autoHangup=True)
            case _:
                return
        assert await caller.until_closed(5)
        assert [event["event"] for event in caller.events].count("hangup") == 1


async def calls(house: House, numbers: range) -> None:
    for start in range(numbers.start, numbers.stop, AT_ONCE):
        await asyncio.gather(*(one_call(house, number) for number in numbers[start - numbers.start :][:AT_ONCE]))


async def test_two_hundred_calls_leave_no_task_thread_file_or_object(house: House) -> None:
    house.fakes.token_s = 0.02
    house.fakes.transcripts = ["tell me more about it"] * 1000
    await calls(house, range(AT_ONCE))  # what is made once for the process is made now
    before = await settled(house, None)
    await calls(house, range(CALLS))
    after = await settled(house, before)
    assert after == before


async def settled(house: House, wanted: Left | None) -> Left:
    """The last sockets and tasks of a call go some milliseconds after its caller."""
    left = count(house)
    for _ in range(100):
        await asyncio.sleep(0.05)
        before, left = left, count(house)
        if left == wanted or (wanted is None and left == before and not left.calls):
            break
    return left
