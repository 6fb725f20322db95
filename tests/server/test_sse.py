"""`/events/{id}`: server-sent events, read as a client would."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.server.conftest import Running

from active_call.call.log import EventLog
from active_call.protocol.commands import Custom, Tts, command_from
from active_call.protocol.events import Ping
from active_call.server import sse
from active_call.server.sse import EventStream, message


@contextlib.asynccontextmanager
async def listening(
    server: Running, call_id: str, **request: Any
) -> AsyncIterator[AsyncIterator[tuple[int, str, Any]]]:
    async with server.client.stream("GET", f"/events/{call_id}", timeout=5, **request) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream;charset=utf-8"
        lines = answer.aiter_lines()
        assert (await anext(lines)).startswith(":")
        yield _messages(lines)


async def _messages(lines: AsyncIterator[str]) -> AsyncIterator[tuple[int, str, Any]]:
    fields: dict[str, str] = {}
    async for line in lines:
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "data" in fields:
            yield int(fields["id"]), fields["event"], json.loads(fields["data"])
            fields = {}


async def test_events_and_commands_come_in_order_and_the_stream_ends_with_the_call(server: Running) -> None:
    """A14"""
    async with server.call("a") as caller, listening(server, "a") as messages:
        await caller.send("custom", data={"n": 1}, sender="me")
        await caller.until("custom", 3)
        await caller.hang_up()
        got = [message async for message in messages]
    kinds = [(kind, data.get(kind)) for _, kind, data in got]
    assert kinds[:2] == [("command", "custom"), ("event", "custom")]
    assert kinds[2] == ("command", "hangup")
    assert kinds[-1] == ("event", "hangup")
    assert got[1][2]["data"] == {"n": 1}
    assert (await server.client.get("/events/a")).status_code == 404


async def test_an_unknown_call_is_told_as_a_text(server: Running) -> None:
    """A14"""
    answer = await server.client.get("/events/none")
    assert (answer.status_code, answer.text) == (404, "track not active")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("place", ["header", "query"])
async def test_a_reader_that_comes_back_goes_on_where_it_stopped(server: Running, place: str) -> None:
    async with server.call("a") as caller:
        for n in range(3):
            await caller.send("custom", data=n)
        await caller.until("custom", 3, 3)
        async with listening(server, "a", headers={"last-event-id": "0"}) as messages:
            everything = [await anext(messages) for _ in range(6)]
        assert [number for number, *_ in everything] == [1, 2, 3, 4, 5, 6]
        seen = everything[3][0]
        how = {"headers": {"last-event-id": f"{seen}"}} if place == "header" else {"params": {"after": seen}}
        async with listening(server, "a", **how) as messages:
            assert await anext(messages) == everything[4]
            assert await anext(messages) == everything[5]


@pytest.mark.parametrize("given", ["x", "-1", "1.5", "9" * 20, "²"])
async def test_a_number_that_is_none_is_refused(server: Running, given: str) -> None:
    async with server.call("a"):
        answer = await server.client.get("/events/a", params={"after": given})
    assert answer.status_code == 400


async def test_a_number_from_the_future_waits_for_what_comes_next(server: Running) -> None:
    async with server.call("a") as caller, listening(server, "a", params={"after": 10**9}) as messages:
        await caller.send("custom", data="next")
        assert (await anext(messages))[2]["data"] == "next"


async def test_secrets_of_a_command_are_hidden(server: Running) -> None:
    """S7"""
    async with server.caller("a") as caller:
        await caller.send("invite", option={"tts": {"provider": "fake", "secretKey": "hush-hush"}})
        await caller.until("answer", 3)
        async with listening(server, "a", params={"after": 0}) as messages:
            _, kind, data = await anext(messages)
    assert (kind, data["option"]["tts"]["secretKey"]) == ("command", "***")


def test_the_audio_of_a_command_does_not_enter_the_log() -> None:
    log = EventLog()
    log.command(Tts(text="QUJD" * 1000, base64=True))
    ((_, kept),) = log._both(0)
    assert isinstance(kept, Tts)
    assert kept.text == "(4000 characters of audio)"


async def test_a_reader_that_leaves_early_leaves_nothing_behind(server: Running) -> None:
    async with server.call("a"):
        before = len(asyncio.all_tasks())
        for _ in range(5):
            async with listening(server, "a"):
                pass
        for _ in range(100):
            if len(asyncio.all_tasks()) <= before:
                break
            await asyncio.sleep(0.02)
        assert len(asyncio.all_tasks()) <= before


async def test_head_answers_without_a_stream(server: Running) -> None:
    async with server.call("a"):
        answer = await server.client.head("/events/a", timeout=2)
    assert answer.status_code == 200


class _Call:
    """As much of a `CallHandle` as a reader needs."""

    id = "a"

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.timeline = log.timeline

    @property
    def last(self) -> int:
        return self.log.last


class _Reader:
    """An ASGI server's half: takes a message when it is let, and leaves when told."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.ended = False
        self.gate = asyncio.Event()
        self.gate.set()
        self._left = asyncio.Event()
        self._news = asyncio.Event()

    async def send(self, message: Any) -> None:
        if message["type"] != "http.response.body":
            return
        await self.gate.wait()
        self.texts.append(message["body"].decode())
        self.ended = not message.get("more_body", False)
        self._news.set()

    async def receive(self) -> Any:
        await self._left.wait()
        return {"type": "http.disconnect"}

    def leave(self) -> None:
        self._left.set()

    def read(self, log: EventLog, after: int = 0, **options: Any) -> "asyncio.Task[None]":
        stream = EventStream(_Call(log), after, **options)  # type: ignore[arg-type]
        return asyncio.create_task(stream({"type": "http", "method": "GET"}, self.receive, self.send))

    async def until(self, count: int) -> None:
        while len(self.texts) < count:
            self._news.clear()
            await self._news.wait()


async def test_a_slow_reader_is_told_what_it_lost_and_loses_its_connection() -> None:
    log, reader = EventLog(kept=10), _Reader()
    log.append(Ping(timestamp=0))
    task = reader.read(log)
    await reader.until(2)
    reader.gate.clear()
    for n in range(1, 30):
        log.append(Ping(timestamp=n))
        await asyncio.sleep(0)
    reader.gate.set()
    await task
    assert reader.ended
    assert "no longer all kept" in reader.texts[-2]
    assert not log.closed


async def test_who_comes_back_too_late_gets_what_is_left() -> None:
    log, reader = EventLog(kept=3), _Reader()
    for n in range(10):
        log.append(Ping(timestamp=n))
    log.close()
    await reader.read(log, after=2)
    assert "entries 3 to 7" in reader.texts[1]
    assert [text.split("\n")[0] for text in reader.texts[2:5]] == ["id: 8", "id: 9", "id: 10"]


async def test_a_burst_of_commands_costs_no_event() -> None:
    log = EventLog(kept=100)
    log.append(Ping(timestamp=1))
    for n in range(1000):
        log.command(Custom(data=n))
    log.close()
    assert [number async for number, _ in log.read()] == [1]
    log = EventLog()
    assert log.last == 0


async def test_a_quiet_stream_is_kept_alive() -> None:
    log, reader = EventLog(), _Reader()
    task = reader.read(log, keep_alive_s=0.01)
    await reader.until(3)
    assert reader.texts[1:3] == [": keep-alive\n\n"] * 2
    log.append(Ping(timestamp=1))
    log.close()
    await task
    assert any(text.startswith("id: 1\nevent: event\n") for text in reader.texts)
    assert sse.KEEP_ALIVE_S == 15


async def test_a_reader_that_takes_nothing_at_all_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "STUCK_S", 0.02)
    log, reader = EventLog(), _Reader()
    reader.gate.clear()
    async with asyncio.timeout(2):
        await reader.read(log)
    assert not reader.texts


def test_a_text_with_line_breaks_stays_one_message() -> None:
    text = message(7, command_from({"command": "tts", "text": "one\ntwo\r\nthree\u2028four"}))
    head, data, *rest = text.split("\n", 2)
    assert (head, data) == ("id: 7", "event: command")
    assert rest[0].count("\n") == 2
    assert json.loads(rest[0].removeprefix("data: "))["text"] == "one\ntwo\r\nthree\u2028four"


async def test_the_stream_has_no_length_and_is_never_compressed(server: Running) -> None:
    async with (
        server.call("a"),
        server.client.stream("GET", "/events/a", headers={"accept-encoding": "gzip"}) as answer,
    ):
        assert "content-length" not in answer.headers
        assert "content-encoding" not in answer.headers
        assert answer.headers["cache-control"] == "no-cache"
