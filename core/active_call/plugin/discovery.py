"""Finds plugins by entry points and fills a registry. pluggy is used here and nowhere else."""

import logging
import os
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

import pluggy

from . import hooks
from .errors import PluginError
from .keys import SettingsKey
from .models import ModelEntry
from .registry import AnyFactory, Distribution, Failure, Kind, Offer, Registry
from .traits import Traits

log = logging.getLogger(__name__)

SELECT = "ACTIVE_CALL_LOAD_PLUGINS"
"""Comma-separated entry-point names; unset: all, empty: only the built-ins."""

HOOKS: dict[Kind, str] = {
    Kind.TRANSPORT: "register_transports",
    Kind.VAD: "register_vad",
    Kind.TURN: "register_turn",
    Kind.ASR: "register_asr",
    Kind.TTS: "register_tts",
    Kind.LLM: "register_llm",
    Kind.REALTIME: "register_realtime",
    Kind.PROCESSOR: "register_processors",
    Kind.TOOL: "register_tools",
    Kind.SINK: "register_sinks",
    Kind.DECODER: "register_decoders",
}
BUILTIN = "builtin"


def discover(
    *, select: str | None = None, points: Iterable[EntryPoint] | None = None, extra: Iterable[ModuleType | object] = ()
) -> Registry:
    """A registry of everything installed.

    `select` overrides the environment variable `ACTIVE_CALL_LOAD_PLUGINS`; `points` overrides the installed entry
    points and `extra` adds plugin objects directly (tests). A plugin that cannot be imported, or whose registration
    is refused, becomes a `Failure` and does not stop the others.
    """
    wanted = _selection(os.environ.get(SELECT) if select is None else select)
    registry = Registry()
    found = entry_points(group=hooks.ENTRY_POINTS) if points is None else points
    # The built-ins come first: a third party cannot take a built-in's name by sorting before it.
    for point in sorted(set(found), key=lambda p: (p.name != BUILTIN, p.name)):
        if wanted is not None and point.name not in wanted and point.name != BUILTIN:
            continue
        origin = _distribution(point)
        try:
            plugin = point.load()
        except (Exception, SystemExit) as error:  # a third party's import can raise anything
            _fail(registry, point.name, origin, f"import failed: {type(error).__name__}: {error}")
            continue
        register_plugin(registry, point.name, plugin, origin)
    for plugin in extra:
        name = getattr(plugin, "__name__", type(plugin).__name__)
        register_plugin(registry, name, plugin, Distribution(name=name, version="0"))
    return registry


def register_plugin(registry: Registry, name: str, plugin: object, origin: Distribution) -> None:
    """Call every hook that `plugin` implements. An offer that is refused becomes a `Failure`; the others are taken."""
    manager = pluggy.PluginManager("active_call")
    manager.add_hookspecs(hooks)
    offers: list[Offer] = []
    entries: list[ModelEntry] = []
    keys: list[SettingsKey] = []

    def register(kind: Kind) -> Any:
        def add(label: str, factory: str | AnyFactory, traits: Traits, /, *, api: int = 1) -> None:
            offers.append(
                Offer(kind=kind, name=label, factory=factory, traits=traits, distribution=origin, api=api, plugin=name)
            )

        return add

    try:
        manager.register(plugin, name)
        manager.check_pending()
        for kind, hook in HOOKS.items():
            getattr(manager.hook, hook)(register=register(kind))
        manager.hook.register_models(register=entries.append)
        manager.hook.register_settings(register=lambda *declared: keys.extend(declared))
    except (Exception, SystemExit) as error:
        _fail(registry, name, origin, f"registration failed: {type(error).__name__}: {error}")
        return
    registry.settings[name] = tuple(keys)
    for offer in offers:
        try:
            registry.add(offer)
        except PluginError as error:
            _fail(registry, name, origin, str(error))
    for entry in entries:
        taken = registry.models.get(entry.name)
        if taken is not None and taken != entry:
            _fail(registry, name, origin, f"model {entry.name!r} is already described differently by another plugin")
            continue
        registry.models[entry.name] = entry


def _selection(value: str | None) -> frozenset[str] | None:
    if value is None:
        return None
    return frozenset(name.strip() for name in value.split(",") if name.strip())


def _distribution(point: EntryPoint) -> Distribution:
    if point.dist is None:
        return Distribution(name=point.value, version="0")
    return Distribution(name=point.dist.name, version=point.dist.version)


def _fail(registry: Registry, name: str, origin: Distribution, reason: str) -> None:
    log.warning("plugin %s (%s) not loaded: %s", name, origin, reason)
    registry.failures.append(Failure(entry_point=name, distribution=origin, reason=reason))
