"""Which calls there are, and which playbooks wait for one. Outside this room nobody holds a `Call`."""

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from active_call.plugin.leg import Wire
from active_call.protocol.commands import BadCommand, Command
from active_call.protocol.events import Event
from active_call.protocol.ids import new_session_id

STAGED_S = 300.0
"""How long a staged playbook waits for its call."""


class CallHandle(Protocol):
    """One call as the server sees it."""

    @property
    def id(self) -> str: ...

    @property
    def call_type(self) -> str: ...

    def command(self, command: Command) -> None:
        """Carried out in order, later. Never waits and never fails: what is wrong comes as an `error` event."""
        ...

    async def room(self) -> None:
        """Returns when more commands may come; at once unless very many wait."""
        ...

    def complain(self, bad: BadCommand) -> None:
        """A text that was no command: an `error` event says so."""
        ...

    def events(self, after: int = 0) -> AsyncIterator[tuple[int, Event]]:
        """Numbered events until the call's last. Raises `call.log.Lagged`."""
        ...

    def timeline(self, after: int = 0) -> AsyncIterator[tuple[int, Event | Command]]:
        """Events, and the commands between them, with the numbers that `events` has. Raises `call.log.Lagged`."""
        ...

    @property
    def last(self) -> int:
        """Number of the newest event or command: what comes next has a higher one."""
        ...

    def wrote(self, number: int) -> None:
        """The event of that number went out on the controller's socket."""
        ...

    def lost(self, wire: Wire | None = None) -> None:
        """The controller's socket is gone: the call ends, or waits for the grace (`reattach_grace`)."""
        ...

    def attach(self, wire: Wire | None, received: int | None = None) -> int:
        """Another socket takes the lost one's place; the number of the event after which it goes on.

        `received` is how many events the client has got on all its sockets; None: go on behind the last one written.
        Raises `WrongState` while the old socket is there, or when the call is over.
        """
        ...

    def end(self, reason: str, initiator: str) -> None: ...

    async def done(self) -> None:
        """Returns when nothing of the call is alive any more."""
        ...

    def summary(self) -> Mapping[str, Any]:
        """An item of `/list`; no secrets."""
        ...


class IdTaken(Exception):
    """A live call has this id."""


@dataclass(frozen=True)
class Staged:
    """A playbook for a call to come: a file's name, or its text."""

    name: str | None
    content: str | None
    expires: float


class Directory:
    def __init__(self) -> None:
        self._calls: dict[str, CallHandle] = {}
        self._staged: dict[str, Staged] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def find(self, call_id: str) -> CallHandle | None:
        return self._calls.get(call_id)

    def all(self) -> tuple[CallHandle, ...]:
        return tuple(self._calls.values())

    def add(self, call: CallHandle) -> None:
        """Raises `IdTaken`."""
        if call.id in self._calls:
            raise IdTaken(f"a call with id {call.id} is live")
        self._calls[call.id] = call

    def remove(self, call: CallHandle) -> None:
        if self._calls.get(call.id) is call:
            del self._calls[call.id]

    def stage(self, *, name: str | None = None, content: str | None = None) -> str:
        """The session id under which that playbook will run."""
        self._sweep()
        session_id = new_session_id()
        self._staged[session_id] = Staged(name, content, time.monotonic() + STAGED_S)
        return session_id

    def knows(self, call_id: str) -> bool:
        """Whether that id is of a live call here, or of one that waits for its controller."""
        self._sweep()
        return call_id in self._calls or call_id in self._staged

    def take_staged(self, session_id: str) -> Staged | None:
        self._sweep()
        return self._staged.pop(session_id, None)

    def _sweep(self) -> None:
        now = time.monotonic()
        for session_id in [key for key, staged in self._staged.items() if staged.expires < now]:
            del self._staged[session_id]
