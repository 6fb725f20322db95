"""Everything a plugin author needs. See `docs/how-to/write-a-plugin.md`."""

from .errors import ErrorKind, MissingModel, NotSupported, PluginError, ProviderError
from .hooks import hookimpl
from .keys import SettingsKey
from .models import HubSource, ModelEntry, ModelFile, PackagePart, PackageSource
from .traits import (
    AsrTraits,
    DecoderTraits,
    LlmTraits,
    ProcessorTraits,
    RealtimeTraits,
    SinkTraits,
    ToolTraits,
    TransportTraits,
    TtsTraits,
    TurnTraits,
    VadTraits,
)

__all__ = [
    "AsrTraits",
    "DecoderTraits",
    "ErrorKind",
    "HubSource",
    "LlmTraits",
    "MissingModel",
    "ModelEntry",
    "ModelFile",
    "NotSupported",
    "PackagePart",
    "PackageSource",
    "PluginError",
    "ProcessorTraits",
    "ProviderError",
    "RealtimeTraits",
    "SettingsKey",
    "SinkTraits",
    "ToolTraits",
    "TransportTraits",
    "TtsTraits",
    "TurnTraits",
    "VadTraits",
    "hookimpl",
]
