"""What is known of a call: staged playbooks, and variables that come back at its end."""

import time

import pytest

from active_call.call.directory import STAGED_S, Directory
from active_call.testing.fakes import Fakes
from active_call.testing.session import FAKE_OPTION, Session, book, virtual_server
from active_call.testing.virtual_time import in_virtual_time


def test_a_staged_playbook_that_nobody_calls_for_is_gone_after_five_minutes(monkeypatch):
    directory = Directory()
    first = directory.stage(content=book())
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + STAGED_S - 1)
    assert directory.knows(first)
    second = directory.stage(content=book())
    monkeypatch.setattr(time, "monotonic", lambda: now + STAGED_S + 1)
    assert directory.take_staged(first) is None
    assert directory.take_staged(second) is not None
    assert directory.take_staged(second) is None


@pytest.mark.parametrize("text", [None, "---\ngreeting: [\n---\n"])
@in_virtual_time
async def test_what_is_wrong_with_a_playbook_does_not_tell_where_the_operator_keeps_it(text, tmp_path):
    if text is not None:
        (tmp_path / "book.md").write_text(text)
    async with virtual_server(Fakes(), folder=tmp_path) as manager, Session(manager, name="book.md") as s:
        await s.until("hangup")
        error = s.all("error", sender="playbook")[0]["error"]
        assert error.startswith("book.md:")
        assert str(tmp_path) not in error


@pytest.mark.parametrize("content", [None, book()])
@in_virtual_time
async def test_what_a_client_gave_to_a_call_comes_back_at_its_end_and_is_that_calls_own(content):
    ends = []
    async with virtual_server(Fakes()) as manager:
        for extra in ({"ticket": "7"}, {}):
            async with Session(manager, content) as s:
                await s.invite(**FAKE_OPTION, extra=extra, caller="sip:alice@example.com")
                await s.send("hangup")
                ends.append((await s.until("hangup"))["extra"])
    assert [end.get("ticket") for end in ends] == ["7", None]
    assert {"session_id", "call_type", "start_time", "caller", "callee"} <= ends[1].keys()
    assert ends[1]["caller"] == "sip:alice@example.com"
