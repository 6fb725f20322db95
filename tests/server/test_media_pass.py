"""`mediaPass` with a WebSocket server of the client's, over real sockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import numpy as np
import pytest
import websockets
from tests.server.conftest import OPTION, Serve
from websockets.asyncio.server import ServerConnection

from active_call.guard.outbound import OutboundPolicy
from active_call.testing.caller import Caller
from active_call.testing.fakes import tone


class Far:
    """The client's server: it sends back what it hears."""

    def __init__(self, echo: bool = True) -> None:
        self.paths: list[str] = []
        self.sizes: list[int] = []
        self.echo = echo
        self.say = b""
        self.connections: list[ServerConnection] = []

    async def __call__(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.connections.append(connection)
        self.paths.append(connection.request.path)
        if self.say:
            await connection.send(self.say)
        async for message in connection:
            self.sizes.append(len(message))
            if self.echo:
                await connection.send(message)


@contextlib.asynccontextmanager
async def passing(serve: Serve, far: Far, *, outbound: object = None, **option: object) -> AsyncIterator[Caller]:
    async with (
        websockets.serve(far, "127.0.0.1", 0) as server,
        serve(outbound=outbound) as running,
        running.caller("c") as caller,
    ):
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/pass?x=1"
        await caller.invite(
            **OPTION, mediaPass={"url": url, "inputSampleRate": 8000, "outputSampleRate": 8000, **option}
        )
        assert await caller.until("answer", 5)
        yield caller


def server_tracks(caller: Caller, name: str) -> list[dict[str, object]]:
    return [e for e in caller.events if e["event"] == name and e["trackId"] == "server-side-track"]


async def test_what_the_caller_says_is_sent_in_packets_and_what_comes_back_is_heard(serve: Serve) -> None:
    far = Far()
    async with passing(serve, far, packetSize=3200, ptime=20) as caller:
        await caller.say(tone(1.0, 440))
        await asyncio.sleep(0.6)
        assert far.paths == ["/pass?x=1&sample_rate=8000&packet_size=3200"]
        assert set(far.sizes) == {1600}
        heard = np.concatenate(caller.received)
        loud = heard[np.abs(heard.astype(int)) > 300]
        assert len(loud) > 14_000
        spectrum = np.abs(np.fft.rfft(heard))
        assert spectrum.argmax() * 16000 / len(heard) == pytest.approx(440, abs=3)
        assert [e["event"] for e in caller.events if e["event"] in ("trackStart", "answer")] == [
            "trackStart",
            "answer",
            "trackStart",
        ]
        await caller.hang_up()
        await caller.until_closed(5)
        names = [e["event"] for e in caller.events]
        assert names[-3:] == ["trackEnd", "trackEnd", "hangup"]
        assert server_tracks(caller, "trackEnd")[0]["duration"] == pytest.approx(1500, abs=400)


async def test_speech_of_the_server_sounds_over_it(serve: Serve) -> None:
    far = Far(echo=False)
    far.say = (tone(3.0, 440)[::2]).astype("<i2").tobytes()
    async with passing(serve, far) as caller:
        await asyncio.sleep(0.3)
        await caller.send("tts", text="On top of all that.", playId="a")
        await caller.until("trackEnd", 5)
        assert server_tracks(caller, "trackEnd")[0]["playId"] == "a"
        assert max(int(np.abs(frame.astype(int)).max()) for frame in caller.received) > 12_000


async def test_its_track_ends_when_that_server_goes_and_all_was_heard(serve: Serve) -> None:
    far = Far(echo=False)
    far.say = (tone(1.0)[::2]).astype("<i2").tobytes()
    async with passing(serve, far, ptime=200) as caller:
        await asyncio.sleep(0.2)
        await far.connections[0].close()
        end = await caller.until("trackEnd", 5)
        assert end is not None
        assert end["duration"] == pytest.approx(1000, abs=40)
        assert not [e for e in caller.events if e["event"] == "error"]
        assert caller.closed is None


async def test_nobody_there_is_an_error_and_the_call_goes_on(serve: Serve) -> None:
    async with serve() as running, running.caller("c") as caller:
        url = "ws://127.0.0.1:9/"
        await caller.invite(**OPTION, mediaPass={"url": url, "inputSampleRate": 8000, "outputSampleRate": 8000})
        error = await caller.until("error", 5)
        assert error is not None
        assert error["sender"] == f"media_pass: {url}"
        assert not server_tracks(caller, "trackStart")
        await caller.send("tts", text="Still here.", playId="p")
        assert await caller.until("trackEnd", 5)


async def test_a_server_that_others_can_reach_connects_to_nothing_on_its_own_machine(serve: Serve) -> None:
    far = Far()
    async with passing(serve, far, outbound=OutboundPolicy) as caller:
        error = await caller.until("error", 5)
        assert error is not None
        assert "outbound.allow" in error["error"]
        assert not far.paths


async def test_a_rate_that_cannot_be_had_is_an_error(serve: Serve) -> None:
    far = Far()
    async with passing(serve, far, inputSampleRate=0) as caller:
        error = await caller.until("error", 5)
        assert error is not None
        assert error["sender"].startswith("media_pass: ")
