"""`bridge` and `unbridge`: two calls hear each other through taps; neither ever waits for the other."""

from collections.abc import Callable
from typing import Protocol

from active_call.audio import FRAME_SAMPLES
from active_call.media.channel import Channel
from active_call.media.intake import Feed
from active_call.media.tap import Tap


class Party(Protocol):
    """One of the two, as the other sees it."""

    @property
    def id(self) -> str: ...

    @property
    def bridges(self) -> "Bridges | None":
        """None: it has no media (yet)."""
        ...


class Bridges:
    """The bridges of one call; made when it has media. Methods raise ValueError with the reason."""

    def __init__(
        self,
        own_id: str,
        channel: Channel,
        *,
        find: Callable[[str], Party | None],
        started: Callable[[str], None],
        ended: Callable[[str], None],
    ) -> None:
        """`started(track)` and `ended(track)` tell this call's clients."""
        self._id = own_id
        self._channel = channel
        self._find = find
        self._started = started
        self._ended = ended
        self._taps: dict[str, Tap] = {}
        self._feeds: dict[str, Feed] = {}

    def bridge(self, target: str) -> None:
        if target == self._id:
            raise ValueError("cannot bridge a call to itself")
        if target in self._taps:
            raise ValueError(f"already bridged with {target}")
        peer = self._find(target)
        if peer is None or peer.bridges is None:
            raise ValueError(f"bridge target session not found: {target}")
        self._join(target, peer.bridges)
        peer.bridges._join(self._id, self)

    def unbridge(self, target: str) -> None:
        """A peer that is gone, or never was, is no error."""
        peer = self._find(target)
        self._part(target)
        if peer is not None and peer.bridges is not None:
            peer.bridges._part(self._id)

    def close(self) -> None:
        for target in list(self._taps):
            self.unbridge(target)

    def _join(self, peer_id: str, peer: "Bridges") -> None:
        """Hear the peer's party from now on."""
        tap = self._taps[peer_id] = Tap()
        self._channel.mixer.add(tap.pull)
        intake = peer._channel.intake
        self._feeds[peer_id] = intake.feed(intake.written, FRAME_SAMPLES, tap.push)
        self._channel.clock.speak(self._channel)
        self._started(self._track(peer_id))

    def _part(self, peer_id: str) -> None:
        tap = self._taps.pop(peer_id, None)
        if tap is None:
            return
        self._channel.mixer.remove(tap.pull)
        feed = self._feeds.pop(peer_id)
        peer = self._find(peer_id)
        if peer is not None and peer.bridges is not None:
            peer.bridges._channel.intake.unfeed(feed)
        self._ended(self._track(peer_id))

    def _track(self, peer_id: str) -> str:
        return f"bridge:{self._id}:to:{peer_id}"
