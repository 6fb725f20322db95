import asyncio

import pytest

from active_call.plugin import ProviderError
from active_call.plugin.values import Final, Partial
from active_call_whisper.languages import Language
from active_call_whisper.reader import Reader
from active_call_whisper.reading import Reading
from active_call_whisper.recogniser import WhisperSession


@pytest.fixture
async def caller(host, decoder, sounds):
    session = WhisperSession(Reader(host, decoder, lanes=2), Language("en"))
    return sounds.Caller().listen(session)


async def test_the_final_holds_everything_that_was_said(caller, sounds):
    await caller.say(sounds.speech(0.5), sounds.speech(0.25), sounds.END)
    final = await caller.result()
    assert final == Final(text="0.75 s", end_ms=750, confidence=1.0, language="en")
    assert caller.out == [final]


async def test_the_end_of_the_audio_is_an_end_of_turn(caller, sounds):
    await caller.say(sounds.speech(0.5), None)
    assert (await caller.result()).text == "0.5 s"


async def test_no_audio_gives_an_empty_final_without_a_decode(caller, sounds, decoder):
    await caller.say(sounds.PAUSE, sounds.END)
    assert await caller.result() == Final(text="")
    assert decoder.asked == []


async def test_a_partial_comes_once_a_second(caller, sounds, decoder):
    for second in (1, 2):
        await caller.say(*[sounds.speech(0.1)] * 10)
        await sounds.settle(lambda second=second: len(caller.out) == second)
    await caller.say(sounds.END)
    await caller.result()
    assert caller.out[:2] == [Partial(text="1 s"), Partial(text="2 s")]


async def test_the_same_partial_is_not_said_twice(caller, sounds, decoder):
    decoder.say = lambda samples: "hello"
    await caller.say(sounds.speech(1.0))
    await sounds.settle(lambda: len(caller.out) == 1)
    await caller.say(sounds.speech(1.0))
    await sounds.settle(lambda: len(decoder.asked) == 2 and not decoder.running)
    await caller.say(sounds.END)
    await caller.result()
    assert [type(out) for out in caller.out] == [Partial, Final]


async def test_the_final_is_ready_before_the_turn_ends(caller, sounds, decoder):
    await caller.say(sounds.speech(0.6), sounds.PAUSE)
    await sounds.settle(lambda: caller.out == [Partial(text="0.6 s")])
    await caller.say(sounds.quiet(0.5), sounds.END)
    assert (await caller.result()).text == "0.6 s"
    assert decoder.lengths_s == [0.6]


async def test_the_end_of_turn_waits_for_the_decode_that_the_pause_began(caller, sounds, decoder):
    decoder.gate.clear()
    await caller.say(sounds.speech(0.6), sounds.PAUSE, sounds.quiet(0.5), sounds.END)
    assert caller.out == []
    decoder.gate.set()
    assert (await caller.result()).text == "0.6 s"
    assert decoder.lengths_s == [0.6]


async def test_speech_after_the_pause_throws_the_early_result_away(caller, sounds, decoder):
    await caller.say(sounds.speech(0.6), sounds.PAUSE)
    await sounds.settle(lambda: len(caller.out) == 1)
    await caller.say(sounds.speech(0.3), sounds.END)
    assert (await caller.result()).text == "0.9 s"


async def test_a_second_pause_throws_the_early_result_away(caller, sounds, decoder):
    decoder.gate.clear()
    await caller.say(sounds.speech(0.6), sounds.PAUSE, sounds.quiet(0.2), sounds.PAUSE, sounds.END)
    decoder.gate.set()
    assert (await caller.result()).text == "0.8 s"


async def test_a_click_after_the_pause_does_not_count_as_speech(caller, sounds, decoder):
    await caller.say(sounds.speech(0.6), sounds.quiet(0.2), sounds.PAUSE)
    await caller.say(sounds.quiet(0.1), sounds.speech(0.04), sounds.quiet(0.3), sounds.END)
    assert (await caller.result()).text == "0.8 s"


async def test_a_pause_stops_the_guess_and_reads_at_once(caller, sounds, decoder):
    decoder.gate.clear()
    await caller.say(sounds.speech(1.0), sounds.speech(0.5))
    await sounds.settle(lambda: decoder.running == 1)
    await caller.say(sounds.PAUSE)
    await sounds.settle(lambda: decoder.running == 2)
    decoder.gate.set()
    await caller.say(sounds.END)
    assert (await caller.result()).text == "1.5 s"
    assert decoder.lengths_s == [1.0, 1.5]
    assert caller.out[0] == caller.out[-1] or len(caller.out) == 2
    assert Partial(text="1 s") not in caller.out


async def test_what_the_model_invents_is_not_said(caller, sounds, decoder):
    decoder.reading = lambda text, language: Reading(text="you", log_probability=-2.9, no_speech=0.66, tokens=1)
    await caller.say(sounds.speech(1.0))
    await sounds.settle(lambda: len(decoder.asked) == 1 and not decoder.running)
    await caller.say(sounds.END)
    assert await caller.result() == Final(text="", end_ms=1000)
    assert len(caller.out) == 1


async def test_a_very_long_utterance_is_read_in_pieces_and_nothing_is_lost(caller, sounds, decoder):
    for _ in range(65):
        await caller.say(sounds.speech(0.8), sounds.quiet(0.2))
    await caller.say(sounds.END)
    final = await caller.result()
    pieces = [float(piece) for piece in final.text.replace(" s", "").split()]
    assert sum(pieces) == pytest.approx(65.0)
    assert max(decoder.lengths_s) <= 29
    assert final.end_ms == 65_000
    # Cut in the quiet part of a second, not in a word.
    assert all(0.8 <= piece % 1 <= 1.0 or piece % 1 == 0 for piece in [sum(pieces[:n]) for n in range(1, len(pieces))])


async def test_another_rate_is_refused_with_the_remedy(caller, sounds):
    await caller.say(sounds.speech(0.1, rate_hz=8000))
    with pytest.raises(ProviderError, match="16000 Hz, got 8000 Hz: resample") as caught:
        await caller.result()
    assert not caught.value.kind.retryable


async def test_what_the_decoder_raises_comes_out(caller, sounds, decoder):
    def fail(samples):
        raise RuntimeError("out of memory")

    decoder.say = fail
    await caller.say(sounds.speech(0.5), sounds.PAUSE)
    with pytest.raises(RuntimeError, match="out of memory"):
        await caller.result()


@pytest.mark.parametrize("when", ["guess", "early", "final", "listening"])
async def test_cancelling_leaves_no_task_behind(caller, sounds, decoder, when):
    decoder.gate.clear()
    await caller.say(sounds.speech(0.5 if when == "listening" else 1.0))
    if when == "early":
        await caller.say(sounds.PAUSE)
    if when == "final":
        await caller.say(sounds.END)
    if when != "listening":
        await sounds.settle(decoder.began.is_set)
    caller.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller.task
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert caller.out == []
    decoder.gate.set()


async def test_closing_after_a_result_leaves_no_task_behind(host, decoder, sounds):
    session = WhisperSession(Reader(host, decoder, lanes=2), Language("en"))

    async def audio():
        yield sounds.speech(1.0)
        await asyncio.Event().wait()

    stream = session.transcribe(audio())
    assert await anext(stream) == Partial(text="1 s")
    await stream.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}
