"""The media of one leg: what it says (intake), what it hears (playback, mixer), driven by the clock."""

import numpy as np

from active_call.audio import RATE_HZ
from active_call.audio.resample import Resampler
from active_call.plugin.leg import Leg
from active_call.plugin.providers import Detector
from active_call.plugin.values import Samples

from .clock import MediaClock
from .edges import SpeechEdges
from .intake import Intake, OnEdge
from .mixer import Mixer
from .playback import Playback, PlaybackNotices


class Channel:
    """Made when a leg has media; `close` gives everything back."""

    def __init__(self, leg: Leg, clock: MediaClock, notices: PlaybackNotices) -> None:
        self.leg = leg
        self.clock = clock
        self.slot = -1
        """Which of the clock's micro-slots sends this leg's frames; the clock's own."""
        self.last_tick = -1000
        """The clock's count when this leg was last pulled; the clock's own."""
        self.failures = 0
        """How many frames in a row could not be sent; the clock's own."""
        self.intake = Intake(rate_hz=leg.rate_hz, wake=clock.heard)
        self.playback = Playback(notices, unsent=self._unsent, wake=self._wake, flush=self._flush)
        self.mixer = Mixer(self.playback.pull)
        self.muted = False
        self._out = None if leg.rate_hz == RATE_HZ else Resampler(RATE_HZ, leg.rate_hz, steady=True)
        self._up = RATE_HZ // leg.rate_hz
        clock.join(self)
        leg.attach(self._hear)

    def detect(self, detector: Detector, edges: SpeechEdges, on_edge: OnEdge) -> None:
        self.intake.detect(self.clock.detection(detector), edges, on_edge)

    def close(self) -> None:
        self.clock.leave(self)
        self.intake.close()

    @property
    def busy(self) -> bool:
        return self.mixer.extra or self.playback.busy

    def tick(self) -> None:
        """Send this leg's next 20 ms, if there is something to say; called by the clock."""
        frame = self.mixer.pull()
        if frame is None:
            return
        if self._out is not None:
            frame = self._out.process(frame)
        self.leg.send(frame)

    def _hear(self, samples: Samples) -> None:
        if self.muted:
            samples = np.zeros_like(samples)
        self.intake.append(samples)

    def _unsent(self) -> int:
        return self.leg.unsent_samples * self._up

    def _flush(self) -> int:
        return self.leg.flush() * self._up

    def _wake(self) -> None:
        if self.clock.speak(self) and self._out is not None:
            # Its last 2 ms of what was said before would sound as a tick now.
            self._out.reset()
