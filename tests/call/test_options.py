"""Which providers a call gets, from what was asked for and what is installed."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from active_call.call.options import Chooser
from active_call.dialogue.agent import Agent
from active_call.playbook.load import load_text
from active_call.plugin import MissingModel, TtsTraits
from active_call.plugin.discovery import discover
from active_call.plugin.registry import Distribution, Kind, Offer
from active_call.protocol.options import CallOption
from active_call.providers.host import CoreHost
from active_call.providers.pool import ProviderPool
from active_call.testing.fakes import Fakes
from active_call.turns.policy import Brain

BOOK = "---\nllm: {apiKey: k}\n---\nBe nice."


class Models:
    def __init__(self, *have: str) -> None:
        self.have = have

    def files(self, name: str) -> Mapping[str, Path]:
        if name not in self.have:
            raise MissingModel(name)
        return {}


@pytest.fixture
async def make():
    hosts = []

    def chooser(*plugins, environ=None, models=()):
        host = CoreHost(Models(*models), environ=environ or {}, threads=1)
        hosts.append(host)
        return Chooser(ProviderPool(discover(select="", extra=plugins), host), environ or {})

    yield chooser
    for host in hosts:
        await host.aclose()


def option(**given):
    return CallOption.model_validate(given)


def agent(text=BOOK):
    return Agent(load_text(text, name="book", environ={}, trusted=True), {})


async def test_nothing_asked_for_is_nothing_heard(make):
    engine = make(Fakes()).engine(option(), None)
    assert (engine.hearing.vad, engine.hearing.asr, engine.brain) == (None, None, None)
    assert engine.policy.brain is Brain.NONE
    assert engine.problems == ()


async def test_a_recogniser_brings_a_detector_whose_events_nobody_asked_for(make):
    hearing = make(Fakes()).engine(option(asr={}), None).hearing
    assert (hearing.asr, hearing.vad, hearing.vad_events) == ("fake", "fake", False)
    assert make(Fakes()).engine(option(vad={}), None).hearing.vad_events


async def test_an_agent_gets_the_best_of_everything(make):
    engine = make(Fakes()).engine(option(), agent())
    assert (engine.hearing.vad, engine.hearing.asr, engine.hearing.turn_model) == ("fake", "fake", "fake")
    assert engine.brain == "scripted"
    assert engine.voice is not None
    assert engine.voice.provider == "fake"


async def test_an_agent_without_voice_or_ears_is_told_what_is_missing(make):
    problems = dict(make().engine(option(), agent()).problems)
    assert "active-call[hibari]" in problems["tts"]
    assert "goes on without" in problems["asr"]
    assert "eou" not in problems


async def test_unknown_names_are_problems_that_list_what_is_installed(make):
    engine = make(Fakes()).engine(option(asr={"provider": "x"}, vad={"type": "y"}, eou={"type": "z"}), None)
    assert dict(engine.problems) == {
        "asr": "ASR type not found: x (installed: fake, fake-stream)",
        "vad": "VAD type not found: y (installed: fake)",
        "eou": "TURN type not found: z (installed: fake)",
    }


@pytest.mark.parametrize(
    ("llm", "environ", "expected"),
    [
        ("{}", {}, "scripted"),
        ("{}", {"OPENAI_API_KEY": "k"}, "openai"),
        ("{}", {"OPENAI_BASE_URL": "http://localhost/v1"}, "openai"),
        ("{baseUrl: 'http://localhost/v1'}", {}, "openai"),
        ("{provider: fake}", {"OPENAI_API_KEY": "k"}, "fake"),
        ("{provider: qwen, baseUrl: 'http://localhost/v1'}", {}, "openai"),
        ("{provider: nobody}", {}, "nobody"),
    ],
)
async def test_the_brain_is_the_one_named_else_the_one_there_is_a_key_for_else_rules(make, llm, environ, expected):
    engine = make(Fakes(), environ=environ).engine(option(), agent(f"---\nllm: {llm}\n---\nHi."))
    assert engine.brain == expected


async def test_a_complete_voice_comes_before_one_that_needs_a_model_or_a_key_and_then_the_language_counts(make):
    chooser = make()
    registry = chooser._pool.registry
    for name, traits in {
        "a-needs-key": TtsTraits(needs=("SOME_KEY",), languages=frozenset({"zh"})),
        "b-needs-model": TtsTraits(offline=True, models=("weights",), languages=frozenset({"zh"})),
        "c-english": TtsTraits(offline=True, languages=frozenset({"en"})),
        "d-chinese": TtsTraits(languages=frozenset({"zh"})),
    }.items():
        origin = Distribution(name="x", version="1")
        registry.add(Offer(kind=Kind.TTS, name=name, factory="x:y", traits=traits, distribution=origin, api=1))
    assert chooser.voice(None, language="zh").provider == "d-chinese"
    assert chooser.voice(None, language="en-US").provider == "c-english"
    assert chooser.voice(None).provider == "c-english"


async def test_the_turn_policy_is_the_playbooks(make):
    rules = (
        "interruption: {strategy: vad, ignoreFirstMs: 10, volumeFadeMs: 20, minSpeechMs: 30, fillerWordFilter: true}"
    )
    policy = make(Fakes()).engine(option(), agent(f"---\n{rules}\nllm: {{repairWindowMs: 40}}\n---\nHi.")).policy
    assert policy.interruption.strategy.value == "vad"
    assert (policy.interruption.ignore_first_ms, policy.interruption.fade_ms) == (10, 20)
    assert (policy.interruption.min_speech_ms, policy.interruption.filler_filter) == (30, True)
    assert policy.endpointing.repair_window_ms == 40


async def test_detector_settings_reach_the_engine(make):
    given = {"speechPadding": 1, "silencePadding": 2, "voiceThreshold": 0.3, "silenceTimeout": 4}
    options = make(Fakes()).engine(option(vad=given), None).hearing.vad_options
    assert (options.speech_padding_ms, options.silence_padding_ms) == (1, 2)
    assert (options.threshold, options.silence_timeout_ms) == (0.3, 4)
