"""The Go client of the Rust server: it sends what that one sends, and reads as strictly as that one reads.

It decodes times, durations and codes into unsigned integers, dereferences `startTime` and `endTime` of what was heard,
and gives up at the first `error`, `reject` or `hangup` before `answer`. The phone line is a fake.
"""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import websockets
from tests.call.phone import Exchange, Phone

from active_call.cli.http import bind, listening
from active_call.cli.runtime import Paths, Runtime
from active_call.plugin.discovery import discover
from active_call.plugin.leg import Answered, Ended, Ringing
from active_call.server.app import application
from active_call.testing.fakes import MS_PER_CHAR, Fakes, tone

UNSIGNED = {
    **dict.fromkeys(("timestamp", "startTime", "endTime", "duration", "ssrc", "current", "totalDuration"), 1 << 64),
    **dict.fromkeys(("position", "index", "code"), 1 << 32),
}
TEXTS = {"startTime", "endTime"}
"""In a `hangup` these are texts."""
OPTION = {
    "callee": "sip:bob@example.com",
    "denoise": True,
    "vad": {"type": "fake", "silenceTimeout": 5000},
    "asr": {"provider": "fake"},
    "tts": {"provider": "fake", "speaker": "tone", "maxConcurrentTasks": 3},
}


class GoClient:
    """One call. `answers` is what its language model says in turn, sentence by sentence."""

    def __init__(self, base: str, exchange: Exchange, *answers: list[str], streaming: bool = False) -> None:
        self.id = f"{uuid.uuid4().hex[:12]}@peer-u5WAawB3-4ce1c455"
        self.events: list[dict[str, Any]] = []
        self._url = f"{base.replace('http', 'ws')}/call/sip?id={self.id}&dump=true"
        self.exchange = exchange
        self._answers = list(answers)
        self._streaming = streaming
        self._news = asyncio.Event()

    async def __aenter__(self) -> "GoClient":
        self._socket = await websockets.connect(self._url, ping_interval=None)
        self._reading = asyncio.create_task(self._read(), name="go client")
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._socket.close()
        await self._reading

    @property
    def phone(self) -> Phone:
        return self.exchange.phones[self.id]

    async def send(self, command: str, **fields: Any) -> None:
        """`omitempty`: what is false, 0 or empty is left out, but for the text of a `tts`."""
        kept = {key: value for key, value in fields.items() if value or key == "text"}
        with contextlib.suppress(websockets.ConnectionClosed):
            await self._socket.send(json.dumps({"command": command, **kept}))

    async def invite(self) -> None:
        """Fails at the first `error`, `reject` or `hangup` before the `answer`."""
        await self.send("invite", option=OPTION)
        first = await self.until("answer", "error", "reject", "hangup")
        if first["event"] != "answer":
            raise ConnectionError(first["event"])

    async def until(self, *names: str, count: int = 1) -> dict[str, Any]:
        async with asyncio.timeout(8):
            while len(hits := [event for event in self.events if event["event"] in names]) < count:
                self._news.clear()
                await self._news.wait()
        return hits[count - 1]

    async def told(self) -> None:
        """The phone's owner says something for 600 ms."""
        for _ in range(30):
            assert self.phone.on_audio is not None
            self.phone.on_audio(tone(0.02)[::2])
            await asyncio.sleep(0.02)
        for _ in range(60):
            self.phone.on_audio(tone(0.02)[::2] * 0)
            await asyncio.sleep(0.02)

    async def _read(self) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in self._socket:
                assert isinstance(message, str), "audio that it did not ask for"
                event = json.loads(message)
                self._decode(event)
                self.events.append(event)
                self._news.set()
                await self._react(event)

    def _decode(self, event: dict[str, Any]) -> None:
        if event["event"] in ("asrFinal", "asrDelta"):
            assert {"startTime", "endTime"} <= event.keys(), "a nil pointer"
        for key, end in UNSIGNED.items():
            if key in event and not (event["event"] == "hangup" and key in TEXTS):
                assert type(event[key]) is int, f"{key} of {event}"
                assert 0 <= event[key] < end, f"{key} of {event}"

    async def _react(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "asrDelta":
                await self.send("interrupt", graceful=True)
            case "asrFinal":
                await self.send("history", speaker="user", text=event["text"])
                await self.send("interrupt", graceful=True)
                await self._answer(self._answers.pop(0))

    async def _answer(self, sentences: list[str]) -> None:
        play_id = f"llm-{uuid.uuid4()}"
        for sentence in sentences:
            await self.send("tts", text=sentence, playId=play_id, streaming=self._streaming)
            await asyncio.sleep(0.02)
        if sentences[-1] == "":
            await self.send("tts", text="", autoHangup=True)
        elif not self._streaming:
            await self.send("tts", text="", playId=play_id, endOfStream=True)
        await self.send("history", speaker="bot", text=" ".join(sentences))


class House:
    def __init__(self, base: str, fakes: Fakes, exchange: Exchange) -> None:
        self.base, self.fakes, self.exchange = base, fakes, exchange

    def client(self, *answers: list[str], streaming: bool = False) -> GoClient:
        return GoClient(self.base, self.exchange, *answers, streaming=streaming)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    fakes, exchange = Fakes(), Exchange()
    paths = Paths(playbooks=[tmp_path], media=[tmp_path])
    registry = discover(select="", extra=[fakes, exchange])
    runtime = Runtime(paths, registry=registry, models_dir=tmp_path / "models", environ={})
    listener = bind("127.0.0.1", 0)
    async with runtime.running() as manager, listening(application(manager), listener):
        yield House(f"http://127.0.0.1:{listener.getsockname()[1]}", fakes, exchange)
        await manager.shut_down()


async def begin(client: GoClient) -> None:
    """It calls, the phone rings and is taken up, and it greets."""
    invited = asyncio.create_task(client.invite())
    phone = await client.exchange.phone(client.id)
    phone.tell(Ringing())
    phone.tell(Answered(sdp="v=0\r\n"))
    await invited
    await client.send("tts", text="Hello, how can I help you today, and what is your name?", playId="1")


async def test_every_sentence_of_an_answer_is_heard_and_an_empty_one_hangs_up_after_the_last(house: House) -> None:
    house.fakes.transcripts = ["hello there my friend", "nothing else"]
    first = ["You said hello. ", "What else can I do for you? ", "Anything."]
    async with house.client(first, ["Fine. ", "That was all.", ""]) as client:
        await begin(client)
        await asyncio.sleep(0.3)
        await client.told()
        await client.until("trackEnd", count=2)
        before = client.phone.heard_ms
        await client.told()
        end = await client.until("hangup")
        assert [text.strip() for text in house.fakes.spoken[1:]] == [text.strip() for text in first] + [
            "Fine.",
            "That was all.",
        ]
        spoken = len("Fine.") + len("That was all.")
        assert abs(client.phone.heard_ms - before - spoken * MS_PER_CHAR) <= 80
        assert (end["reason"], end["initiator"]) == ("bySystem", "system")
    names = [event["event"] for event in client.events]
    assert names[:4] == ["trackStart", "ringing", "answer", "trackStart"]
    assert names[-3:] == ["trackEnd", "trackEnd", "hangup"]
    assert [event["text"] for event in client.events if event["event"] == "addHistory"] == [
        "hello there my friend",
        " ".join(first),
        "nothing else",
        "Fine.  That was all. ",
    ]


async def test_pieces_of_a_stream_that_it_never_ends_are_all_heard(house: House) -> None:
    house.fakes.transcripts = ["go on"]
    pieces = ["This ", "is ", "a ", "long ", "answer. ", "It ", "never ", "ends"]
    async with house.client(pieces, streaming=True) as client:
        await begin(client)
        await client.told()
        for _ in range(250):
            await asyncio.sleep(0.02)
            if house.fakes.spoken[-1] == "It never ends":
                break
        assert house.fakes.spoken[1:] == ["This is a long answer.", "It never ends"]
        assert not [event for event in client.events if event["event"] == "error" and event["sender"] == "tts"]
        await client.send("hangup", reason="bye")
        assert (await client.until("hangup"))["reason"] == "bye"


async def test_what_is_missing_here_is_said_after_the_answer_so_that_it_does_not_give_up(house: House) -> None:
    there = {"vad": {"type": "silero"}, "asr": {"provider": "aliyun"}, "tts": {"provider": "aliyun"}}
    async with house.client() as client:
        await client.send("invite", option={**OPTION, **there})
        phone = await house.exchange.phone(client.id)
        await asyncio.sleep(0.05)
        phone.tell(Answered(sdp="v=0\r\n"))
        await client.until("answer")
        await client.until("error")
        names = [event["event"] for event in client.events]
        assert names.index("answer") < names.index("error")
        assert "hangup" not in names


async def test_a_phone_that_is_hung_up_ends_the_call_for_it_too(house: House) -> None:
    async with house.client() as client:
        await begin(client)
        client.phone.tell(Ended())
        assert (await client.until("hangup"))["initiator"] == "caller"
        await asyncio.wait_for(client._socket.wait_closed(), 2)
        assert client._socket.close_code == 1000
