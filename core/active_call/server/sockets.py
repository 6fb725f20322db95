"""`/call`, `/call/webrtc`, `/call/sip`: a WebSocket sends commands and reads events, and carries audio on `/call`."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from active_call.call.directory import CallHandle, IdTaken
from active_call.call.log import Lagged
from active_call.call.manager import Manager, TooManyCalls
from active_call.call.states import WrongState
from active_call.protocol.commands import BadCommand, parse_command
from active_call.protocol.events import to_json
from active_call.protocol.ids import new_session_id

from . import peers
from .answers import RETRY_AFTER, deny, refusal
from .options import ServerOptions
from .probes import Readiness
from .query import BadQuery, CallQuery, call_query
from .socket import ws_of
from .wire import AsgiWire, SocketWire

log = logging.getLogger(__name__)


class Sockets:
    def __init__(self, manager: Manager, options: ServerOptions, readiness: Readiness) -> None:
        self.manager = manager
        self.options = options
        self.readiness = readiness

    def endpoint(self, call_type: str) -> Callable[[WebSocket], Awaitable[None]]:
        """An ASGI endpoint for calls of that type."""

        async def endpoint(websocket: WebSocket) -> None:
            await _Session(self, call_type, websocket).run()

        return endpoint


class _Session:
    """One controller's socket and the call it began."""

    def __init__(self, server: Sockets, call_type: str, websocket: WebSocket) -> None:
        self._server = server
        self._manager = server.manager
        self._call_type = call_type
        self._websocket = websocket
        self._socket = ws_of(websocket.scope)
        self._wire = SocketWire(self._socket) if self._socket is not None else AsgiWire(websocket)

    async def run(self) -> None:
        try:
            query = call_query(self._websocket.query_params)
        except BadQuery as error:
            await self._refuse(400, str(error))
            return
        if query.id is not None and not self._manager.directory.knows(query.id):
            if query.forward:
                await self._refuse(404, "call not found on this node")
                return
            if query.forward is None and self._server.options.peers and await self._elsewhere(query.id, query):
                return
        if self._server.readiness.draining:
            await self._refuse(503, "the server is shutting down", RETRY_AFTER)
            return
        await self._here(query)

    async def _here(self, query: CallQuery) -> None:
        call_id = query.id or new_session_id()
        try:
            call = self._manager.create(
                call_id, self._call_type, wire=self._wire, server_track=query.server_track, dumps=query.dump
            )
        except IdTaken as error:
            await self._again(call_id, query, str(error))
            return
        except TooManyCalls as error:
            await self._refuse(503, str(error), RETRY_AFTER)
            return
        except ValueError as error:  # the place of its dump file
            await self._refuse(400, str(error))
            return
        await self._attend(call, query, 0)

    async def _again(self, call_id: str, query: CallQuery, taken: str) -> None:
        """A client whose socket was lost comes back to its call."""
        call = self._manager.directory.find(call_id)
        try:
            if call is None or call.call_type != self._call_type:
                raise WrongState(taken)
            after = call.attach(self._wire, query.received)
        except WrongState as error:
            await self._refuse(409, f"{taken}: {error}")
            return
        await self._attend(call, query, after)

    async def _attend(self, call: CallHandle, query: CallQuery, after: int) -> None:
        try:
            await self._accept(query)
            await self._serve(call, after)
        finally:
            call.lost(self._wire)

    async def _accept(self, query: CallQuery) -> None:
        await self._websocket.accept()
        if self._socket is not None and query.ping_s:
            self._socket.start_pings(query.ping_s)

    async def _elsewhere(self, call_id: str, query: CallQuery) -> bool:
        """Whether the call is on another node; then this was a tunnel to it."""
        options, socket = self._server.options, self._websocket
        path = socket.url.path.rstrip("/")
        forwarded = peers.forward_query(call_id, socket.query_params.multi_items())
        shown = peers.credentials(socket.headers, None if "token" in socket.query_params else options.peer_token)
        try:
            peer = await peers.find(options.peers, f"{path}?{forwarded}", shown)
        except peers.CallTaken:
            await self._refuse(409, f"a call with id {call_id} is live on another node")
            return True
        if peer is None:
            return False
        try:
            await self._accept(query)
        except BaseException:
            await peer.close()
            raise
        await peers.Tunnel(socket, self._wire, peer).run()
        return True

    async def _serve(self, call: CallHandle, after: int) -> None:
        reader = asyncio.create_task(self._read(call), name=f"socket of {call.id}")
        sender = None
        if isinstance(self._wire, AsgiWire):
            sender = asyncio.create_task(self._wire.run(), name=f"audio of {call.id}")
        writer = asyncio.create_task(self._write(call, after), name=f"events of {call.id}")
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            tasks = [task for task in (reader, sender, writer) if task is not None]
            for task in tasks:
                task.cancel()
            # Not `gather`: when it is cancelled it raises a cancellation that anyio's scopes do not take for their own.
            await asyncio.wait(tasks)

    async def _read(self, call: CallHandle) -> None:
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

    async def _write(self, call: CallHandle, after: int) -> None:
        """Events until the call's last, then a close that says how it went."""
        code = 1000
        try:
            async for number, event in call.events(after):
                await self._websocket.send_text(to_json(event))
                call.wrote(number)
        except Lagged:
            code = 1013
        except (WebSocketDisconnect, RuntimeError, OSError):
            return
        except Exception:
            log.exception("%s: an event could not be sent", call.id)
            code = 1011
        if self._websocket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(RuntimeError, OSError, WebSocketDisconnect):
                await self._websocket.close(code)

    async def _refuse(self, status: int, problem: str, headers: Mapping[str, str] | None = None) -> None:
        await deny(self._websocket, refusal(status, problem, headers))
