"""Adds what sounds together on one leg: playback, taps of other legs, ambiance."""

from collections.abc import Callable

from active_call.audio.mix import mix
from active_call.plugin.values import Samples

Source = Callable[[], Samples | None]
"""Gives 20 ms (`int16[320]`), or None when it is silent just now."""


class Mixer:
    def __init__(self, first: Source) -> None:
        self._sources: list[Source] = [first]

    def add(self, source: Source) -> None:
        self._sources.append(source)

    def remove(self, source: Source) -> None:
        self._sources.remove(source)

    @property
    def extra(self) -> bool:
        """Whether anything but the first source may sound, so that the clock must always pull."""
        return len(self._sources) > 1

    def pull(self) -> Samples | None:
        sources = self._sources
        if len(sources) == 1:
            return sources[0]()
        sounding = [frame for source in sources if (frame := source()) is not None]
        if not sounding:
            return None
        return sounding[0] if len(sounding) == 1 else mix(sounding)
