"""`POST /precache`: speech made before a call needs it."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from active_call.call.manager import Manager
from active_call.call.spoken import NotPrepared, Precache
from active_call.protocol.commands import BadCommand, Tts, command_from

from .answers import json_of


class PrecacheRoute:
    def __init__(self, manager: Manager, message_bytes: int) -> None:
        self._services = services = manager.services
        self._precache = Precache(services.pool, services.speech) if services.speech is not None else None
        self._message_bytes = message_bytes

    async def prepare(self, request: Request) -> Response:
        """A `tts` command in the body, as a call would send it."""
        data = await json_of(request, self._message_bytes)
        try:
            command = command_from(data)
        except BadCommand as bad:
            raise HTTPException(422, str(bad)) from None
        if not isinstance(command, Tts):
            return _error(400, "precache only accepts tts commands")
        if command.base64:
            return _error(400, "base64 audio is not cached")
        if command.option is None or not command.option.provider:
            return _error(500, "tts precache requires an option")
        if self._precache is None:
            return _error(500, "this server keeps no speech")
        try:
            prepared = await self._precache.order(command, self._services.environ)
        except NotPrepared as error:
            return _error(500, str(error))
        return JSONResponse({"status": prepared.status, "cacheKey": prepared.key, "bytes": prepared.bytes})


def _error(status: int, problem: str) -> Response:
    return JSONResponse({"status": "error", "error": problem}, status)
