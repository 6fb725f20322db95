"""Legs: opened by the transport of the call's type, their news translated into events of the wire."""

from collections.abc import Mapping
from typing import Any

from active_call.plugin.leg import (
    Dtmf,
    Hold,
    Leg,
    LegEvent,
    MediaReady,
    OpenRequest,
    Ringing,
    TextMessage,
    Transfer,
    Wire,
)
from active_call.plugin.registry import Kind
from active_call.protocol import events as ev
from active_call.providers.pool import ProviderPool


async def open_leg(
    pool: ProviderPool, call_type: str, call_id: str, option: Mapping[str, Any], wire: Wire | None
) -> Leg:
    """Not answered yet. Raises ValueError with a text for the client, or whatever a transport can raise."""
    offers = pool.registry.offers(Kind.TRANSPORT)
    name = next((offer.name for offer in offers if offer.traits.call_type == call_type), None)
    if name is None:
        raise ValueError(f"no installed plugin connects {call_type} calls")
    transport = await pool.open(Kind.TRANSPORT, name)
    leg: Leg = await transport.open(OpenRequest(session_id=call_id, option=option, wire=wire))
    return leg


def wire_event(event: LegEvent, call_id: str, now_ms: int) -> ev.Event | None:
    """What clients are told of a leg's news; None: `Answered` and `Ended`, which are the call's own business."""
    match event:
        case Ringing(early_media=early):
            return ev.Ringing(track_id=call_id, timestamp=now_ms, early_media=early)
        case MediaReady():
            return ev.MediaReady(track_id=call_id, timestamp=now_ms)
        case Dtmf(digit=digit):
            return ev.Dtmf(track_id=call_id, timestamp=now_ms, digit=digit)
        case Hold(on=on):
            return ev.Hold(track_id=call_id, timestamp=now_ms, on_hold=on)
        case Transfer(to=to, by=by):
            return ev.TransferRequest(track_id=call_id, timestamp=now_ms, refer_to=to, referred_by=by)
        case TextMessage(body=body, content_type=content_type):
            return ev.Message(track_id=call_id, timestamp=now_ms, body=body, content_type=content_type)
    return None
