"""What is found, what is refused, and that one bad plugin does not stop the others."""

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from active_call.plugin import ModelEntry
from active_call.plugin.discovery import discover
from active_call.plugin.errors import UnknownPlugin
from active_call.plugin.registry import Kind
from active_call.testing.fakes import Fakes

VOICE = """
    @hookimpl
    def register_tts(register):
        register("{name}", "{module}:open_voice", TtsTraits(summary="{summary}"))
"""
MODEL = """
    @hookimpl
    def register_models(register):
        register(ModelEntry(name="weights", summary="{summary}", licence="MIT", files=()))
"""


def voice(name: str, module: str = "nowhere", summary: str = "") -> str:
    return VOICE.format(name=name, module=module, summary=summary)


def test_the_core_registers_its_own_things_through_the_same_hooks() -> None:
    registry = discover(select="")
    assert "websocket" in registry.names(Kind.TRANSPORT)
    assert {"scripted", "openai"} <= set(registry.names(Kind.LLM))
    assert {offer.distribution.name for offer in registry.offers()} == {"active-call"}
    assert registry.failures == []


def test_a_plugin_is_found_with_its_distribution_version_and_traits(install, points) -> None:
    install("acme-voice", voice("acme", summary="A voice."), point="acme", version="2.3")
    offer = discover(points=points()).find(Kind.TTS, "acme")
    assert (str(offer.distribution), offer.plugin, offer.api) == ("acme-voice 2.3", "acme", 1)
    assert offer.traits.summary == "A voice."


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_module", "import failed: ModuleNotFoundError: No module named 'no_such_module'"),
        ("1 / 0", "import failed: ZeroDivisionError"),
        ("def broken(:", "import failed: SyntaxError"),
        (
            "@hookimpl\ndef register_tts(register): raise RuntimeError('boom')",
            "registration failed: RuntimeError: boom",
        ),
        ("@hookimpl\ndef register_radio(register): pass", "register_radio"),
        ("@hookimpl\ndef register_tts(registry): pass", "registry"),
        ("@hookimpl\ndef register_tts(register): register('x', 'm:f', AsrTraits())", "needs TtsTraits, got AsrTraits"),
        ("@hookimpl\ndef register_tts(register): register('x', 'm:f', TtsTraits(), api=2)", "upgrade active-call"),
        ("@hookimpl\ndef register_tts(register): register('x', 'm:f', TtsTraits(), api=0)", "plugin API 0"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_named_with_the_reason_and_the_others_are_loaded(
    install, points, caplog, code, reason
) -> None:
    install("bad-plugin", code, point="bad", version="0.1")
    install("good-plugin", voice("good"), point="good")
    registry = discover(points=points())
    assert registry.names(Kind.TTS) == ["good"]
    (failure,) = registry.failures
    assert (failure.entry_point, str(failure.distribution)) == ("bad", "bad-plugin 0.1")
    assert reason in failure.reason
    assert "bad-plugin 0.1" in caplog.text


def test_two_distributions_that_claim_one_name_are_both_named_and_the_first_serves(install, points) -> None:
    install("acme-voice", voice("tone", "acme"), point="a-acme")
    install("other-voice", voice("tone", "other"), point="b-other", version="2.0")
    registry = discover(points=points())
    assert registry.find(Kind.TTS, "tone").factory == "acme:open_voice"
    (failure,) = registry.failures
    assert "acme-voice 1.0" in failure.reason
    assert "other-voice 2.0" in failure.reason
    assert "ACTIVE_CALL_LOAD_PLUGINS" in failure.reason


def test_one_name_may_be_of_several_kinds(install, points) -> None:
    code = (
        voice("acme")
        + "\n    @hookimpl\n    def register_asr(register):\n        register('acme', 'm:f', AsrTraits())\n"
    )
    install("acme-all", code)
    registry = discover(points=points())
    assert registry.names(Kind.TTS) == registry.names(Kind.ASR) == ["acme"]
    assert registry.failures == []


def test_nobody_takes_the_name_of_something_built_in(install, points) -> None:
    code = "@hookimpl\ndef register_llm(register): register('scripted', 'm:f', LlmTraits())"
    install("aaa-thief", code, point="aaa")
    own = [point for point in entry_points(group="active_call") if point.name == "builtin"]
    registry = discover(points=[*points(), *own])
    assert registry.find(Kind.LLM, "scripted").distribution.name == "active-call"
    assert registry.failures[0].distribution.name == "aaa-thief"


@pytest.mark.parametrize(
    ("value", "names"), [(None, ["one", "two"]), ("one", ["one"]), (" two , one ", ["one", "two"]), ("", []), ("x", [])]
)
def test_an_environment_variable_selects_plugins(install, points, monkeypatch, value, names) -> None:
    install("one", voice("one"))
    install("two", voice("two"))
    if value is not None:
        monkeypatch.setenv("ACTIVE_CALL_LOAD_PLUGINS", value)
    assert discover(points=points()).names(Kind.TTS) == names


def test_a_plugin_that_is_not_selected_is_not_even_imported(install, points, site) -> None:
    install("noisy", f"open({str(site / 'imported')!r}, 'w')")
    assert discover(select="", points=points()).failures == []
    assert not (site / "imported").exists()


def test_models_of_several_plugins_meet_in_one_list(install, points) -> None:
    install("one", MODEL.format(summary="same"))
    install("two", MODEL.format(summary="same"))
    registry = discover(points=points())
    assert registry.models == {"weights": ModelEntry(name="weights", summary="same", licence="MIT", files=())}
    assert registry.failures == []


def test_two_different_models_of_one_name_are_a_failure_and_the_first_stays(install, points) -> None:
    install("one", MODEL.format(summary="mine"))
    install("two", MODEL.format(summary="different"), version="3.0")
    registry = discover(points=points())
    assert registry.models["weights"].summary == "mine"
    assert "'weights'" in registry.failures[0].reason
    assert str(registry.failures[0].distribution) == "two 3.0"


def test_a_plugin_object_can_be_given_directly() -> None:
    registry = discover(select="", extra=[Fakes()])
    assert "fake" in registry.names(Kind.TTS)
    assert registry.find(Kind.TTS, "fake").distribution.name == "Fakes"


# ---------------------------------------------------------------- the registry


def test_what_is_not_there_is_told_with_what_is(install, points) -> None:
    install("one", voice("one"))
    with pytest.raises(UnknownPlugin, match=r"TTS type not found: nobody \(installed: one\)"):
        discover(points=points()).find(Kind.TTS, "nobody")
    with pytest.raises(UnknownPlugin, match=r"TTS type not found: nobody \(installed: none\)"):
        discover(points=[]).find(Kind.TTS, "nobody")


def test_a_factory_is_loaded_when_it_is_used_and_not_before(install, points, site) -> None:
    install("lazy", voice("lazy", "lazy_inside"))
    (site / "lazy_inside.py").write_text("def open_voice(host, settings): ...\n")
    offer = discover(points=points()).find(Kind.TTS, "lazy")
    assert "lazy_inside" not in sys.modules
    try:
        assert offer.load().__name__ == "open_voice"
    finally:
        sys.modules.pop("lazy_inside", None)


def test_offers_come_in_a_stable_order(install, points) -> None:
    for name in ("b", "a", "c"):
        install(f"plugin-{name}", voice(name))
    registry = discover(points=points())
    assert [offer.name for offer in registry.offers(Kind.TTS)] == ["a", "b", "c"]
    assert [offer.kind for offer in registry.offers()] == [Kind.TTS] * 3


def test_listing_what_is_installed_imports_nothing_heavy() -> None:
    code = """
import sys
from active_call.plugin.discovery import discover
list(discover().offers())
heavy = {"numpy", "onnxruntime", "httpx", "pydantic", "starlette", "websockets"} & set(sys.modules)
print(*sorted(heavy))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.stdout.strip(), ran.stderr) == ("", "")
