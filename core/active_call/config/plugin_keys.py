"""Holds the tables of plugins (`plugins.<name>`) against the keys that the plugins declare."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from active_call.plugin.keys import SettingsKey

from .problems import Origin, Problem, did_you_mean, dotted
from .settings import Settings

_KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "str": (str, "a text"),
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "bool": (bool, "true or false"),
    "list": ((list, tuple), "a list"),
}


def plugin_problems(
    settings: Settings, declared: Mapping[str, Sequence[SettingsKey]], installed: Collection[str]
) -> list[Problem]:
    """`declared` has the keys of each plugin that declares any; `installed` the names of all plugins."""
    return list(_problems(settings, declared, installed))


def _problems(
    settings: Settings, declared: Mapping[str, Sequence[SettingsKey]], installed: Collection[str]
) -> Iterator[Problem]:
    for plugin, table in settings.plugins.items():
        if plugin not in installed:
            hint = did_you_mean(plugin, installed) or "`active-call plugins` lists them"
            yield _problem(settings, (plugin,), "no installed plugin has this name", hint)
            continue
        known = {key.name: key for key in declared.get(plugin, ())}
        for name, value in table.items():
            if name not in known:
                hint = did_you_mean(name, known) if known else "it has none; remove it"
                yield _problem(settings, (plugin, name), "the plugin has no such key", hint)
            else:
                yield from _wrong(settings, plugin, known[name], value)


def _wrong(settings: Settings, plugin: str, key: SettingsKey, value: Any) -> Iterator[Problem]:
    accepted, wanted = _KINDS[key.kind]
    if not isinstance(value, accepted) or (isinstance(value, bool) and key.kind != "bool"):
        yield _problem(settings, (plugin, key.name), f"must be {wanted}", key.summary)
    elif key.choices and value not in key.choices:
        yield _problem(settings, (plugin, key.name), "is none of the values it may have", ", ".join(key.choices))


def _problem(settings: Settings, path: tuple[str, ...], problem: str, suggestion: str) -> Problem:
    whole = ("plugins", *path)
    origin = settings.origins.of(whole) or Origin(source="settings")
    return Problem(origin=origin, key=dotted(whole), problem=problem, suggestion=suggestion)
