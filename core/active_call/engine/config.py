"""What an engine is made of, decided by the call before media begins: names of providers and their options."""

from dataclasses import dataclass, field

from active_call.plugin.values import AsrOptions, LlmOptions
from active_call.protocol.options import VADOption
from active_call.turns.policy import Policy

from .speaker import VoiceSpec


@dataclass(frozen=True, kw_only=True)
class Hearing:
    """How the caller is heard; None: not at all."""

    vad: str | None = None
    vad_option: VADOption = field(default_factory=VADOption)
    vad_events: bool = True
    """Whether `speaking` and `silence` go to the controller (it, or the playbook, asked for a detector)."""
    asr: str | None = None
    asr_options: AsrOptions = field(default_factory=AsrOptions)
    turn_model: str | None = None


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    hearing: Hearing = field(default_factory=Hearing)
    brain: str | None = None
    brain_options: LlmOptions = field(default_factory=LlmOptions)
    voice: VoiceSpec | None = None
    policy: Policy = field(default_factory=Policy)
    problems: tuple[tuple[str, str], ...] = ()
    """(sender, text) of what could not be had; reported once the call is answered."""
