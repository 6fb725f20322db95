"""What a user can type, send, receive or set has a word in docs/reference, or a test fails."""

import argparse
import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from typing import get_args

import pytest
from pydantic import BaseModel
from tests.house.files import ROOT, ours, text_of

from active_call.cli import COMMANDS as CLI
from active_call.config.settings import Settings
from active_call.playbook.model import PlaybookConfig
from active_call.plugin import hooks
from active_call.plugin.registry import TRAITS
from active_call.protocol import options
from active_call.protocol.commands import COMMANDS
from active_call.protocol.events import Event

REFERENCE = ROOT / "docs" / "reference"


def page(name: str) -> str:
    path = REFERENCE / f"{name}.md"
    assert path.exists(), f"docs/reference/{name}.md is missing"
    return path.read_text("utf-8")


def describes(name: str, words: Iterable[str]) -> None:
    """Every word stands in back quotes on that page, alone or as a part of a piece of code."""
    quoted = " ".join(re.findall(r"`+([^`]+)`+", page(name)))
    absent = sorted(word for word in words if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", quoted))
    if absent:
        pytest.fail(f"docs/reference/{name}.md has no word about: {', '.join(absent)}", pytrace=False)


def keys(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


# ---------------------------------------------------------------- plugins


def test_every_hook_is_described() -> None:
    names = {name for name, _ in inspect.getmembers(hooks, inspect.isfunction) if name.startswith("register_")}
    assert len(names) > 5
    describes("hooks", names)


@pytest.mark.parametrize("traits", TRAITS.values(), ids=lambda traits: traits.__name__)
def test_every_trait_is_described(traits: type) -> None:
    describes("hooks", {traits.__name__, *inspect.signature(traits).parameters})


# ---------------------------------------------------------------- the wire


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_its_fields_are_described(name: str) -> None:
    describes("websocket-api", {name, *keys(COMMANDS[name])})


@pytest.mark.parametrize("event", get_args(Event), ids=lambda event: event.__name__)
def test_every_event_and_its_fields_are_described(event: type[BaseModel]) -> None:
    describes("websocket-api", {event.model_fields["event"].default, *keys(event)})


@pytest.mark.parametrize("name", [name for name in options.__all__ if name.endswith("Option")])
def test_every_call_option_is_described(name: str) -> None:
    describes("call-options", keys(getattr(options, name)))


# ---------------------------------------------------------------- playbooks


def test_every_key_of_a_playbook_is_described() -> None:
    models = [PlaybookConfig, *_models_inside(PlaybookConfig, "active_call.playbook")]
    describes("playbook", {key for model in models for key in keys(model)})


def _models_inside(model: type[BaseModel], package: str) -> Iterator[type[BaseModel]]:
    for field in model.model_fields.values():
        for part in _types(field.annotation):
            if issubclass(part, BaseModel) and part.__module__.startswith(package):
                yield part
                yield from _models_inside(part, package)


def _types(annotation: object) -> Iterator[type]:
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for inner in get_args(annotation):
        yield from _types(inner)


# ---------------------------------------------------------------- the command line


class _Caught(Exception):
    pass


@pytest.mark.parametrize("command", CLI)
def test_every_command_and_flag_of_the_command_line_is_described(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    caught: list[argparse.ArgumentParser] = []

    def catch(parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        caught.append(parser)
        raise _Caught

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", catch)
    monkeypatch.setattr(argparse.ArgumentParser, "parse_known_args", catch)
    with pytest.raises(_Caught):
        importlib.import_module(f"active_call.cli.{command}").main([])
    describes("cli", {command, *_flags(caught[0])})


def _flags(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield from (flag for flag in action.option_strings if flag.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield name
                yield from _flags(inner)


# ---------------------------------------------------------------- settings


def test_every_key_of_the_configuration_is_described() -> None:
    models = [Settings, *_models_inside(Settings, "active_call.config")]
    describes("settings", {key for model in models for key in keys(model)})


def test_every_environment_variable_is_described() -> None:
    """Found by their looks: a string in the code that is nothing but capitals and underscores."""
    code = [path for path in ours(".py") if path.parts[0] == "core" or "src" in path.parts]
    strings = {
        name for path in code for name in re.findall(r"""["']([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)["']""", text_of(path))
    }
    exported = {name for path in code for name in re.findall(r"(?m)^([A-Z][A-Z0-9_]+)\b", text_of(path))}
    assert {"OFFLINE_MODELS_DIR", "OPENAI_API_KEY"} <= strings - exported
    describes("settings", strings - exported)
