"""Where one side's audio belongs on the wall clock: a gap becomes silence, a burst after a stall fills that stall."""

from collections import deque

from active_call.audio.frames import RATE_HZ
from active_call.plugin.values import Samples

TOLERANCE = RATE_HZ // 10
"""Arrival may be off by 100 ms before it counts as a gap: jitter of the network, a clock that catches up."""
PATIENCE = RATE_HZ // 5
"""What comes after a gap may be the front of a burst; so long the rest of it is waited for."""
LIMIT = 10 * RATE_HZ
"""At most 10 s wait: of a writer that is stuck, or of a peer that sends faster than time passes."""


class Side:
    """One channel of a recording. `add` belongs to the media clock's thread, everything else to the writer's.

    Positions are samples since the recording began. Audio follows on the audio before it, unless it arrived later than
    `TOLERANCE` after it was due; then it starts where it arrived, so that the file lasts as long as the call.
    """

    def __init__(self, *, hold: int) -> None:
        self.end = 0
        """Where audio that follows without a gap will go."""
        self.dropped = 0
        """Samples beyond `LIMIT`."""
        self._hold = hold
        self._inbox: deque[tuple[int, int, Samples]] = deque()
        self._waiting: deque[tuple[int, int, Samples]] = deque()
        self._placed: deque[tuple[int, Samples]] = deque()
        self._added = 0
        self._taken = 0

    def add(self, arrived: int, start: int, samples: Samples) -> None:
        """`samples` came at `arrived` and would begin at `start`. They are copied."""
        if self._added - self._taken > LIMIT:
            self.dropped += len(samples)
            return
        self._added += len(samples)
        self._inbox.append((arrived, start, samples.copy()))

    def settle(self, now: int, written: int, *, last: bool = False) -> None:
        """Give what has come its place, which is never before `written`."""
        waiting = self._waiting
        while self._inbox:
            entry = self._inbox.popleft()
            self._taken += len(entry[2])
            waiting.append(entry)
        self.end = max(self.end, written)
        while waiting:
            arrived, start, samples = waiting[0]
            if start - self.end > TOLERANCE:
                if now - arrived < PATIENCE and not last:
                    return
                gap = self._gap()
                self.end += gap if gap > TOLERANCE else 0
            waiting.popleft()
            if self.end - now > LIMIT:
                self.dropped += len(samples)
                continue
            self._placed.append((self.end, samples))
            self.end += len(samples)

    def settled(self, now: int) -> int:
        """Nothing more will be placed before this."""
        return max(self.end, now - self._hold)

    def fill(self, column: Samples, begin: int) -> None:
        """Put into `column`, all zeros, what lies at `begin` and after it; that is forgotten here."""
        stop = begin + len(column)
        placed = self._placed
        while placed and placed[0][0] < stop:
            position, samples = placed.popleft()
            used = min(len(samples), stop - position)
            column[position - begin : position - begin + used] = samples[:used]
            if used < len(samples):
                placed.appendleft((position + used, samples[used:]))

    def _gap(self) -> int:
        """The gap before what waits. Audio that comes behind it too early for its place shows how late all of it is."""
        end = self.end
        gap = self._waiting[0][1] - end
        for _, start, samples in self._waiting:
            gap = min(gap, start - end)
            end += len(samples)
        return gap
