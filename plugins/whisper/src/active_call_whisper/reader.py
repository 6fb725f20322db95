"""The model as all calls of the process share it: who may decode now, and when guesses have to wait."""

import time
from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Protocol

from active_call.plugin.host import Host
from active_call.plugin.values import Samples

from .lanes import Lanes
from .languages import Language
from .reading import Reading


class Decoder(Protocol):
    multilingual: bool

    def decode(self, samples: Samples, language: Language | None, stop: Event) -> Reading:
        """What `int16[n]` at 16 kHz, at most 30 s, says. Blocks; called from several threads at once."""
        ...


_SLOW_S = 0.5
"""Guesses come once a second: from here on they would take more than half of a lane."""
_REST_S = 5.0


class Reader:
    """`read` is for what must be known, `guess` for partial results, which are the first to go under load."""

    def __init__(
        self,
        host: Host,
        decoder: Decoder,
        *,
        lanes: int,
        partials: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._decoder = decoder
        self._lanes = Lanes(host, lanes)
        self._partials = partials
        self._clock = clock
        self._rest_until = 0.0

    @property
    def multilingual(self) -> bool:
        return self._decoder.multilingual

    @property
    def may_guess(self) -> bool:
        """No lane is wanted for anything else, and the last guess was quick."""
        return self._partials and not self._lanes.busy and self._clock() >= self._rest_until

    async def read(self, samples: Samples, language: Language | None) -> Reading:
        return await self._lanes.run(partial(self._decoder.decode, samples, language))

    async def guess(self, samples: Samples, language: Language | None) -> Reading:
        began = self._clock()
        reading = await self.read(samples, language)
        if self._clock() - began > _SLOW_S:
            self._rest_until = self._clock() + _REST_S
        return reading
