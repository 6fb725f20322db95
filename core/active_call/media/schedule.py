"""When the media clock is due: an absolute schedule of micro-slots, so that late wake-ups never add up."""

from active_call.audio import FRAME_MS

SLOT_MS = 5
SLOTS = FRAME_MS // SLOT_MS
"""Slots of one frame."""
CATCH_UP_SLOTS = 3 * SLOTS
"""A late clock makes up for 3 frames at most; what is older is a gap on the wire, and nothing is lost from playback."""
EARLY_MS = 1.0
"""A timer of whole milliseconds (uvloop's) may come this much too early; waiting for the rest would cost a wake-up."""


class Schedule:
    """Slots are due at `start_ms` + 5, + 10 and so on, of a monotonic clock with fractions."""

    def __init__(self, start_ms: float) -> None:
        self.due_ms = start_ms + SLOT_MS
        """When the next slot is due."""
        self.skipped_slots = 0
        """Slots that were too old to make up for."""

    def due(self, now_ms: float) -> int:
        """How many slots to tick now; they are then done."""
        late = now_ms - self.due_ms
        if late < -EARLY_MS:
            return 0
        slots = 1 + max(0, int(late // SLOT_MS))
        skipped = max(0, slots - 1 - CATCH_UP_SLOTS)
        self.skipped_slots += skipped
        self.due_ms += slots * SLOT_MS
        return slots - skipped
