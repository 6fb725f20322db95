"""A call over a telephone line of fakes, whose caller presses keys."""

import asyncio

from tests.call.party import Party
from tests.call.phone import Exchange

from active_call.plugin.leg import Answered, Dtmf
from active_call.testing.fakes import Fakes
from active_call.testing.session import book, virtual_server


class Telephone:
    """`async with Telephone(fakes, more="...") as t`: an answered call with an agent made of fakes."""

    def __init__(self, fakes=None, *, body="Be nice.", more="greeting: Hello there.", folder=None):
        self.fakes = fakes or Fakes()
        self._content = book(body, more)
        self._folder = folder

    async def __aenter__(self):
        exchange = Exchange()
        self._server = virtual_server(self.fakes, exchange, folder=self._folder)
        manager = await self._server.__aenter__()
        self.party = Party(manager, exchange, 1, phone=True, content=self._content)
        self.party.send({"command": "invite", "option": {"caller": "ann", "callee": "desk"}})
        self.leg = await exchange.phone(self.party.call.id)
        self.leg.tell(Answered())
        await self.until("answer")
        return self

    async def __aexit__(self, *error):
        self.party.call.end("bySystem", "system")
        await self.party.close()
        await self._server.__aexit__(*error)

    def press(self, keys):
        for key in keys:
            self.leg.tell(Dtmf(digit=key))

    async def pass_s(self, seconds):
        await asyncio.sleep(seconds)

    def all(self, name):
        return [event for event in self.party.events if event["event"] == name]

    async def until(self, name, count=1, patience=30.0):
        """The count-th event of that name."""
        for _ in range(round(patience / 0.02)):
            if len(self.all(name)) >= count:
                return self.all(name)[count - 1]
            await asyncio.sleep(0.02)
        raise AssertionError(f"no {name} number {count}: {[event['event'] for event in self.party.events]}")

    async def until_spoken(self, text, patience=60.0):
        """Until the voice was asked for these words; returns how many seconds that took."""
        for tick in range(round(patience / 0.02)):
            if text in self.fakes.spoken:
                return tick * 0.02
            await asyncio.sleep(0.02)
        raise AssertionError(f"{text!r} was not spoken; {self.fakes.spoken} was")

    def notes(self):
        """What the brain was told in system notes, the last time it was asked."""
        return [message.content for message in self.fakes.asked[-1].messages[1:] if message.role == "system"]
