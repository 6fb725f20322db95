"""The query of a WebSocket."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.protocol.ids import valid_session_id
from active_call.server.query import BadQuery, call_query


def test_without_a_query_everything_has_its_default() -> None:
    query = call_query({})
    assert (query.id, query.dump, query.ping_s, query.server_track, query.forward) == (None, True, 20, None, None)


@pytest.mark.parametrize(
    "params",
    [
        {"dump": "false", "ping": "0", "serverSideTrack": "t"},
        {"dump_events": "0", "ping_interval": "0", "server_side_track": "t"},
    ],
)
def test_the_names_of_the_code_and_of_the_documentation_are_both_read(params: dict[str, str]) -> None:
    query = call_query(params)
    assert (query.dump, query.ping_s, query.server_track) == (False, 0, "t")


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("1", True), ("false", False), ("0", False), ("True", True)]
)
def test_booleans_are_words_or_digits(text: str, value: bool) -> None:
    assert call_query({"dump": text}).dump is value
    assert call_query({"forward": text}).forward is value


def test_an_empty_value_is_an_absent_one() -> None:
    assert call_query({"id": "", "dump": "", "ping": "", "serverSideTrack": "", "forward": ""}) == call_query({})


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"dump": "yes"}, "dump"),
        ({"forward": "2"}, "forward"),
        ({"ping": "-1"}, "ping"),
        ({"ping": "1.5"}, "ping"),
        ({"ping": "²"}, "ping"),
        ({"ping": "4294967296"}, "ping"),
        ({"ping": "9" * 5000}, "ping"),
        ({"id": "../x"}, "id"),
        ({"id": "a/b"}, "id"),
        ({"id": "x" * 129}, "id"),
        ({"id": "a\n"}, "id"),
    ],
)
def test_what_is_wrong_is_told_by_its_name(params: dict[str, str], names: str) -> None:
    with pytest.raises(BadQuery, match=f"^{names}: ") as error:
        call_query(params)
    assert len(str(error.value)) < 200


@given(
    st.dictionaries(st.sampled_from(("id", "dump", "ping", "forward", "dump_events", "x")), st.text(string.printable))
)
def test_any_query_is_read_or_refused(params: dict[str, str]) -> None:
    try:
        query = call_query(params)
    except BadQuery:
        return
    assert query.id is None or valid_session_id(query.id)
    assert 0 <= query.ping_s < 2**32
