from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.builtin.openai_chat import sse
from active_call.builtin.openai_chat.sse import Event, EventParser, EventTooLong

STREAM = (
    "\ufeff: a comment\r\n"
    "data: 你好\r\n\r\n"
    "event: error\ndata:no blank\n\n"
    "data: two\rdata: lines 🙂\r\r"
    "id: 7\nretry: 1\nunknown\n\n"
    "data\n\n"
    "data: last"
)
EVENTS = [Event("你好"), Event("no blank", "error"), Event("two\nlines 🙂"), Event(""), Event("last")]


def parse(pieces: list[bytes]) -> list[Event]:
    parser = EventParser()
    return [event for piece in pieces for event in parser.feed(piece)] + parser.close()


def test_a_stream_in_one_piece() -> None:
    assert parse([STREAM.encode()]) == EVENTS


def test_a_stream_byte_by_byte() -> None:
    assert parse([bytes([byte]) for byte in STREAM.encode()]) == EVENTS


@given(st.lists(st.integers(0, len(STREAM.encode()))))
def test_no_split_of_the_bytes_changes_the_events(cuts: list[int]) -> None:
    data = STREAM.encode()
    ends = [0, *sorted(cuts), len(data)]
    assert parse([data[a:b] for a, b in pairwise(ends)]) == EVENTS


@given(st.lists(st.text("aé你🙂: \t{}\u2028")), st.integers(1, 7))
def test_whatever_was_sent_arrives(texts: list[str], size: int) -> None:
    data = "".join(f"data: {text}\n\n" for text in texts).encode()
    assert [event.data for event in parse([data[at : at + size] for at in range(0, len(data), size)])] == texts


@given(st.lists(st.binary(max_size=20), max_size=10))
def test_any_bytes_are_survived(pieces: list[bytes]) -> None:
    assert parse(pieces) == parse([b"".join(pieces)])


def test_an_endless_event_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 10)
    with pytest.raises(EventTooLong):
        parse([b"data: 12345\n", b"data: 678901"])
    with pytest.raises(EventTooLong):
        parse([b"x" * 11])
