"""What a call is made of: its inbox, its tasks, its states."""

import asyncio

import pytest

from active_call.call.inbox import BURST, Inbox
from active_call.call.scope import Scope
from active_call.call.states import TRANSITIONS, CallState, WrongState, check
from active_call.protocol.commands import History, command_from
from active_call.testing.fakes import Fakes
from active_call.testing.session import Session, virtual_server
from active_call.testing.virtual_time import in_virtual_time


@in_virtual_time
async def test_past_the_limit_reading_stops_until_half_is_done_and_says_so_once():
    done, full = [], []
    inbox = Inbox(done.append, on_full=lambda: full.append(len(done)))
    for number in range(BURST + 5):
        inbox.put(History(speaker="a", text=str(number)))
    waiting = asyncio.ensure_future(inbox.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    running = asyncio.create_task(inbox.run())
    await waiting
    await asyncio.sleep(1)
    running.cancel()
    assert len(done) == BURST + 5
    assert full == [0]


@in_virtual_time
async def test_a_closed_inbox_takes_nothing_and_keeps_nobody_waiting():
    inbox = Inbox(lambda command: None, on_full=lambda: None)
    for _ in range(BURST):
        inbox.put(History(speaker="a", text=""))
    inbox.close()
    inbox.put(History(speaker="a", text=""))
    await asyncio.wait_for(inbox.room(), 1)


@in_virtual_time
async def test_commands_that_wait_for_the_invite_are_bounded():
    async with virtual_server(Fakes()) as manager, Session(manager) as s:
        command = command_from({"command": "tts", "text": "x"})
        for number in range(BURST + 1):
            s.call.command(command)
            if number % 100 == 0:
                await s.call_time(0.01)
        error = await s.until("error")
        assert "left out" in error["error"]
        assert len(s.all("error")) == 1


async def test_a_task_that_fails_is_reported_and_its_siblings_go_on():
    failures = []
    scope = Scope("test", lambda name, error: failures.append((name, error)))
    going_on = asyncio.Event()

    async def fails() -> None:
        raise RuntimeError("boom")

    async def goes_on() -> None:
        await asyncio.sleep(0.01)
        going_on.set()
        await asyncio.Event().wait()

    scope.spawn("bad", fails())
    good = scope.spawn("good", goes_on())
    await going_on.wait()
    assert [(name, str(error)) for name, error in failures] == [("bad", "boom")]
    await scope.close()
    assert good.cancelled()
    late = scope.spawn("late", goes_on())
    await asyncio.wait({late})
    assert late.cancelled()


async def test_a_task_that_does_not_stop_does_not_hold_up_the_end(caplog):
    scope = Scope("test", lambda name, error: None)
    stop = asyncio.Event()

    async def stubborn() -> None:
        while not stop.is_set():
            try:
                await stop.wait()
            except asyncio.CancelledError:
                continue

    task = scope.spawn("stubborn", stubborn())
    await asyncio.sleep(0)
    await scope.close(deadline_s=0.01)
    assert "stubborn" in caplog.text
    stop.set()
    await task


def test_every_state_of_a_call_has_a_way_to_its_end():
    for state, following in TRANSITIONS.items():
        if state is CallState.ENDED:
            assert not following
        elif state is not CallState.ENDING:
            assert CallState.ENDING in following
    with pytest.raises(WrongState):
        check(CallState.ENDED, CallState.ANSWERED)
