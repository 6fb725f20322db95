"""`play` of URLs over real HTTP, with the decoders that are installed."""

import io

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.server.conftest import Serve

from active_call.cli.http import bind, listening
from active_call.guard.outbound import OutboundPolicy
from active_call.testing.caller import Caller

RATE_HZ = 16000
TONE = (np.sin(2 * np.pi * 440 * np.arange(RATE_HZ // 2) / RATE_HZ) * 8000).astype(np.int16)


class Files:
    """A web server; its files and how often each was sent."""

    def __init__(self, files: dict[str, tuple[bytes, str]]) -> None:
        self.files = files
        self.sent: list[str] = []

    async def send(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self.files:
            return Response(status_code=404)
        body, content_type = self.files[name]
        self.sent.append(name)
        return Response(body, media_type=content_type, headers={"cache-control": "max-age=60"})


def encoded(kind: str, subtype: str) -> bytes:
    soundfile = pytest.importorskip("soundfile")
    file = io.BytesIO()
    soundfile.write(file, TONE, RATE_HZ, format=kind, subtype=subtype)
    return file.getvalue()


async def played(caller: Caller, url: str, play_id: str) -> dict[str, object]:
    await caller.send("play", url=url, playId=play_id)
    end = await caller.until("trackEnd", 5)
    while end is not None and end.get("playId") != play_id:
        end = await caller.until("trackEnd", 5, 1 + len([e for e in caller.events if e["event"] == "trackEnd"]))
    assert end is not None
    return end


async def test_mp3_ogg_opus_flac_and_wav_are_fetched_once_and_played(serve: Serve) -> None:
    files = Files(
        {
            "a.mp3": (encoded("MP3", "MPEG_LAYER_III"), "audio/mpeg"),
            "plain": (encoded("MP3", "MPEG_LAYER_III"), "audio/mpeg; charset=binary"),
            "a.ogg": (encoded("OGG", "OPUS"), "application/octet-stream"),
            "a.flac": (encoded("FLAC", "PCM_16"), "audio/flac"),
            "a.wav": (encoded("WAV", "PCM_16"), "audio/wav"),
        }
    )
    listener = bind("127.0.0.1", 0)
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        listening(Starlette(routes=[Route("/{name}", files.send)]), listener),
        serve() as server,
        server.call("c") as caller,
    ):
        for name in files.files:
            end = await played(caller, f"{base}/{name}", name)
            assert end["duration"] == pytest.approx(500, abs=80)
        await played(caller, f"{base}/a.mp3", "again")
        assert files.sent == list(files.files)
        await caller.send("play", url=f"{base}/missing.mp3")
        error = await caller.until("error", 5)
        assert error is not None
        assert error["sender"] == f"filetrack: {base}/missing.mp3"
        assert "404" in error["error"]


async def test_a_server_that_others_can_reach_fetches_nothing_from_its_own_machine(serve: Serve) -> None:
    files = Files({"a.wav": (encoded("WAV", "PCM_16"), "audio/wav")})
    listener = bind("127.0.0.1", 0)
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        listening(Starlette(routes=[Route("/{name}", files.send)]), listener),
        serve(outbound=OutboundPolicy) as server,
        server.call("c") as caller,
    ):
        await caller.send("play", url=f"{base}/a.wav")
        error = await caller.until("error", 5)
        assert error is not None
        assert "outbound.allow" in error["error"]
        assert await caller.until("trackEnd", 5)
        assert not files.sent
