"""`active-call plugins` as it is typed."""

import json
from pathlib import Path

import pytest

from active_call.cli import plugins
from active_call.plugin import AsrTraits, LlmTraits, ModelEntry, ModelFile, ToolTraits
from active_call.plugin.registry import Distribution, Failure, Kind, Offer, Registry

PARROT = Distribution(name="active-call-parrot", version="1.0")


def offer(kind: Kind, name: str, traits: object) -> Offer:
    return Offer(kind=kind, name=name, factory="parrot:Parrot", traits=traits, distribution=PARROT, api=1)


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    languages = frozenset({"en", "zh", "ja", "ko", "de", "fr", "es", "it", "pt", "nl"})
    registry.add(
        offer(
            Kind.ASR,
            "parrot",
            AsrTraits(summary="hears", offline=True, languages=languages, rate_hz=8000, models=("echo",), words=True),
        )
    )
    registry.add(offer(Kind.LLM, "cloud", LlmTraits(summary="thinks", needs=("CLOUD_KEY", "CLOUD_URL"), tools=True)))
    registry.add(offer(Kind.TOOL, "clock", ToolTraits(description="Tells the time", parameters='{"a": "long schema"}')))
    file = ModelFile(name="a.bin", sha256="0" * 64, size=10, sources=())
    registry.models["echo"] = ModelEntry(name="echo", summary="", licence="MIT", files=(file,))
    return registry


def run(registry: Registry, root: Path, *args: str, **environ: str) -> int:
    return plugins.main([*args, "--models-dir", str(root)], registry=registry, environ=environ)


def test_the_list_shows_what_is_special_and_what_is_missing(registry, tmp_path, capsys):
    assert run(registry, tmp_path, CLOUD_URL="https://x") == 0
    assert capsys.readouterr().out.splitlines() == [
        "KIND  NAME    FROM                WHAT",
        "asr   parrot  active-call-parrot  hears",
        "              1.0                 offline, rate_hz=8000, languages=de|en|es|fr|it|ja|ko|nl +2, words",
        "                                  needs model echo: active-call models pull echo",
        "llm   cloud   active-call-parrot  thinks",
        "              1.0                 tools",
        "                                  needs CLOUD_KEY in the environment",
        "tool  clock   active-call-parrot  Tells the time",
        "              1.0",
    ]


def test_nothing_is_said_to_be_missing_when_it_is_there(registry, tmp_path, capsys):
    registry.models["echo"] = ModelEntry(name="echo", summary="", licence="MIT", files=())
    run(registry, tmp_path, CLOUD_URL="https://x", CLOUD_KEY="secret")
    said = capsys.readouterr().out
    assert "needs" not in said
    assert "secret" not in said


def test_a_model_that_nobody_describes_is_told_apart(registry, tmp_path, capsys):
    del registry.models["echo"]
    run(registry, tmp_path)
    assert "needs model echo, which no installed plugin describes" in capsys.readouterr().out.replace(
        "\n" + " " * 34, " "
    )


def test_a_plugin_that_failed_to_load_is_shown_with_its_reason_and_fails_the_command(registry, tmp_path, capsys):
    registry.failures.append(Failure(entry_point="broken", distribution=PARROT, reason="import failed: no numpy"))
    assert run(registry, tmp_path) == 1
    assert capsys.readouterr().err == "failed: broken (active-call-parrot 1.0): import failed: no numpy\n"


def test_no_line_is_wider_than_a_hundred_columns(registry, tmp_path, capsys):
    for index in range(5):
        traits = LlmTraits(summary="a brain of many words " * 10, needs=("KEY",))
        registry.add(offer(Kind.LLM, f"brain{index}", traits))
    run(registry, tmp_path)
    assert max(len(line) for line in capsys.readouterr().out.splitlines()) <= 100


def test_json_has_everything(registry, tmp_path, capsys):
    registry.failures.append(Failure(entry_point="broken", distribution=PARROT, reason="why"))
    assert run(registry, tmp_path, "--json") == 1
    document = json.loads(capsys.readouterr().out)
    parrot, cloud, clock = document["plugins"]
    assert parrot["kind"] == "asr"
    assert parrot["distribution"] == "active-call-parrot"
    assert parrot["version"] == "1.0"
    assert parrot["missing_models"] == ["echo"]
    assert len(parrot["traits"]["languages"]) == 10
    assert cloud["missing_keys"] == ["CLOUD_KEY", "CLOUD_URL"]
    assert clock["traits"]["parameters"] == '{"a": "long schema"}'
    assert document["failures"] == [
        {"entry_point": "broken", "distribution": "active-call-parrot", "version": "1.0", "reason": "why"}
    ]


def test_an_empty_installation_names_a_way_out(tmp_path, capsys):
    assert run(Registry(), tmp_path) == 0
    assert "pip install active-call[local]" in capsys.readouterr().out


def test_what_is_installed_here_can_be_listed(tmp_path, capsys):
    plugins.main(["--models-dir", str(tmp_path)])
    assert capsys.readouterr().out.startswith("KIND")
