"""`subscribe`: both sides of a SIP or WebRTC call as binary frames on the controller's WebSocket."""

from active_call.audio import FRAME_SAMPLES
from active_call.audio.frames import to_s16le
from active_call.media.channel import Channel
from active_call.plugin.leg import Wire
from active_call.plugin.values import Samples

SERVER_SIDE, CALLER = b"\x00", b"\x01"
"""The first byte of a frame; s16le mono at 16 kHz follows, 20 ms of it."""


def subscribe(channel: Channel, wire: Wire) -> None:
    """Until the channel closes. A reader that is too slow loses its connection, as with events."""

    def caller(samples: Samples) -> None:
        wire.send(CALLER + to_s16le(samples))

    def server(samples: Samples) -> None:
        wire.send(SERVER_SIDE + to_s16le(samples))

    channel.intake.feed(channel.intake.written, FRAME_SAMPLES, caller)
    channel.mixer.listen(server)
