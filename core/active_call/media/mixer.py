"""Adds what sounds together on one leg: playback, taps of other legs, ambiance; and lets others listen to the sum."""

from collections.abc import Callable

import numpy as np

from active_call.audio.mix import mix
from active_call.plugin.values import Samples

from .ambiance import Ambiance

Source = Callable[[], Samples | None]
"""Gives 20 ms (`int16[320]`), or None when it is silent just now."""
Listener = Callable[[Samples], None]


class Mixer:
    """`pull` is called once per 20 ms. A frame that listeners get is not theirs to change."""

    def __init__(self, first: Source) -> None:
        self.background: Ambiance | None = None
        self.muted = False
        """The first source (playback) is silenced; it goes on all the same."""
        self._first = first
        self._others: list[Source] = []
        self._listeners: list[Listener] = []

    def add(self, source: Source) -> None:
        self._others.append(source)

    def remove(self, source: Source) -> None:
        self._others.remove(source)

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def unlisten(self, listener: Listener) -> None:
        self._listeners.remove(listener)

    @property
    def extra(self) -> bool:
        """Whether anything but the first source may sound, so that the clock must always pull."""
        return bool(self._others) or self.background is not None

    def pull(self) -> Samples | None:
        frame = self._first()
        if self.muted and frame is not None:
            frame = np.zeros_like(frame)
        if self._others:
            frame = self._with_others(frame)
        if self.background is not None:
            frame = self.background.under(frame)
        if frame is not None:
            for listener in self._listeners:
                listener(frame)
        return frame

    def _with_others(self, frame: Samples | None) -> Samples | None:
        sounding = [] if frame is None else [frame]
        sounding += [other for source in self._others if (other := source()) is not None]
        if len(sounding) > 1:
            return mix(sounding)
        return sounding[0] if sounding else None
