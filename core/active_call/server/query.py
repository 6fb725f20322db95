"""The query of a WebSocket: the names of the reference's code and those of its documentation."""

from collections.abc import Mapping
from dataclasses import dataclass

from active_call.protocol.ids import valid_session_id

PING_S = 20
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class BadQuery(ValueError):
    """The text is for the client."""


@dataclass(frozen=True, slots=True)
class CallQuery:
    id: str | None
    """None: the server makes one."""
    dump: bool
    """Write the dump file."""
    ping_s: int
    """0: no pings."""
    server_track: str | None
    received: int | None
    """How many events of this call the client has already got, when it comes back to it."""
    forward: bool | None
    """Present on what another node sent here: it is not sent on."""


def call_query(params: Mapping[str, str]) -> CallQuery:
    """Empty values count as absent. Raises `BadQuery`."""
    call_id = params.get("id") or None
    if call_id is not None and not valid_session_id(call_id):
        raise BadQuery("id: letters, digits and ._:@+=- only, at most 128, no '..'")
    dump = _boolean(params, "dump", "dump_events")
    forward = _boolean(params, "forward")
    ping = _either(params, "ping", "ping_interval")
    if ping is not None and not (ping.isascii() and ping.isdecimal() and len(ping) <= 10 and int(ping) < 2**32):
        raise BadQuery(f"ping: {ping[:40]!r} is not a number of seconds")
    return CallQuery(
        id=call_id,
        dump=True if dump is None else dump,
        ping_s=PING_S if ping is None else int(ping),
        server_track=_either(params, "serverSideTrack", "server_side_track"),
        received=_count(params, "received"),
        forward=forward,
    )


def _count(params: Mapping[str, str], name: str) -> int | None:
    value = params.get(name)
    if not value:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) <= 9):
        raise BadQuery(f"{name}: {value[:40]!r} is not a number of events")
    return int(value)


def _either(params: Mapping[str, str], *names: str) -> str | None:
    return next((value for name in names if (value := params.get(name))), None)


def _boolean(params: Mapping[str, str], *names: str) -> bool | None:
    value = _either(params, *names)
    if value is None:
        return None
    if value.lower() not in _BOOLEANS:
        raise BadQuery(f"{names[0]}: {value[:40]!r} is neither true nor false")
    return _BOOLEANS[value.lower()]
