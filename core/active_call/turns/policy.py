"""All that a turn machine is told about how to behave; replaced as a whole when the scene changes."""

from dataclasses import dataclass, field
from enum import StrEnum

from .barge_in import Interruption
from .endpointing import Endpointing


class Brain(StrEnum):
    """Who answers a committed turn."""

    NONE = "none"
    """Nobody here: the controller does, by commands. A committed turn leads to idle; nothing interrupts its `tts`."""
    TEXT = "text"
    """A language model or rules: it needs the text, and can be asked again."""
    AUDIO = "audio"
    """A realtime model: it heard the audio itself, so a turn never waits for text and is never taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Numbers and switches of one call, or of one scene. All durations are milliseconds."""

    endpointing: Endpointing = field(default_factory=Endpointing)
    interruption: Interruption = field(default_factory=Interruption)
    brain: Brain = Brain.TEXT
    early_start: bool = False
    """Start the brain when the caller pauses, before it is certain that he is done: faster, at the cost of waste."""
    thinking_limit_ms: int = 60_000
    """A brain silent for so long has failed. It only catches what the time-outs of providers miss."""
    first_sample_limit_ms: int = 60_000
    """A reply that was handed to playback and makes no sound for so long is given up."""
    speaking_limit_ms: int = 600_000
    """An utterance longer than this is taken for a lost notice of its end."""
