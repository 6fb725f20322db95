"""A telephone line of fakes: its other side rings, answers, presses keys and hangs up when a test says so."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from active_call.plugin import TransportTraits, hookimpl
from active_call.plugin.errors import NotSupported
from active_call.plugin.host import Host
from active_call.plugin.leg import Ended, LegEvent, OpenRequest
from active_call.plugin.registry import Register
from active_call.plugin.values import Samples


class Phone:
    """A leg; `tell` is its other side. Nothing is refused: even what a leg must not report can be told."""

    traits = TransportTraits(call_type="sip", rings=True)
    rate_hz = 8000
    unsent_samples = 0
    headers: Mapping[str, str] = {}

    def __init__(self, option: Mapping[str, Any]) -> None:
        self.caller, self.callee = str(option.get("caller", "")), str(option.get("callee", ""))
        self.on_audio: Callable[[Samples], None] | None = None
        self.heard_ms = 0
        """How much of what it was sent was more than silence."""
        self._news: asyncio.Queue[LegEvent] = asyncio.Queue()

    def tell(self, event: LegEvent) -> None:
        self._news.put_nowait(event)

    def attach(self, on_audio: Callable[[Samples], None]) -> None:
        self.on_audio = on_audio

    def send(self, frame: Samples) -> None:
        assert len(frame) == 160
        self.heard_ms += 20 if frame.max() > 300 else 0

    def flush(self) -> int:
        return 0

    async def events(self) -> AsyncIterator[LegEvent]:
        while True:
            event = await self._news.get()
            yield event
            if isinstance(event, Ended):
                return

    async def answer(self) -> None:
        """It is for the other side to answer."""

    async def hang_up(self, cause: str = "", headers: Mapping[str, str] | None = None) -> None:
        self.tell(Ended(cause=cause, by_remote=False))

    async def ring(self, *, early_media: bool = False) -> None:
        raise NotSupported("it is not this side that rings")

    async def reject(self, code: int = 603, reason: str = "") -> None:
        self.tell(Ended(code=code, cause=reason, by_remote=False))

    async def candidate(self, candidate: str, sdp_mid: str | None, sdp_mline_index: int | None) -> None:
        raise NotSupported("a phone has no candidates")

    async def send_dtmf(self, digits: str) -> None:
        raise NotSupported("this phone has no keys for us")

    async def message(self, body: str, content_type: str, headers: Mapping[str, str]) -> None:
        raise NotSupported("this phone reads no messages")

    async def refer(self, to: str, headers: Mapping[str, str]) -> None:
        raise NotSupported("this phone stays")


class Exchange:
    """A plugin whose transport connects calls of the type `sip` to phones."""

    def __init__(self) -> None:
        self.phones: dict[str, Phone] = {}
        """By the id of the call."""
        self._news = asyncio.Event()

    async def phone(self, call_id: str) -> Phone:
        """The one that was called, as soon as it is."""
        while call_id not in self.phones:
            self._news.clear()
            await self._news.wait()
        return self.phones[call_id]

    @hookimpl
    def register_transports(self, register: Register) -> None:
        register("phone", self._open_transport, Phone.traits)

    @contextlib.asynccontextmanager
    async def _open_transport(self, host: Host, settings: Mapping[str, Any]) -> AsyncIterator["Exchange"]:
        yield self

    async def open(self, request: OpenRequest) -> Phone:
        phone = self.phones[request.session_id] = Phone(request.option)
        self._news.set()
        return phone
