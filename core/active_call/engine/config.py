"""What an engine is made of, decided by the call before media begins: names of providers and their options."""

from dataclasses import dataclass, field

from active_call.plugin.values import AsrOptions, LlmOptions
from active_call.providers.trust import Trust
from active_call.turns.policy import Policy

from .synthesis import VoiceSpec


@dataclass(frozen=True, kw_only=True)
class VadOptions:
    """What counts as speech and as silence."""

    threshold: float = 0.5
    speech_padding_ms: int = 250
    silence_padding_ms: int = 100
    silence_timeout_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class Hearing:
    """How the caller is heard; None: not at all."""

    vad: str | None = None
    vad_options: VadOptions = field(default_factory=VadOptions)
    vad_events: bool = True
    """Whether `speaking` and `silence` go to the controller (it, or the playbook, asked for a detector)."""
    asr: str | None = None
    asr_options: AsrOptions = field(default_factory=AsrOptions)
    asr_trust: Trust = Trust.CLIENT
    """Who wrote the addresses in `asr_options`."""
    turn_model: str | None = None


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    hearing: Hearing = field(default_factory=Hearing)
    brain: str | None = None
    brain_options: LlmOptions = field(default_factory=LlmOptions)
    brain_trust: Trust = Trust.CLIENT
    """Who wrote the addresses in `brain_options`."""
    voice: VoiceSpec | None = None
    policy: Policy = field(default_factory=Policy)
    problems: tuple[tuple[str, str], ...] = ()
    """(sender, text) of what could not be had; reported once the call is answered."""
