"""A call with an agent made of fakes, in virtual time."""

from active_call.testing.fakes import Fakes, tone
from active_call.testing.session import Session, book, virtual_server

GREETING = "greeting: Hello there."


class Talk:
    """`async with Talk(fakes, more="...") as s`: an invited session whose playbook names the fakes."""

    def __init__(self, fakes=None, *, body="Be nice.", more=GREETING, folder=None, content=None, **option):
        self.fakes = fakes or Fakes()
        self._content = content or book(body, more)
        self._folder = folder
        self._option = option

    async def __aenter__(self):
        self._server = virtual_server(self.fakes, folder=self._folder)
        self._session = Session(await self._server.__aenter__(), self._content)
        await self._session.invite(**self._option)
        return self._session

    async def __aexit__(self, *error):
        await self._session.__aexit__(*error)
        await self._server.__aexit__(*error)


async def greeted(s):
    """Wait for the end of the greeting."""
    await s.until("trackEnd", trackId="server-side-track")


async def ask(s, seconds=0.6):
    """The caller says something; returns when the reply to it has ended."""
    ended = len(s.all("trackEnd", trackId="server-side-track"))
    await s.say(tone(seconds))
    await s.until("trackEnd", ended + 1, trackId="server-side-track")


def said(request):
    """Who said what in a request to the brain, without the instructions."""
    return [(message.role, message.content.strip()) for message in request.messages[1:]]
