"""On whose behalf a call's providers connect: the operator's, or whoever wrote their address."""

import pytest

from active_call.guard.outbound import Trust
from active_call.providers.trust import current_trust
from active_call.testing.fakes import Fakes, tone
from active_call.testing.session import Session, book, virtual_server
from active_call.testing.virtual_time import in_virtual_time

INNER = "http://10.0.0.7:8000/v1"


class Watched(Fakes):
    """Notes who each stream was asked for."""

    def __init__(self):
        super().__init__()
        self.trusts = {}

    async def meet(self, place):
        self.trusts.setdefault(place, current_trust())
        await super().meet(place)


async def talk(manager, fakes, **kwargs):
    fakes.transcripts.append("hello")
    option = kwargs.pop("option", {})
    async with Session(manager, **kwargs) as s:
        await s.invite(**option)
        await s.until("trackEnd", trackId="server-side-track")
        await s.say(tone(0.6))
        await s.until("trackEnd", 2, trackId="server-side-track")


def streams(fakes):
    return {kind: fakes.trusts[f"{kind} stream"] for kind in ("asr", "llm", "tts")}


@in_virtual_time
async def test_without_addresses_everything_is_the_operators():
    async with virtual_server(fakes := Watched()) as manager:
        await talk(manager, fakes, content=book(more="greeting: Hi."))
    assert set(fakes.trusts.values()) == {Trust.OPERATOR}


def addressed():
    text = book(more="greeting: Hi.")
    for kind in ("asr", "tts"):
        text = text.replace(f"{kind}: {{provider: fake}}", f"{kind}: {{provider: fake, endpoint: '{INNER}'}}")
    return text.replace("llm: {provider: fake}", f"llm: {{provider: fake, baseUrl: '{INNER}'}}")


@pytest.mark.parametrize("who", [Trust.OPERATOR, Trust.CLIENT])
@in_virtual_time
async def test_addresses_in_a_playbook_are_those_of_whoever_wrote_it(who, tmp_path):
    (tmp_path / "book.md").write_text(addressed())
    staged = {"name": "book.md"} if who is Trust.OPERATOR else {"content": addressed()}
    async with virtual_server(fakes := Watched(), folder=tmp_path) as manager:
        await talk(manager, fakes, **staged)
    assert streams(fakes) == dict.fromkeys(("asr", "llm", "tts"), who)
    assert {fakes.trusts[f"{kind} session"] for kind in ("asr", "llm", "tts")} == {who}
    assert {trust for place, trust in fakes.trusts.items() if place.endswith("open")} == {Trust.OPERATOR}


@in_virtual_time
async def test_an_address_of_the_client_is_the_clients_and_the_rest_stays_the_operators(tmp_path):
    (tmp_path / "book.md").write_text(addressed())
    option = {"tts": {"provider": "fake", "endpoint": "http://10.0.0.8/"}}
    async with virtual_server(fakes := Watched(), folder=tmp_path) as manager:
        await talk(manager, fakes, name="book.md", option=option)
    assert streams(fakes) == {"asr": Trust.OPERATOR, "llm": Trust.OPERATOR, "tts": Trust.CLIENT}
