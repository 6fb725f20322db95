"""`/precache`: statuses and texts of the reference."""

from pathlib import Path

from tests.server.conftest import Serve

from active_call.cli.runtime import Cache, Paths, Runtime
from active_call.plugin.discovery import discover
from active_call.testing.fakes import Fakes

TTS = {"command": "tts", "text": "Good morning.", "option": {"provider": "fake"}}


async def test_speech_is_made_once_and_then_exists(serve: Serve, tmp_path: Path) -> None:
    async with serve(cache=Cache(directory=tmp_path / "kept", max_bytes=1 << 20)) as server:
        first = await server.client.post("/precache", json=TTS)
        again = await server.client.post("/precache/", json=TTS)
        named = await server.client.post("/precache", json={**TTS, "cacheKey": "morning"})
        assert first.status_code == again.status_code == named.status_code == 200
        key = first.json()["cacheKey"]
        assert first.json() == {"status": "cached", "cacheKey": key, "bytes": 13 * 640}
        assert again.json() == {"status": "exists", "cacheKey": key, "bytes": 0}
        assert named.json() == {"status": "cached", "cacheKey": "morning", "bytes": 13 * 640}
        assert server.fakes.spoken == ["Good morning."] * 2
        assert {path.stem for path in (tmp_path / "kept").iterdir()} == {key, "morning"}


async def test_what_cannot_be_prepared_says_why(serve: Serve, tmp_path: Path) -> None:
    async with serve(cache=Cache(directory=tmp_path / "kept", max_bytes=1 << 20)) as server:

        async def refused(body: object) -> tuple[int, str]:
            answer = await server.client.post("/precache", json=body)
            assert answer.json()["status"] == "error"
            return answer.status_code, answer.json()["error"]

        assert await refused({"command": "hangup"}) == (400, "precache only accepts tts commands")
        assert await refused({"command": "tts", "text": "x"}) == (500, "tts precache requires an option")
        assert (await refused({**TTS, "text": " "})) == (500, "tts produced no audio")
        assert "nobody" in (await refused({**TTS, "option": {"provider": "nobody"}}))[1]
        assert "cacheKey" in (await refused({**TTS, "cacheKey": "../x"}))[1]
        assert (await refused({**TTS, "text": "AAAA", "base64": True}))[0] == 400
        server.fakes.voice_error = RuntimeError("broken")
        status, problem = await refused(TTS)
        assert status == 500
        assert "broken" in problem
        assert (await server.client.post("/precache", json={"text": "x"})).status_code == 422
        assert (await server.client.post("/precache", content=b"x")).status_code == 415


async def test_a_server_without_a_cache_says_so(serve: Serve) -> None:
    async with serve() as server:
        answer = await server.client.post("/precache", json=TTS)
        assert (answer.status_code, answer.json()["error"]) == (500, "this server keeps no speech")


async def test_what_is_fetched_without_a_cache_is_gone_with_the_process(tmp_path: Path) -> None:
    runtime = Runtime(Paths(playbooks=[tmp_path], media=[tmp_path]), registry=discover(extra=[Fakes()]), environ={})
    async with runtime.running() as manager:
        assert manager.services.speech is None
        cache = manager.services.media_cache
        assert cache is not None
        directory = cache._shelf.directory
        assert directory.is_dir()
    assert not directory.exists()
