"""The REST side: which calls there are, what they are told and how they end; staging playbooks; ICE servers."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from active_call.call.manager import Manager
from active_call.guard.paths import PathRefused
from active_call.protocol.commands import BadCommand, command_from
from active_call.protocol.reasons import HangupReason, Initiator

from .access import PRINCIPAL, authenticator, by_token
from .answers import json_of
from .options import ServerOptions
from .sse import EventStream, start_after

PUBLIC_STUN: dict[str, Any] = {"urls": ["stun:stun.l.google.com:19302"], "credential_type": "password"}


class Rest:
    def __init__(self, manager: Manager, options: ServerOptions) -> None:
        self._manager = manager
        self._options = options
        self._token_needed = authenticator(options).required

    async def calls(self, request: Request) -> Response:
        return JSONResponse({"active_calls": [call.summary() for call in self._manager.directory.all()]})

    async def kill(self, request: Request) -> Response:
        """GET is for people who type it where no token is needed; a link must not end calls elsewhere."""
        if request.method in ("GET", "HEAD") and self._token_needed and by_token(request.scope.get(PRINCIPAL, "")):
            raise HTTPException(405, "use POST or DELETE", {"allow": "POST, DELETE"})
        call_id = request.path_params["id"]
        call = self._manager.directory.find(call_id)
        if call is None:
            return _not_found(call_id)
        if request.method != "HEAD":
            call.end(HangupReason.BY_SYSTEM, Initiator.SYSTEM)
        return JSONResponse({"status": "killed", "id": call_id})

    async def command(self, request: Request) -> Response:
        """One command, as the call's own WebSocket would send it."""
        call_id = request.path_params["id"]
        data = await json_of(request, self._options.message_bytes)
        try:
            command = command_from(data)
        except BadCommand as bad:
            raise HTTPException(422, str(bad)) from None
        call = self._manager.directory.find(call_id)
        if call is None:
            return _not_found(call_id)
        call.command(command)
        await call.room()
        return JSONResponse({"status": "sent", "id": call_id})

    async def events(self, request: Request) -> Response:
        call = self._manager.directory.find(request.path_params["id"])
        if call is None:
            return PlainTextResponse("track not active", 404)
        after = start_after(request, call)
        if after is None:
            raise HTTPException(400, "Last-Event-ID, or `after`, is the number in an `id:` line")
        return EventStream(call, after)

    async def ice_servers(self, request: Request) -> Response:
        servers = self._options.ice_servers or (PUBLIC_STUN,)
        return JSONResponse(
            [{key: value for key, value in server.items() if value is not None} for server in servers],
            headers={"cache-control": "no-store"},
        )

    async def run_playbook(self, request: Request) -> Response:
        body = await json_of(request, self._options.message_bytes)
        name, content = (body.get("playbook"), body.get("content")) if isinstance(body, dict) else (None, None)
        if not isinstance(name, str | None) or not isinstance(content, str | None) or not (name or content):
            raise HTTPException(422, 'send {"playbook": "FILE"} or {"content": "the whole text"}')
        if name is not None and name.strip().startswith("---"):
            name, content = None, name
        if content is not None and not content.lstrip("\ufeff \t\r\n").startswith("---"):
            name, content = content, None
        if content is None:
            try:
                self._manager.services.playbooks.resolve(name or "")
            except PathRefused as refused:
                raise HTTPException(400, str(refused)) from None
        return JSONResponse({"session_id": self._manager.directory.stage(name=name, content=content)})


def _not_found(call_id: str) -> Response:
    return JSONResponse({"status": "not_found", "id": call_id}, 404)
