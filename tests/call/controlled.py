"""A call that only commands speak in, in virtual time."""

from active_call.testing.fakes import Fakes
from active_call.testing.session import FAKE_OPTION, Session, virtual_server

TEN = "One two three four five six seven eight nine ten."


class Controlled:
    """A call that only commands speak in."""

    def __init__(self, fakes=None, folder=None, services=None, **option):
        self.fakes = fakes or Fakes()
        self._services = services or {}
        self._option = {**FAKE_OPTION, **option}
        self._folder = folder

    async def __aenter__(self):
        self._server = virtual_server(self.fakes, folder=self._folder, **self._services)
        self._session = Session(await self._server.__aenter__())
        await self._session.__aenter__()
        await self._session.invite(**self._option)
        return self._session

    async def __aexit__(self, *error):
        await self._session.__aexit__(*error)
        await self._server.__aexit__(*error)
