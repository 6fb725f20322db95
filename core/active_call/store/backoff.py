"""When a failed delivery is tried again, and when it is given up. Pure functions of the past."""

import random
from dataclasses import dataclass

DAY_S = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Each wait is twice the last one, at most `longest_s`, and random by a quarter, so that a crowd spreads out."""

    first_s: float = 1.0
    longest_s: float = 900.0
    give_up_after_s: float = 3 * DAY_S
    """Counted from when the entry was put."""
    give_up_attempts: int = 1000

    def wait_s(self, attempts: int, *, asked_s: float | None = None) -> float:
        """How long to wait after so many failed attempts (1 or more); `asked_s` is the other side's Retry-After."""
        doubled = self.first_s * 2.0 ** min(attempts - 1, 40)
        wait = min(doubled, self.longest_s) * random.uniform(0.75, 1.25)
        return max(wait, min(asked_s or 0.0, self.give_up_after_s))

    def hopeless(self, attempts: int, age_s: float) -> bool:
        return attempts >= self.give_up_attempts or age_s >= self.give_up_after_s
