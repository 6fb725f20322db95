"""What a package may implement. Advertise the module in the entry-point group `active_call`.

Every hook gets `register(name, factory, traits, api=1)`; `factory` is a dotted name `package.module:attribute`, so that
nothing heavy is imported before it is used. Take only the arguments you need.
"""

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from .keys import RegisterSettings
    from .models import RegisterModel
    from .registry import Register

ENTRY_POINTS = "active_call"
hookspec = pluggy.HookspecMarker("active_call")
hookimpl = pluggy.HookimplMarker("active_call")


@hookspec
def register_transports(register: "Register") -> None:
    """Ways to connect a caller: `TransportTraits`, `Transport`."""


@hookspec
def register_vad(register: "Register") -> None:
    """Voice activity detectors: `VadTraits`, `Detector`."""


@hookspec
def register_turn(register: "Register") -> None:
    """End-of-turn models: `TurnTraits`, `TurnModel`."""


@hookspec
def register_asr(register: "Register") -> None:
    """Speech recognisers: `AsrTraits`, `Recogniser`."""


@hookspec
def register_tts(register: "Register") -> None:
    """Voices: `TtsTraits`, `Voice`."""


@hookspec
def register_llm(register: "Register") -> None:
    """Brains: `LlmTraits`, `Brain`."""


@hookspec
def register_realtime(register: "Register") -> None:
    """Realtime speech models: `RealtimeTraits`, `Realtime`."""


@hookspec
def register_processors(register: "Register") -> None:
    """Effects on the caller's audio: `ProcessorTraits`, `ProcessorProvider`."""


@hookspec
def register_tools(register: "Register") -> None:
    """Functions a model may call: `ToolTraits`, `Tool`."""


@hookspec
def register_sinks(register: "Register") -> None:
    """Receivers of call records: `SinkTraits`, `Sink`."""


@hookspec
def register_decoders(register: "Register") -> None:
    """Readers of recorded files: `DecoderTraits`, `Decoder`."""


@hookspec
def register_models(register: "RegisterModel") -> None:
    """Model weights for the model store: `register(ModelEntry(...))`."""


@hookspec
def register_settings(register: "RegisterSettings") -> None:
    """Keys of the plugin's own table in the settings (`plugins.<name>`): `register(SettingsKey(...), ...)`."""
