"""Speech that was made once comes from the cache the next time, and only then."""

import asyncio
import base64

import pytest
from tests.call.controlled import Controlled

from active_call.audio.frames import to_s16le
from active_call.call.spoken import KeptSpeech, Precache, check_cache_key
from active_call.engine.synthesis import VoiceSpec
from active_call.plugin.values import TtsOptions
from active_call.protocol.commands import Tts
from active_call.store.cache import AudioCache, BadCacheKey
from active_call.testing.fakes import Fakes, tone
from active_call.testing.session import Session, book, virtual_server
from active_call.testing.virtual_time import in_virtual_time

TEXT = "The first sentence. The second one."
BYTES = {"The first sentence.": 19 * 640, "The second one.": 15 * 640}


def keeping(folder):
    return {"speech": lambda pool: KeptSpeech(AudioCache(folder), pool)}


def completed(s):
    return [event["data"] for event in s.all("metrics", key="completed.tts.fake")]


async def say(s, play_id, **fields):
    await s.send("tts", **{"text": TEXT, "playId": play_id, **fields})
    await s.until("trackEnd", playId=play_id)


@in_virtual_time
async def test_the_same_text_is_made_once_and_then_served_from_the_cache(tmp_path):
    async with Controlled(fakes := Fakes(), services=keeping(tmp_path)) as s:
        await say(s, "a")
        length = (await s.until("trackEnd", playId="a"))["duration"]
        before = len(s.wire.sent)
        await say(s, "b")
        assert (await s.until("trackEnd", playId="b"))["duration"] == length
        assert s.heard_seconds(before) == pytest.approx(s.heard_seconds() / 2, abs=0.05)
        assert len(fakes.spoken) == 2
        assert [data["cached"] for data in completed(s)] == [False, False, True, True]
        assert ["speaker" in data for data in completed(s)] == [False, False, True, True]
        assert completed(s)[2]["length"] == completed(s)[0]["length"]


@pytest.mark.parametrize(
    "changed", [{"speed": 1.2}, {"speaker": "tone"}, {"volume": 3}, {"emotion": "sad"}, {"model": "m"}]
)
@in_virtual_time
async def test_another_way_to_say_it_is_another_entry(changed, tmp_path):
    async with Controlled(fakes := Fakes(), services=keeping(tmp_path)) as s:
        await say(s, "a")
        await say(s, "b", option=changed)
        assert len(fakes.spoken) == 4


@in_virtual_time
async def test_speeds_whose_digits_behind_the_dot_differ_are_different_entries(tmp_path):
    async with Controlled(fakes := Fakes(), services=keeping(tmp_path)) as s:
        for speed in (1.0, 1.2, 1.5):
            await say(s, str(speed), option={"speed": speed})
        assert len(fakes.spoken) == 6


@in_virtual_time
async def test_a_stream_base64_and_what_failed_are_not_kept(tmp_path):
    fakes = Fakes()
    async with Controlled(fakes, services=keeping(tmp_path)) as s:
        await say(s, "a", streaming=True, endOfStream=True)
        await say(s, "b", text=base64.b64encode(to_s16le(tone(0.2))).decode(), base64=True, cacheKey="k")
        fakes.voice_error = RuntimeError("no")
        await say(s, "c")
        assert list(tmp_path.iterdir()) == []


@in_virtual_time
async def test_what_was_cut_is_not_kept(tmp_path):
    fakes = Fakes(trouble={"tts midstream": None})
    async with Controlled(fakes, services=keeping(tmp_path)) as s:
        await s.send("tts", text=TEXT, playId="a")
        await s.call_time(0.05)
        await s.send("interrupt")
        await s.until("trackEnd", playId="a")
        fakes.released.set()
        await s.call_time(1)
        assert list(tmp_path.iterdir()) == []


@in_virtual_time
async def test_a_key_of_the_clients_own_is_the_name_for_any_text(tmp_path):
    async with Controlled(fakes := Fakes(), services=keeping(tmp_path)) as s:
        await say(s, "a", cacheKey="welcome")
        assert {path.name for path in tmp_path.iterdir()} == {"welcome.pcm", "welcome.1.pcm"}
        await say(s, "b", cacheKey="welcome", text="Something else.")
        assert fakes.spoken == list(BYTES)


@pytest.mark.parametrize("key", ["../x", "a/b", "a b", "0" * 64])
@in_virtual_time
async def test_a_key_that_is_no_safe_name_or_that_of_another_text_is_an_error(key, tmp_path):
    async with Controlled(fakes := Fakes(), services=keeping(tmp_path)) as s:
        await s.send("tts", text=TEXT, playId="a", cacheKey=key)
        assert "cacheKey" in (await s.until("error", sender="command"))["error"]
        assert not fakes.spoken


@in_virtual_time
async def test_a_damaged_or_unreadable_entry_is_made_again(tmp_path):
    async with Controlled(fakes := Fakes(), services=keeping(tmp_path)) as s:
        await say(s, "a", cacheKey="k", text="One.")
        (tmp_path / "k.pcm").write_bytes(b"odd")
        await say(s, "b", cacheKey="k", text="One.")
        (tmp_path / "k.pcm").unlink()
        (tmp_path / "k.pcm").mkdir()
        await say(s, "c", cacheKey="k", text="One.")
        assert fakes.spoken == ["One."] * 3


@in_virtual_time
async def test_a_greeting_is_kept_and_what_the_model_says_is_not(tmp_path):
    fakes = Fakes(transcripts=["hello", "hello"])
    async with virtual_server(fakes, **keeping(tmp_path)) as manager:
        for _ in range(2):
            async with Session(manager, book(more="greeting: Good morning.")) as s:
                await s.invite()
                await s.until("trackEnd", trackId="server-side-track")
                await s.say(tone(0.6))
                await s.until("trackEnd", 2, trackId="server-side-track")
    assert fakes.spoken.count("Good morning.") == 1
    assert fakes.spoken.count("You said: hello") == 2


@in_virtual_time
async def test_a_greeting_with_a_name_in_it_is_not_kept(tmp_path):
    content = book(more="greeting: Good morning {{ name }}.")
    async with virtual_server(Fakes(), **keeping(tmp_path)) as manager, Session(manager, content) as s:
        await s.invite(extra={"name": "Ada"})
        await s.until("trackEnd", trackId="server-side-track")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- /precache


VOICE = VoiceSpec(provider="fake", options=TtsOptions(voice="tone"))


@in_virtual_time
async def test_what_was_prepared_is_there_for_the_call_and_only_made_once(tmp_path):
    option = {"provider": "fake", "speaker": "tone"}
    async with Controlled(fakes := Fakes(), services=keeping(tmp_path)) as s:
        services = s.call._services
        precache = Precache(services.pool, services.speech)
        command = Tts(text=TEXT)
        first, again = await precache.prepare(command, VOICE), await precache.prepare(command, VOICE)
        assert (first.status, first.bytes) == ("cached", sum(BYTES.values()))
        assert (again.status, again.bytes) == ("exists", 0)
        assert first.key == again.key
        await say(s, "a", option=option, cacheKey=first.key)
        await say(s, "b", option=option)
        assert fakes.spoken == list(BYTES)
        named = await precache.prepare(Tts(text=TEXT, cache_key="mine"), VOICE)
        assert (named.key, named.status) == ("mine", "cached")
        await say(s, "c", option=option, cacheKey="mine")
        assert len(fakes.spoken) == 4


@in_virtual_time
async def test_nothing_to_hear_is_an_error_and_leaves_nothing(tmp_path):
    async with virtual_server(Fakes(), **keeping(tmp_path)) as manager:
        precache = Precache(manager.services.pool, manager.services.speech)
        with pytest.raises(ValueError, match="tts produced no audio"):
            await precache.prepare(Tts(text=" \U0001f600 "), VOICE)
        assert list(tmp_path.iterdir()) == []


@in_virtual_time
async def test_many_texts_at_once_are_made_a_few_at_a_time(tmp_path):
    fakes = Fakes(trouble={"tts midstream": None})
    async with virtual_server(fakes, **keeping(tmp_path)) as manager:
        precache = Precache(manager.services.pool, manager.services.speech)
        tasks = [asyncio.create_task(precache.prepare(Tts(text=f"Number {n}."), VOICE)) for n in range(20)]
        await asyncio.sleep(0.1)
        assert fakes.open_streams == 4
        fakes.released.set()
        assert {prepared.status for prepared in await asyncio.gather(*tasks)} == {"cached"}


def test_a_key_that_is_the_texts_own_is_as_good_as_none():
    own = check_cache_key(VOICE, TEXT, None)
    assert own is None
    with pytest.raises(BadCacheKey):
        check_cache_key(VOICE, TEXT, "f" * 64)
