"""Who offers what. Filled once at start by discovery; read-only afterwards."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from .errors import NameTaken, PluginError, UnknownPlugin
from .keys import SettingsKey
from .models import ModelEntry
from .traits import (
    AsrTraits,
    DecoderTraits,
    LlmTraits,
    ProcessorTraits,
    RealtimeTraits,
    SinkTraits,
    ToolTraits,
    Traits,
    TransportTraits,
    TtsTraits,
    TurnTraits,
    VadTraits,
)

API = 1
"""The newest plugin API this core speaks; a plugin names the one it was written for."""


class Kind(StrEnum):
    TRANSPORT = "transport"
    VAD = "vad"
    TURN = "turn"
    ASR = "asr"
    TTS = "tts"
    LLM = "llm"
    REALTIME = "realtime"
    PROCESSOR = "processor"
    TOOL = "tool"
    SINK = "sink"
    DECODER = "decoder"


TRAITS: dict[Kind, type[Traits]] = {
    Kind.TRANSPORT: TransportTraits,
    Kind.VAD: VadTraits,
    Kind.TURN: TurnTraits,
    Kind.ASR: AsrTraits,
    Kind.TTS: TtsTraits,
    Kind.LLM: LlmTraits,
    Kind.REALTIME: RealtimeTraits,
    Kind.PROCESSOR: ProcessorTraits,
    Kind.TOOL: ToolTraits,
    Kind.SINK: SinkTraits,
    Kind.DECODER: DecoderTraits,
}

AnyFactory = Callable[..., Any]


class Register(Protocol):
    """The callable that a hook is given."""

    def __call__(self, name: str, factory: str | AnyFactory, traits: Traits, /, *, api: int = 1) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """Where a plugin came from."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One registered thing."""

    kind: Kind
    name: str
    factory: str | AnyFactory
    traits: Any
    distribution: Distribution
    api: int
    plugin: str = ""
    """The entry point's name: the table of settings (`plugins.<name>`) that its factory is given."""

    def load(self) -> AnyFactory:
        """The factory itself; this is where heavy imports happen."""
        if not isinstance(self.factory, str):
            return self.factory
        module, _, attribute = self.factory.partition(":")
        loaded: AnyFactory = getattr(importlib.import_module(module), attribute)
        return loaded


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A plugin that could not be loaded; the others were."""

    entry_point: str
    distribution: Distribution
    reason: str


class Registry:
    def __init__(self) -> None:
        self._offers: dict[tuple[Kind, str], Offer] = {}
        self.models: dict[str, ModelEntry] = {}
        self.settings: dict[str, tuple[SettingsKey, ...]] = {}
        """Keys of each plugin's table, by entry-point name; a plugin that was loaded is there even without any."""
        self.failures: list[Failure] = []

    def add(self, offer: Offer) -> None:
        """Raises `NameTaken` or `PluginError`; the text names the distributions."""
        if not isinstance(offer.traits, TRAITS[offer.kind]):
            raise PluginError(
                f"{offer.distribution}: {offer.kind} {offer.name!r} needs {TRAITS[offer.kind].__name__}, "
                f"got {type(offer.traits).__name__}"
            )
        if not 1 <= offer.api <= API:
            raise PluginError(
                f"{offer.distribution}: {offer.kind} {offer.name!r} was written for plugin API {offer.api}, "
                f"this core speaks 1 to {API}; upgrade active-call"
            )
        taken = self._offers.get((offer.kind, offer.name))
        if taken is not None:
            raise NameTaken(
                f"{offer.kind} {offer.name!r} is offered by both {taken.distribution} and {offer.distribution}; "
                "uninstall one, or choose with ACTIVE_CALL_LOAD_PLUGINS"
            )
        self._offers[offer.kind, offer.name] = offer

    def find(self, kind: Kind, name: str) -> Offer:
        """Raises `UnknownPlugin`, which lists what is there."""
        offer = self._offers.get((kind, name))
        if offer is None:
            raise UnknownPlugin(kind, name, self.names(kind))
        return offer

    def names(self, kind: Kind) -> list[str]:
        return sorted(name for have, name in self._offers if have is kind)

    def offers(self, kind: Kind | None = None) -> Iterator[Offer]:
        for (have, _), offer in sorted(self._offers.items()):
            if kind is None or have is kind:
                yield offer
