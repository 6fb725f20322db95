"""Where the time of a turn went: a timestamp per stage on one monotonic clock, so that the stages sum to the total."""

from dataclasses import dataclass, field

STAGES = ("endpoint", "asr", "llm", "sentence", "tts", "play")
"""endpoint: from the last spoken sample to the decision that the turn is over; asr: to the final text; llm: to the
brain's first text; sentence: to the first sentence handed to the voice; tts: to its first audio; play: to the first
frame handed to the leg."""


@dataclass(slots=True)
class TurnStages:
    """Stamped as a turn goes on; each stage only once."""

    spoken_ms: int
    """When the caller's last sample was spoken."""
    stamps: dict[str, int] = field(default_factory=dict)

    def stamp(self, stage: str, now_ms: int) -> None:
        self.stamps.setdefault(stage, now_ms)

    @property
    def complete(self) -> bool:
        return "play" in self.stamps

    def durations_ms(self) -> dict[str, int]:
        """Milliseconds of each stage that was reached, and `total`; a stage that was skipped counts 0."""
        result: dict[str, int] = {}
        before = self.spoken_ms
        for stage in STAGES:
            at = self.stamps.get(stage)
            if at is not None:
                result[stage] = max(0, at - before)
                before = max(before, at)
            elif not self.complete:
                break
            else:
                result[stage] = 0
        result["total"] = before - self.spoken_ms
        return result
