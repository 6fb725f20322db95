"""Carries one leg's input into another leg's mixer (bridge, transfer): a ring of 3 frames; nobody waits."""

from collections import deque

from active_call.plugin.values import Samples

FRAMES = 3
"""60 ms: what the two legs' slots and jitter can differ by."""


class Tap:
    """`push` is a feed's sink (whole frames of 20 ms at 16 kHz), `pull` a mixer's source."""

    def __init__(self) -> None:
        self.dropped = 0
        """Frames that came while the ring was full; the oldest was given up for each."""
        self._frames: deque[Samples] = deque()

    def push(self, frame: Samples) -> None:
        if len(self._frames) == FRAMES:
            self._frames.popleft()
            self.dropped += 1
        self._frames.append(frame)

    def pull(self) -> Samples | None:
        return self._frames.popleft() if self._frames else None
