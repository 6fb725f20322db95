"""When a pause is the end of a turn.

The numbers come from Smart Turn v3 on cut real speech: a verdict of "complete" is nearly always right, so a short
silence suffices; "not complete" is wrong for some short statements, so it delays the answer instead of preventing it.
"""

from dataclasses import dataclass
from enum import StrEnum


class Patience(StrEnum):
    """How long this caller, at this point of the conversation, may think between words."""

    NORMAL = "normal"
    DIGITS = "digits"
    """A number is dictated: people stop for most of a second between groups, with the intonation of an end."""
    SLOW = "slow"


_FACTOR = {Patience.NORMAL: 1.0, Patience.DIGITS: 3.0, Patience.SLOW: 2.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpointing:
    """How much silence ends a turn, and how long its text may take. All durations are milliseconds."""

    threshold: float = 0.5
    """A turn model's probability above this means "the caller is done"."""
    short_ms: int = 200
    """Silence that ends the turn when the turn model says it is complete."""
    long_ms: int = 1500
    """Silence that ends the turn when the turn model says it is not."""
    plain_ms: int = 700
    """Silence that ends the turn when no turn model has spoken (there is none, or it is late)."""
    max_turn_ms: int = 60_000
    """A turn ends here even if the caller is still speaking."""
    final_wait_ms: int = 1500
    """How long after the end of turn the final text may take (the recogniser's `final_p99_ms`)."""
    repair_window_ms: int = 3000
    """A caller who goes on this soon after his turn was committed was not done: the turn is opened again."""
    late_final_ms: int = 4000
    """Text without speech, this soon after a commit, belongs to the committed turn; later it is a turn of its own."""
    patience: Patience = Patience.NORMAL

    def wait_ms(self, probability: float | None, patience: Patience | None = None) -> int:
        """Silence, from the true end of speech, that ends the turn. `probability` None: no turn model has spoken."""
        if probability is None:
            silence_ms = self.plain_ms
        else:
            silence_ms = self.short_ms if probability > self.threshold else self.long_ms
        return round(silence_ms * _FACTOR[patience or self.patience])
