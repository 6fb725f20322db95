"""The states of a call, as a table: what may follow what. Codes are SIP-like."""

from enum import StrEnum


class CallState(StrEnum):
    CREATED = "created"
    """The controller is there, the leg is not."""
    DIALLING = "dialling"
    INCOMING = "incoming"
    RINGING = "ringing"
    EARLY = "early"
    ANSWERED = "answered"
    ENDING = "ending"
    ENDED = "ended"


_OPEN = frozenset({CallState.ENDING})
TRANSITIONS: dict[CallState, frozenset[CallState]] = {
    CallState.CREATED: _OPEN | {CallState.DIALLING, CallState.INCOMING},
    CallState.DIALLING: _OPEN | {CallState.RINGING, CallState.EARLY, CallState.ANSWERED, CallState.CREATED},
    CallState.INCOMING: _OPEN | {CallState.RINGING, CallState.EARLY, CallState.ANSWERED},
    CallState.RINGING: _OPEN | {CallState.EARLY, CallState.ANSWERED},
    CallState.EARLY: _OPEN | {CallState.ANSWERED},
    CallState.ANSWERED: _OPEN,
    CallState.ENDING: frozenset({CallState.ENDED}),
    CallState.ENDED: frozenset(),
}


class WrongState(Exception):
    """What was asked does not fit the state of the call; the text is for the client."""


def check(before: CallState, after: CallState) -> None:
    """Raises `WrongState` for a transition that the table does not have."""
    if after not in TRANSITIONS[before]:
        raise WrongState(f"a call that is {before} cannot become {after}")
