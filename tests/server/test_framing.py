"""The short cut gives what the parser of `websockets` gives, in order, however TCP cuts the stream."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from active_call.server import framing
from active_call.server.framing import FrameCutter

MAX_SIZE = 100_000
Message = tuple[int, bytes, bool]


class Peer:
    """What one side of the comparison delivered; it stops where the parser gave up."""

    def __init__(self, *, short_cut: bool) -> None:
        self.got: list[Message] = []
        self.by_hand = 0
        self.parser = ServerProtocol(state=State.OPEN, max_size=MAX_SIZE)
        self.cutter = FrameCutter(self._binary, self._other, simple=self._simple, max_size=MAX_SIZE)
        self.feed: Callable[[bytes], None] = self.cutter.feed if short_cut else self._other

    def _simple(self) -> bool:
        return self.parser.state is State.OPEN and self.parser.current_size is None

    def _binary(self, data: bytes) -> None:
        assert isinstance(data, bytes)
        self.by_hand += 1
        self.got.append((Opcode.BINARY, data, True))

    def _other(self, data: bytes) -> None:
        if self.parser.parser_exc is None:
            self.parser.receive_data(data)
            frames = [event for event in self.parser.events_received() if isinstance(event, Frame)]
            self.got += [(int(frame.opcode), bytes(frame.data), frame.fin) for frame in frames]

    def outcome(self) -> tuple[list[Message], State, str, bytes]:
        return self.got, self.parser.state, repr(self.parser.parser_exc), b"".join(self.parser.data_to_send())


def both(stream: bytes, cuts: list[int]) -> Peer:
    short, long = Peer(short_cut=True), Peer(short_cut=False)
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    for start, end in itertools.pairwise(edges):
        short.feed(stream[start:end])
    long.feed(stream)
    assert short.outcome() == long.outcome()
    return short


def masked(opcode: Opcode, data: bytes, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


payload = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b"", b"a" * 125, b"b" * 126, b"c" * 640, b"d" * 65535, b"e" * 65536, b"f" * 70_000]),
)
whole = st.one_of(
    st.builds(masked, st.just(Opcode.BINARY), payload),
    st.builds(masked, st.just(Opcode.TEXT), payload),
    st.builds(masked, st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125)),
    st.lists(payload, min_size=1, max_size=3).map(
        lambda parts: b"".join(
            masked(Opcode.CONT if n else Opcode.BINARY, part, n == len(parts) - 1) for n, part in enumerate(parts)
        )
    ),
)
wrong = st.sampled_from(
    [
        Frame(Opcode.BINARY, b"unmasked").serialize(mask=False),
        masked(Opcode.BINARY, b"too long " * 20_000),
        masked(Opcode.CONT, b"of nothing"),
        masked(Opcode.BINARY, b"begun", False) + masked(Opcode.BINARY, b"in between"),
        b"\xc2" + masked(Opcode.BINARY, b"a reserved bit")[1:],
        b"\x83" + masked(Opcode.BINARY, b"an unknown opcode")[1:],
        masked(Opcode.CLOSE, b"\x03\xe8goodbye"),
    ]
)
cuts = st.lists(st.integers(0, 1_000_000), max_size=30)


@settings(max_examples=200, deadline=None)
@given(st.lists(whole, max_size=12), cuts)
def test_any_frames_in_any_pieces_give_the_same_messages(frames: list[bytes], cuts: list[int]) -> None:
    both(b"".join(frames), cuts)


@settings(max_examples=150, deadline=None)
@given(st.lists(whole, max_size=4), wrong, st.lists(whole, max_size=3), cuts)
def test_what_is_wrong_ends_both_in_the_same_way(
    before: list[bytes], bad: bytes, after: list[bytes], cuts: list[int]
) -> None:
    both(b"".join([*before, bad, *after]), cuts)


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=14, max_size=300), cuts)
def test_noise_is_refused_in_the_same_way(noise: bytes, cuts: list[int]) -> None:
    both(noise + bytes(MAX_SIZE), cuts)


def test_a_stream_that_comes_byte_by_byte_is_understood() -> None:
    stream = b"".join(masked(Opcode.BINARY, bytes([n]) * size) for n, size in enumerate((0, 1, 125, 126, 640, 66_000)))
    both(stream, list(range(1500)))


def test_audio_does_not_pass_through_the_parser() -> None:
    frames = [masked(Opcode.BINARY, b"x" * 640) for _ in range(50)]
    assert both(b"".join(frames), list(range(0, 33_000, 1000))).by_hand == 50


def test_a_long_frame_in_small_pieces_costs_no_more_than_its_length() -> None:
    peer = Peer(short_cut=True)
    stream = masked(Opcode.TEXT, b"x" * 99_000)
    for at in range(0, len(stream), 10):
        peer.feed(stream[at : at + 10])
    assert peer.got == [(Opcode.TEXT, b"x" * 99_000, True)]


def test_the_short_cut_is_used_with_the_installed_websockets() -> None:
    assert framing.USABLE


def test_it_is_not_used_with_a_parser_that_behaves_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "apply_mask", lambda data, mask: data)
    assert not framing.usable()
    monkeypatch.undo()
    monkeypatch.setattr(framing, "ServerProtocol", lambda state: object())
    assert not framing.usable()
