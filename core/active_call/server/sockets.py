"""`/call`, `/call/webrtc`, `/call/sip`: a WebSocket sends commands and reads events, and carries audio on `/call`."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable

from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from active_call.call.directory import CallHandle, IdTaken
from active_call.call.log import Lagged
from active_call.call.manager import Manager, TooManyCalls
from active_call.protocol.commands import BadCommand, parse_command
from active_call.protocol.events import to_json
from active_call.protocol.ids import new_session_id, valid_session_id

from .socket import ws_of
from .wire import AsgiWire, SocketWire

log = logging.getLogger(__name__)

PING_S = 20
RETRY_AFTER_S = "5"


def call_endpoint(manager: Manager, call_type: str) -> Callable[[WebSocket], Awaitable[None]]:
    """An ASGI endpoint for calls of that type."""

    async def endpoint(websocket: WebSocket) -> None:
        await _Session(manager, call_type, websocket).run()

    return endpoint


class _Session:
    """One controller's socket and the call it began."""

    def __init__(self, manager: Manager, call_type: str, websocket: WebSocket) -> None:
        self._manager = manager
        self._call_type = call_type
        self._websocket = websocket
        self._socket = ws_of(websocket.scope)
        self._wire = SocketWire(self._socket) if self._socket is not None else AsgiWire(websocket)

    async def run(self) -> None:
        query = self._websocket.query_params
        call_id = query.get("id") or new_session_id()
        if not valid_session_id(call_id):
            await self._refuse(400, "id: letters, digits and ._:@+=- only, at most 128, no '..'")
            return
        ping = query.get("ping") or query.get("ping_interval") or str(PING_S)
        if not re.fullmatch(r"[0-9]{1,5}", ping):
            await self._refuse(400, f"ping: {ping!r} is not a number of seconds")
            return
        track = query.get("serverSideTrack") or query.get("server_side_track")
        try:
            call = self._manager.create(call_id, self._call_type, wire=self._wire, server_track=track)
        except IdTaken as error:
            await self._refuse(409, str(error))
            return
        except TooManyCalls as error:
            await self._refuse(503, str(error), {"retry-after": RETRY_AFTER_S})
            return
        try:
            await self._websocket.accept()
            if self._socket is not None and int(ping):
                self._socket.start_pings(int(ping))
            await self._serve(call)
        finally:
            call.lost()

    async def _serve(self, call: CallHandle) -> None:
        reader = asyncio.create_task(self._read(call), name=f"socket of {call.id}")
        sender = None
        if isinstance(self._wire, AsgiWire):
            sender = asyncio.create_task(self._wire.run(), name=f"audio of {call.id}")
        try:
            await self._write(call)
        finally:
            for task in (reader, sender):
                if task is not None:
                    task.cancel()
            await asyncio.gather(*(task for task in (reader, sender) if task), return_exceptions=True)

    async def _read(self, call: CallHandle) -> None:
        try:
            await self._commands(call)
        finally:
            call.lost()

    async def _commands(self, call: CallHandle) -> None:
        """Until the socket is gone."""
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            data = message.get("bytes")
            if data is not None:
                if isinstance(self._wire, AsgiWire):
                    self._wire.received(data)
                continue
            try:
                call.command(parse_command(message.get("text") or ""))
            except BadCommand as bad:
                call.complain(bad)
            await call.room()

    async def _write(self, call: CallHandle) -> None:
        """Events until the call's last, then a close that says how it went."""
        code = 1000
        try:
            async for _, event in call.events():
                await self._websocket.send_text(to_json(event))
        except Lagged:
            code = 1013
        except (WebSocketDisconnect, RuntimeError, OSError):
            return  # the reader is gone
        except Exception:
            log.exception("%s: an event could not be sent", call.id)
            code = 1011
        if self._websocket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(RuntimeError, OSError, WebSocketDisconnect):
                await self._websocket.close(code)

    async def _refuse(self, status: int, problem: str, headers: dict[str, str] | None = None) -> None:
        """Before the upgrade: an HTTP answer with a reason."""
        response: Response = JSONResponse({"error": problem}, status, headers=headers)
        await self._websocket.send_denial_response(response)
