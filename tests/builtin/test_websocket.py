import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.audio.g711 import encode_alaw, encode_ulaw
from active_call.builtin.websocket import WebSocketLeg, WebSocketTransport, open_transport
from active_call.plugin.errors import NotSupported
from active_call.plugin.leg import Answered, Ended, OpenRequest

FRAME = np.arange(-160, 160).astype(np.int16) * 100


class Wire:
    """The binary half of a socket."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.unsent_bytes = 0
        self.receive: Callable[[bytes], None] = lambda data: None

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def attach(self, on_data: Callable[[bytes], None]) -> None:
        self.receive = on_data


def leg(codec: str = "pcm") -> tuple[WebSocketLeg, Wire, list[np.ndarray]]:
    wire, heard = Wire(), []
    made = WebSocketLeg(wire, codec)
    made.attach(heard.append)
    return made, wire, heard


@pytest.mark.parametrize(
    ("codec", "rate_hz", "size"),
    [("pcm", 16000, 640), ("pcmu", 8000, 160), ("pcma", 8000, 160), ("g722", 16000, 160)],
)
def test_a_frame_of_20_ms_has_the_size_of_its_codec(codec: str, rate_hz: int, size: int) -> None:
    made, wire, _ = leg(codec)
    assert made.rate_hz == rate_hz
    made.send(FRAME[: rate_hz // 50])
    assert [len(data) for data in wire.sent] == [size]


def test_pcm_is_little_endian_both_ways() -> None:
    made, wire, heard = leg()
    made.send(np.array([1, -2], np.int16))
    assert wire.sent == [b"\x01\x00\xfe\xff"]
    wire.receive(b"\x01\x00\xfe\xff")
    assert heard[0].tolist() == [1, -2]
    assert heard[0].dtype == np.int16


@pytest.mark.parametrize(("codec", "encode"), [("pcmu", encode_ulaw), ("pcma", encode_alaw)])
def test_g711_is_the_right_law_both_ways(codec: str, encode: Any) -> None:
    made, wire, heard = leg(codec)
    made.send(FRAME[:160])
    assert wire.sent == [encode(FRAME[:160])]
    wire.receive(wire.sent[0])
    assert np.abs(heard[0].astype(int) - FRAME[:160]).max() <= np.abs(FRAME).max() / 16


def test_g722_carries_a_tone_both_ways_and_each_leg_remembers_its_own() -> None:
    tone = (np.sin(2 * np.pi * 440 * np.arange(16000) / 16000) * 8000).astype(np.int16)
    (first, wire, heard), (second, other_wire, other_heard) = leg("g722"), leg("g722")
    for start in range(0, len(tone), 320):
        first.send(tone[start : start + 320])
        second.send(np.zeros(320, np.int16))
    for data, silent in zip(wire.sent, other_wire.sent, strict=True):
        wire.receive(data)
        other_wire.receive(silent)
    spectrum = np.abs(np.fft.rfft(np.concatenate(heard)))
    assert spectrum.argmax() == 440
    assert np.abs(np.concatenate(other_heard)).max() < 50


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_a_sample_cut_in_two_by_a_message_is_put_together_again(messages: list[bytes]) -> None:
    made, wire, heard = leg()
    for message in messages:
        wire.receive(message)
    stream = b"".join(messages)
    whole = np.frombuffer(stream[: len(stream) // 2 * 2], "<i2")
    np.testing.assert_array_equal(np.concatenate([np.zeros(0, np.int16), *heard]), whole)
    assert made.odd_messages == sum(len(message) % 2 for message in messages)
    assert all(len(samples) for samples in heard)


def test_messages_of_any_length_are_taken() -> None:
    _, wire, heard = leg("pcmu")
    for size in (1, 159, 0, 5000):
        wire.receive(bytes(size))
    assert [len(samples) for samples in heard] == [1, 159, 5000]


@pytest.mark.parametrize(("codec", "samples"), [("pcm", 500), ("pcmu", 1000), ("pcma", 1000), ("g722", 2000)])
def test_what_the_socket_still_holds_counts_as_unsent(codec: str, samples: int) -> None:
    made, wire, _ = leg(codec)
    wire.unsent_bytes = 1000
    assert made.unsent_samples == samples
    assert made.flush() == 0


async def test_hanging_up_leads_to_one_end_and_to_silence() -> None:
    made, wire, heard = leg()
    await made.answer()
    await made.hang_up("bye")
    await made.hang_up("again")
    await made.reject(486)
    events = [event async for event in made.events()]
    assert events == [Answered(), Ended(cause="bye", by_remote=False)]
    wire.receive(bytes(640))
    made.send(FRAME)
    assert (heard, wire.sent) == ([], [])


async def test_what_a_socket_cannot_do_is_refused_before_anything_happens() -> None:
    made, _, _ = leg()
    for refused in (
        made.ring(),
        made.candidate("", None, None),
        made.send_dtmf("1"),
        made.message("hello", "text/plain", {}),
        made.refer("sip:a@b", {}),
    ):
        with pytest.raises(NotSupported, match="WebSocket call"):
            await refused


@pytest.mark.parametrize(("codec", "rate_hz"), [(None, 16000), ("PCMU", 8000), ("pcma", 8000), ("G722", 16000)])
async def test_the_invite_names_the_codec_and_pcm_is_the_default(codec: str | None, rate_hz: int) -> None:
    request = OpenRequest(session_id="s", option={"codec": codec} if codec else {}, wire=Wire())
    assert (await WebSocketTransport().open(request)).rate_hz == rate_hz


async def test_a_codec_it_lacks_is_refused_with_those_it_has() -> None:
    request = OpenRequest(session_id="s", option={"codec": "opus"}, wire=Wire())
    with pytest.raises(ValueError, match=r"option\.codec: 'opus' is not supported; use one of pcm, pcmu, pcma, g722"):
        await WebSocketTransport().open(request)


async def test_without_a_socket_there_is_no_call() -> None:
    with pytest.raises(ValueError, match="connect to /call"):
        await WebSocketTransport().open(OpenRequest(session_id="s"))


async def test_the_transport_listens_to_nothing_and_has_no_routes() -> None:
    host: Any = SimpleNamespace()
    async with open_transport(host, {}) as transport:
        assert transport.routes() == ()
        async with transport.listen(host, {}, lambda leg: None):
            await asyncio.sleep(0)
