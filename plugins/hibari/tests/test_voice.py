import asyncio
import logging

import numpy as np
import pytest

import active_call_hibari
from active_call.plugin import ErrorKind, ProviderError
from active_call.plugin.discovery import discover
from active_call.plugin.registry import Kind
from active_call.plugin.values import Audio, Mark, SpeakRequest, TtsOptions
from active_call_hibari.voice import HibariVoice, check_weights, open_voice


async def speak(hibari_voice: HibariVoice, text: str, /, **options) -> tuple[list[Audio], list[Mark]]:
    audio, marks = [], []
    async with hibari_voice.session(TtsOptions(**options)) as session:
        async for item in session.speak(SpeakRequest(text=text)):
            (audio if isinstance(item, Audio) else marks).append(item)
    return audio, marks


@pytest.fixture
def voice(host, beeper):
    return HibariVoice(host, beeper)


def test_the_plugin_is_found_and_loaded_by_its_dotted_name():
    registry = discover(points=[], extra=[active_call_hibari])
    assert not registry.failures
    offer = registry.find(Kind.TTS, "hibari")
    assert offer.load() is open_voice
    assert (offer.traits.rate_hz, offer.traits.marks, offer.traits.voices) == (24000, "sentence", ("heart",))


async def test_each_sentence_comes_on_its_own_with_a_mark_at_its_last_word(voice):
    text = 'Yes. "No way!" Wait'
    audio, marks = await speak(voice, text)
    assert [text[: mark.text_end] for mark in marks] == ["Yes.", 'Yes. "No way!"', text]
    lengths = [len(piece.samples) for piece in audio]
    # 20 ms before the words, 10 ms a letter, 300 ms behind them.
    assert lengths == [480 + 240 * letters + 7200 for letters in (3, 5, 4)]
    starts = [0, lengths[0], lengths[0] + lengths[1]]
    assert [mark.at_samples for mark in marks] == [
        start + 480 + 240 * letters for start, letters in zip(starts, (3, 5, 4), strict=True)
    ]


async def test_nothing_is_synthesised_before_it_is_asked_for(voice, beeper):
    async with voice.session(TtsOptions()) as session:
        stream = session.speak(SpeakRequest(text="One. Two. Three."))
        await anext(stream)
        assert [text for text, _, _ in beeper.said] == ["One."]
        await stream.aclose()
    assert len(beeper.said) == 1


async def test_cancelling_leaves_no_task_behind(voice):
    async with voice.session(TtsOptions()) as session:

        async def drain() -> None:
            async for _ in session.speak(SpeakRequest(text="One. Two. Three.")):
                await asyncio.Event().wait()

        task = asyncio.create_task(drain())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("text", ["你好", "Привет!", "こんにちは。"])
async def test_a_text_it_cannot_say_is_refused(voice, text):
    with pytest.raises(ProviderError, match="speaks English only") as caught:
        await speak(voice, text)
    assert caught.value.kind is ErrorKind.BAD_REQUEST


async def test_of_a_mixed_text_it_says_what_it_can_and_says_so(voice, beeper, caplog):
    text = "你好。 Hello there! 再见。"
    with caplog.at_level(logging.WARNING):
        audio, marks = await speak(voice, text)
    assert [said.strip() for said, _, _ in beeper.said] == ["Hello there!"]
    assert len(audio) == 1
    assert [text[: mark.text_end] for mark in marks] == ["你好。 Hello there!"]
    assert "left out 4 letters" in caplog.text
    assert "你好" not in caplog.text


@pytest.mark.parametrize("text", ["", "  ", "...", "😀 —"])
async def test_a_text_without_words_is_silent(voice, text):
    assert await speak(voice, text) == ([], [])


@pytest.mark.parametrize(("asked", "used"), [(1.0, 1.0), (1.3, 1.3), (0.1, 0.5), (9.0, 2.0)])
async def test_speed_is_held_within_what_the_voice_can_do(voice, beeper, asked, used):
    await speak(voice, "Yes.", speed=asked)
    assert beeper.said == [("Yes.", used, 0)]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [({"voice": "emma"}, "no voice 'emma', only 'heart'"), ({"language": "zh-CN"}, "English only, not 'zh-CN'")],
)
def test_another_voice_or_language_is_refused(voice, options, complaint):
    with pytest.raises(ProviderError, match=complaint):
        voice.session(TtsOptions(**options))


@pytest.mark.parametrize("options", [{"voice": "heart"}, {"language": "en-US"}, {"language": "auto"}, {"voice": ""}])
async def test_its_own_name_and_any_english_are_fine(voice, options):
    audio, _ = await speak(voice, "Yes.", **options)
    assert len(audio) == 1


def test_other_weights_are_refused(tmp_path):
    weights = tmp_path / "hibari.onnx"
    weights.write_bytes(b"something else")
    with pytest.raises(ProviderError, match=r"expected 5f70741d.*pip install --force-reinstall"):
        check_weights(weights)


async def test_a_setting_is_refused(host):
    with pytest.raises(ProviderError, match="unknown setting threads"):
        async with open_voice(host, {"threads": 2}):
            pass


# ---- the real voice


async def test_the_real_voice_opens(host):
    async with open_voice(host, {}) as opened:
        audio, marks = await speak(opened, "Hello there.")
    assert audio[0].rate_hz == 24000
    assert 0.5 < len(audio[0].samples) / 24000 < 1.5
    assert marks == [Mark(text_end=12, at_samples=len(audio[0].samples) - 7200)]


async def test_the_same_text_gives_the_same_samples_in_calls_at_once(host, hibari):
    voice = HibariVoice(host, hibari)
    results = await asyncio.gather(*(speak(voice, "How may I help you? One moment.") for _ in range(6)))
    first = np.concatenate([piece.samples for piece in results[0][0]])
    for audio, _ in results[1:]:
        assert np.array_equal(np.concatenate([piece.samples for piece in audio]), first)


async def test_it_is_loud_enough_and_never_clips(host, hibari):
    text = "Our office is at 221B Baker Street, London. NO! That is WRONG! Could you spell your last name, please?"
    audio, _ = await speak(HibariVoice(host, hibari), text)
    peak = max(int(np.abs(piece.samples.astype(np.int32)).max()) for piece in audio)
    assert 0.5 * 32767 < peak < 0.9 * 32767


async def test_the_words_begin_at_once(host, hibari):
    audio, _ = await speak(HibariVoice(host, hibari), "She said so. For that, hold on. Hello! Thanks.")
    for piece in audio:
        assert np.flatnonzero(np.abs(piece.samples) > 1000)[0] < 0.1 * 24000


async def test_faster_speech_is_shorter(host, hibari):
    voice = HibariVoice(host, hibari)
    (normal,), _ = await speak(voice, "How may I help you today?")
    (fast,), _ = await speak(voice, "How may I help you today?", speed=1.5)
    assert len(fast.samples) < 0.85 * len(normal.samples)
