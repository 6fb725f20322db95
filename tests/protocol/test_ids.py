import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.protocol.ids import new_session_id, valid_session_id


@pytest.mark.parametrize(
    "text", ["s.3f02e48d-d93a-4e6f-a801-e8b55b480c24", "7b7e015aa258@peer-0EezqgqI-22b7cf17", "0", "a" * 128, "a:b=c+d"]
)
def test_ids_that_clients_use_are_valid(text: str) -> None:
    assert valid_session_id(text)


@pytest.mark.parametrize("text", ["", "../x", "a/b", "a\\b", "a..b", ".a", "-a", "a b", "a\n", "a" * 129, "ä", "a\0"])
def test_ids_that_could_leave_their_directory_or_break_a_url_are_not(text: str) -> None:
    assert not valid_session_id(text)


@given(st.text(max_size=200))
def test_a_valid_id_is_a_plain_file_name(text: str) -> None:
    if valid_session_id(text):
        assert re.search(r"[/\\\s\x00]|\.\.", text) is None
        assert text.isascii()


def test_new_ids_are_valid_and_new() -> None:
    ids = {new_session_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(valid_session_id(text) and text.startswith("s.") for text in ids)
