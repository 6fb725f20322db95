"""Who wrote the addresses that the running task uses: what the shared HTTP client is judged by.

Each task of a provider's session begins with `act_for`. A task that forgets may reach no more than a client may.
"""

from contextvars import ContextVar

from active_call.guard.outbound import Trust as Trust

_TRUST: ContextVar[Trust] = ContextVar("trust", default=Trust.CLIENT)


def act_for(trust: Trust) -> None:
    """From now on this task, and those that it starts, connect on behalf of `trust`."""
    _TRUST.set(trust)


def current_trust() -> Trust:
    """For `OutboundPolicy.client`."""
    return _TRUST.get()
