"""The Starlette application: routes to calls. It translates and decides nothing."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import WebSocketRoute

from active_call.call.manager import Manager

from . import rest
from .sockets import call_endpoint

CALL_PATHS = {"/call": "webSocket", "/call/webrtc": "webrtc", "/call/sip": "sip"}


def application(manager: Manager, lifetime: Callable[[], AbstractAsyncContextManager[None]] | None = None) -> Starlette:
    """`lifetime` is entered before the first request and left after the last call has ended."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with lifetime() if lifetime is not None else contextlib.nullcontext():
            yield
            await manager.shut_down()

    sockets = [
        WebSocketRoute(path + slash, call_endpoint(manager, call_type))
        for path, call_type in CALL_PATHS.items()
        for slash in ("", "/")
    ]
    return Starlette(
        routes=[*sockets, *rest.routes(manager)], lifespan=lifespan, exception_handlers={HTTPException: _refused}
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)
