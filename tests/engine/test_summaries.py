"""The rolling summary in a call: made in the background, in the prompt from then on, and never waited for."""

import pytest
from tests.engine.conftest import Talk, ask, greeted, said

from active_call.dialogue.summary import MARK
from active_call.plugin.errors import ErrorKind, ProviderError
from active_call.testing.fakes import Fakes
from active_call.testing.virtual_time import in_virtual_time

MORE = "greeting: Hello there.\nllm: {provider: fake, features: [rolling_summary], summaryLimit: 1}"


def replies(summary):
    """With the third answer the history is longer than 1 + 6 messages, the prompt counted."""
    return ["One.", "Two.", "Three.", summary, "Four."]


@pytest.fixture
def words():
    return ["a", "b", "c", "d", "e", "f", "g"]


@in_virtual_time
async def test_old_parts_become_a_summary_and_the_newest_six_messages_stay(words):
    fakes = Fakes(transcripts=words, replies=replies("They spoke."))
    async with Talk(fakes, content=_book()) as s:
        await greeted(s)
        for _ in range(4):
            await ask(s)
        asked = [request.reason for request in fakes.asked]
        assert asked[:5] == ["user", "user", "user", "summary", "user"]
        assert said(fakes.asked[3])[-1][0] == "user"
        last = fakes.asked[4]
        assert last.messages[0].content.endswith(f"{MARK}They spoke.")
        assert [text for _, text in said(last)] == ["a", "One.", "b", "Two.", "c", "Three.", "d"]
        assert not s.all("error")


@in_virtual_time
async def test_a_summary_that_fails_changes_nothing(words):
    problem = ProviderError(ErrorKind.BAD_REQUEST, "too long")
    fakes = Fakes(transcripts=words, replies=replies(problem))
    async with Talk(fakes, content=_book()) as s:
        await greeted(s)
        for _ in range(4):
            await ask(s)
        assert fakes.spoken[-1] == "Four."
        assert MARK not in fakes.asked[-1].messages[0].content
        assert "too long" in s.all("error", sender="llm")[0]["error"]


def _book():
    front = "vad: {type: fake}\nasr: {provider: fake}\ntts: {provider: fake}\neou: {type: fake}"
    return f"---\n{front}\n{MORE}\n---\nBe nice.\n"
