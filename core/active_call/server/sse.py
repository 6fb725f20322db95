"""`/events/{id}`: a call's events and commands as Server-Sent Events (WHATWG HTML, section 9.2).

The `id` of each is its number in the call's log: a reader that was cut off goes on where it stopped, with
`Last-Event-ID` or `?after=`; one that names neither begins with what comes next.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from active_call.call.directory import CallHandle
from active_call.call.log import Entry, Lagged
from active_call.protocol.commands import Command
from active_call.protocol.events import to_json
from active_call.protocol.wire import dump

KEEP_ALIVE_S = 15.0
STUCK_S = 30.0
"""A reader that takes nothing for so long has gone."""


class EventStream(Response):
    """Runs until the call has ended. A slow reader loses this connection, never the call."""

    media_type = "text/event-stream;charset=utf-8"

    def __init__(self, call: CallHandle, after: int, *, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        super().__init__(headers={"cache-control": "no-cache", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._call = call
        self._after = after
        self._keep_alive_s = keep_alive_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        writing = asyncio.create_task(self._write(send), name=f"events of {self._call.id}")
        leaving = asyncio.create_task(_left(receive), name=f"reader of {self._call.id}")
        try:
            await asyncio.wait((writing, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (writing, leaving):
                task.cancel()
            results = await asyncio.gather(writing, leaving, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _write(self, send: Send) -> None:
        with contextlib.suppress(TimeoutError):  # the reader is stuck
            async for text in self._texts():
                async with asyncio.timeout(STUCK_S):
                    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
            async with asyncio.timeout(STUCK_S):
                await send({"type": "http.response.body", "body": b""})

    async def _texts(self) -> AsyncIterator[str]:
        yield ": events and commands follow\n\n"
        began = False
        while True:
            try:
                async for text in self._following():
                    began = True
                    yield text
                return
            except Lagged as lagged:
                yield f": {lagged}\n\n"
                if began:
                    return
                # It came back too late; what is still there is better than nothing.
                self._after = lagged.lost

    async def _following(self) -> AsyncIterator[str]:
        entries = self._call.timeline(self._after)
        coming: asyncio.Future[tuple[int, Entry] | None] | None = None
        try:
            while True:
                coming = coming or asyncio.ensure_future(_next(entries))
                await asyncio.wait({coming}, timeout=self._keep_alive_s)
                if not coming.done():
                    yield ": keep-alive\n\n"
                    continue
                numbered, coming = coming.result(), None
                if numbered is None:
                    return
                yield message(*numbered)
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)


def message(number: int, entry: Entry) -> str:
    """One message of the stream; secrets are `***`."""
    if isinstance(entry, Command):
        kind, data = "command", json.dumps(dump(entry), ensure_ascii=False)
    else:
        kind, data = "event", to_json(entry)
    return f"id: {number}\nevent: {kind}\ndata: {data}\n\n"


async def _next(entries: AsyncIterator[tuple[int, Entry]]) -> tuple[int, Entry] | None:
    return await anext(entries, None)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def start_after(request: Request, call: CallHandle) -> int | None:
    """The number after which that reader goes on; None: it is no number."""
    asked = request.headers.get("last-event-id") or request.query_params.get("after")
    if asked is None:
        return call.last
    if not (asked.isascii() and asked.isdecimal() and len(asked) < 16):
        return None
    return min(int(asked), call.last)
