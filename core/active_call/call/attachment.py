"""The controller's socket as the call sees it: it may be lost, and within a grace another one may take its place."""

import asyncio
from collections.abc import Callable

from active_call.plugin.leg import Wire

from .states import WrongState


class Attachment:
    """One call's. Lends the leg a `Wire`, whichever socket is there: without one, audio goes nowhere."""

    def __init__(
        self,
        wire: Wire | None,
        *,
        grace_s: float,
        on_detached: Callable[[], None],
        on_attached: Callable[[], None],
        on_gone: Callable[[], None],
    ) -> None:
        """`on_gone` is called when nobody has come back within the grace; at once when that is 0."""
        self._wire = wire
        self._attached = True
        self._grace_s = grace_s
        self._on_detached = on_detached
        self._on_attached = on_attached
        self._on_gone = on_gone
        self._on_data: Callable[[bytes], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.seen = 0
        """Number of the newest event that was written to a socket."""

    # ------------------------------------------------------------ sockets come and go

    def lost(self, wire: Wire | None) -> None:
        """That socket (None: the present one) is gone; one that was replaced long ago does not matter any more."""
        if not self._attached or wire not in (None, self._wire):
            return
        self._attached = False
        if self._grace_s <= 0:
            self._on_gone()
            return
        self._timer = asyncio.get_running_loop().call_later(self._grace_s, self._on_gone)
        self._on_detached()

    def attach(self, wire: Wire | None) -> None:
        """A new socket takes the lost one's place. Raises `WrongState` while the old one is there."""
        if self._attached:
            raise WrongState("the call's own socket is still there")
        self.close()
        self._wire, self._attached = wire, True
        if wire is not None and self._on_data is not None:
            wire.attach(self._on_data)
        self._on_attached()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # ------------------------------------------------------------ audio

    @property
    def wire(self) -> "Wire | None":
        """For the leg; None when audio does not cross on the controller's socket."""
        return AttachedWire(self) if self._wire is not None else None

    def send(self, data: bytes) -> None:
        if self._attached and self._wire is not None:
            self._wire.send(data)

    @property
    def unsent_bytes(self) -> int:
        return self._wire.unsent_bytes if self._attached and self._wire is not None else 0

    def attach_audio(self, on_data: Callable[[bytes], None]) -> None:
        self._on_data = on_data
        if self._attached and self._wire is not None:
            self._wire.attach(on_data)


class AttachedWire:
    """The `Wire` that a leg is lent; the attachment behind it knows which socket it is."""

    def __init__(self, attachment: Attachment) -> None:
        self._attachment = attachment
        self.send = attachment.send
        self.attach = attachment.attach_audio

    @property
    def unsent_bytes(self) -> int:
        return self._attachment.unsent_bytes
