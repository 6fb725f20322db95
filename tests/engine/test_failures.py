"""Providers that raise or hang, wherever they can: the call says so and goes on, and nothing is left."""

import pytest
from tests.engine.conftest import Talk, ask, greeted, said

from active_call.dialogue.agent import Agent
from active_call.plugin.errors import ProviderError
from active_call.testing.fakes import EnergyDetector, Fakes, tone
from active_call.testing.session import Session, book, virtual_server
from active_call.testing.virtual_time import in_virtual_time

APOLOGY = "Sorry, I have trouble answering just now."


def senders(s):
    return [event["sender"] for event in s.all("error")]


# ---------------------------------------------------------------- brain


@pytest.mark.parametrize("place", ["llm open", "llm session", "llm stream"])
@in_virtual_time
async def test_a_brain_that_fails_is_an_error_and_a_spoken_apology(place):
    fakes = Fakes(transcripts=["hi"], trouble={place: ProviderError("auth", "bad key")})
    async with Talk(fakes) as s:
        await greeted(s)
        await ask(s)
        assert senders(s) == ["llm"]
        assert s.all("error")[0]["code"] == 500
        assert "bad key" in s.all("error")[0]["error"]
        assert fakes.spoken[1] == APOLOGY


@in_virtual_time
async def test_a_brain_that_fails_for_a_moment_is_asked_again():
    fakes = Fakes(transcripts=["hi"], replies=[ConnectionError("reset"), "Hello."])
    async with Talk(fakes) as s:
        await greeted(s)
        await ask(s)
        assert not s.all("error")
        assert fakes.spoken[1:] == ["Hello."]


@in_virtual_time
async def test_a_brain_that_breaks_off_keeps_what_it_said_and_apologises():
    fakes = Fakes(transcripts=["hi", "more"], replies=[["Well, hello. ", "And th", ConnectionError("reset")], "Fine."])
    async with Talk(fakes) as s:
        await greeted(s)
        await s.say(tone(0.5))
        await s.until("trackEnd", 3, trackId="server-side-track")
        assert senders(s) == ["llm"]
        assert fakes.spoken[1:3] == ["Well, hello.", APOLOGY]
        await ask(s)
        assert said(fakes.asked[-1])[2] == ("assistant", "Well, hello.")


@in_virtual_time
async def test_each_failure_is_a_line_of_its_own_in_the_history():
    errors = [ProviderError("quota", "no money"), ProviderError("quota", "no money")]
    fakes = Fakes(transcripts=["one", "two", "three"], replies=[*errors, "Fine."])
    async with Talk(fakes) as s:
        await greeted(s)
        for _ in range(3):
            await ask(s)
        roles = [role for role, _ in said(fakes.asked[-1])]
        assert roles == ["assistant", "user", "assistant", "user", "assistant", "user"]


@pytest.mark.parametrize("place", ["llm stream", "llm midstream"])
@in_virtual_time
async def test_a_brain_that_hangs_is_given_up(place):
    fakes = Fakes(transcripts=["hi"], trouble={place: None})
    async with Talk(fakes) as s:
        await greeted(s)
        await s.say(tone(0.5))
        await s.until("error", sender="llm", patience=90)
        assert "did not answer in time" in s.all("error")[0]["error"]
        await s.call_time(3)
        assert APOLOGY in fakes.spoken
        assert fakes.open_streams == 0


@in_virtual_time
async def test_an_empty_reply_is_asked_for_again_and_then_apologised_for():
    fakes = Fakes(transcripts=["hi"], replies=["", "  "])
    async with Talk(fakes) as s:
        await greeted(s)
        await ask(s)
        assert len(fakes.asked) == 2
        assert "empty" in s.all("error", sender="llm")[0]["error"]
        assert fakes.spoken[1] == APOLOGY
        assert len(s.all("trackStart", trackId="server-side-track")) == 2
        assert not s.all("addHistory", sender="llm")


@in_virtual_time
async def test_a_reply_that_only_sets_a_variable_is_no_answer_and_the_second_one_is():
    fakes = Fakes(transcripts=["hi"], replies=['<set_var key="a" value="b"/>', "Hello."])
    async with Talk(fakes) as s:
        await greeted(s)
        await ask(s)
        assert not s.all("error")
        assert fakes.spoken[1:] == ["Hello."]
        assert fakes.asked[1].variables["a"] == "b"


@in_virtual_time
async def test_an_unknown_brain_is_an_error_after_the_answer_and_every_question_gets_an_apology():
    content = book().replace("llm: {provider: fake}", "llm: {provider: nobody}")
    fakes = Fakes(transcripts=["hi"])
    async with virtual_server(fakes) as manager, Session(manager, content) as s:
        await s.invite()
        error = await s.until("error", sender="llm")
        assert s.names.index("answer") < s.names.index("error")
        assert "LLM type not found: nobody (installed: " in error["error"]
        await greeted(s)
        await ask(s)
        assert fakes.spoken.count(APOLOGY) == 2


# ---------------------------------------------------------------- ears


@pytest.mark.parametrize(("key", "sender"), [("asr", "asr"), ("vad", "vad"), ("eou", "eou")])
@in_virtual_time
async def test_an_unknown_provider_is_an_error_after_the_answer_and_the_call_goes_on(key, sender):
    name = "provider" if key == "asr" else "type"
    async with Talk(Fakes(), **{key: {name: "nobody"}}) as s:
        await greeted(s)
        error = s.all("error")[0]
        assert (s.names[:2], error["sender"]) == (["trackStart caller", "answer"], sender)
        assert "not found: nobody (installed: fake" in error["error"]
        await s.send("tts", text="Still here.", playId="p")
        await s.until("trackEnd", playId="p")


@pytest.mark.parametrize("kind", ["vad", "turn", "asr"])
@in_virtual_time
async def test_an_ear_that_cannot_be_opened_is_an_error_and_the_greeting_is_heard(kind):
    fakes = Fakes(trouble={f"{kind} open": RuntimeError("no such file")})
    async with Talk(fakes) as s:
        await greeted(s)
        assert senders(s) == [{"turn": "eou"}.get(kind, kind)]
        assert "no such file" in s.all("error")[0]["error"]


@pytest.mark.parametrize("place", ["vad open", "turn open", "asr open", "asr session"])
@in_virtual_time
async def test_an_ear_that_hangs_when_it_is_opened_keeps_nobody_waiting_and_is_said(place):
    fakes = Fakes(trouble={place: None})
    async with Talk(fakes) as s:
        await s.until("trackEnd", trackId="server-side-track", patience=1)
        error = await s.until("error", patience=40)
        assert "not ready within" in error["error"]


@in_virtual_time
async def test_without_a_turn_model_that_works_silence_alone_decides():
    fakes = Fakes(transcripts=["hi", "hi"], replies=["Yes?", "Yes?"], trouble={"turn stream": RuntimeError("boom")})
    async with Talk(fakes) as s:
        await greeted(s)
        await ask(s)
        assert senders(s) == ["eou"]
        fakes.trouble["turn stream"] = None
        await ask(s)
        assert fakes.spoken[1:] == ["Yes?", "Yes?"]


@in_virtual_time
async def test_a_recogniser_that_fails_for_a_moment_hears_the_utterance_again():
    fakes = Fakes(transcripts=["hello there"], replies=["Hi."], trouble={"asr stream": ConnectionError("reset")})
    async with Talk(fakes) as s:
        await greeted(s)
        await s.say(tone(0.3))
        fakes.trouble.clear()
        await ask(s, 0.3)
        assert not s.all("error")
        assert s.all("asrFinal")[0]["text"] == "hello there"


@pytest.mark.parametrize("stream", ["fake", "fake-stream"])
@in_virtual_time
async def test_a_recogniser_that_fails_is_an_error_and_hears_the_next_utterance(stream):
    fakes = Fakes(transcripts=["hello"], replies=["Hi."], asr_error=ProviderError("quota", "no money"))
    async with Talk(fakes, asr={"provider": stream}) as s:
        await greeted(s)
        await s.say(tone(0.5))
        await s.call_time(3)
        assert set(senders(s)) == {"asr"}
        fakes.asr_error = None
        await ask(s)
        assert fakes.spoken[1:] == ["Hi."]


@in_virtual_time
async def test_a_recogniser_that_hangs_is_given_up_and_hears_the_next_utterance():
    fakes = Fakes(transcripts=["hello"], replies=["Hi.", "Hi again."], asr_hangs=True)
    async with Talk(fakes) as s:
        await greeted(s)
        await s.say(tone(0.5))
        await s.until("error", sender="asr", patience=20)
        assert fakes.open_streams == 0
        fakes.asr_hangs = False
        await ask(s)
        # The first time only the partial text was there to be answered.
        assert fakes.spoken[1:] == ["Hi.", "Hi again."]


# ---------------------------------------------------------------- the engine's own


@in_virtual_time
async def test_a_failure_of_our_own_in_a_tick_is_an_error_of_that_call_and_the_clock_goes_on(monkeypatch):
    fakes = Fakes(transcripts=["one", "two"], replies=["Yes.", "Yes."])
    async with Talk(fakes) as s:
        await greeted(s)
        with monkeypatch.context() as patch:
            patch.setattr(Agent, "caller_said", lambda self, text: 1 / 0)
            await s.say(tone(0.5))
            await s.until("error", sender="engine")
        await s.call_time(65)
        await s.send("tts", text="Alive.", playId="p")
        await s.until("trackEnd", playId="p")


@in_virtual_time
async def test_a_detector_that_fails_mid_call_is_an_error_and_the_call_goes_on(monkeypatch):
    def score(self, slots, windows):
        raise RuntimeError("boom")

    async with Talk() as s:
        await greeted(s)
        monkeypatch.setattr(EnergyDetector, "score", score)
        error = await s.until("error", sender="vad")
        assert "boom" in error["error"]
        await s.send("tts", text="Alive.", playId="p")
        await s.until("trackEnd", playId="p")


@pytest.mark.parametrize("place", ["tts midstream", "llm midstream", "asr midstream", "tts stream", "llm stream"])
@in_virtual_time
async def test_a_call_that_ends_while_a_provider_hangs_leaves_nothing(place):
    fakes = Fakes(transcripts=["hello there"], trouble={place: None})
    async with Talk(fakes) as s:
        await s.call_time(0.5)
        await s.say(tone(0.6))
        await s.call_time(0.5)
        await s.send("hangup")
        await s.until("hangup", patience=1)
        assert s.names.count("hangup") == 1
        assert s.names[-1] == "hangup"
    assert fakes.open_streams == 0
