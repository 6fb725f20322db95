"""The Starlette application: routes to calls. It translates and decides nothing."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from active_call.call.manager import Manager

from .access import Access
from .answers import deny, refusal, refused
from .documents import Documents
from .metrics import MetricsPage
from .options import ServerOptions
from .pages import Pages
from .playbooks import PlaybookFiles
from .precache import PrecacheRoute
from .probes import Probes, Readiness
from .records import Records
from .rest import Rest
from .sockets import Sockets

CALL_PATHS = {"/call": "webSocket", "/call/webrtc": "webrtc", "/call/sip": "sip"}


def application(
    manager: Manager,
    lifetime: Callable[[], AbstractAsyncContextManager[None]] | None = None,
    *,
    options: ServerOptions | None = None,
    readiness: Readiness | None = None,
) -> Starlette:
    """`lifetime` is entered before the first request and left after the last call has ended."""
    options = options or ServerOptions()
    readiness = readiness or Readiness()

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with lifetime() if lifetime is not None else contextlib.nullcontext():
            yield
            await manager.shut_down()

    app = Starlette(
        routes=_routes(manager, options, readiness),
        middleware=[*_cors(options.origins), Middleware(Access, options=options)],
        lifespan=lifespan,
        exception_handlers={HTTPException: refused},
    )
    app.router.redirect_slashes = False
    return app


def _routes(manager: Manager, options: ServerOptions, readiness: Readiness) -> list[BaseRoute]:
    rest = Rest(manager, options)
    sockets = Sockets(manager, options, readiness)
    probes = Probes(manager, readiness)
    documents = Documents()
    pages = Pages(options.pages)
    playbooks = PlaybookFiles(options.playbooks, options.message_bytes)
    records = Records(options.records, manager.directory)
    return [
        *(
            WebSocketRoute(path + slash, sockets.endpoint(call_type))
            for path, call_type in CALL_PATHS.items()
            for slash in ("", "/")
        ),
        *(route for path in CALL_PATHS for route in _both(path, _not_upgraded)),
        *_both("/list", rest.calls),
        *_both("/kill/{id}", rest.kill, "GET", "POST", "DELETE"),
        *_both("/command/{id}", rest.command, "POST"),
        *_both("/events/{id}", rest.events),
        *_both("/precache", PrecacheRoute(manager, options.message_bytes).prepare, "POST"),
        *_both("/iceservers", rest.ice_servers),
        *_both("/api/playbooks", playbooks.listed),
        Route("/api/playbooks/{name:path}", playbooks.one, methods=["GET", "POST"]),
        *_both("/api/playbook/run", rest.run_playbook, "POST"),
        *_both("/api/records", records.listed),
        *_both("/health", probes.health),
        *_both("/ready", probes.ready),
        *_both("/metrics", MetricsPage(manager).page),
        *_both("/schema", documents.schema),
        *_both("/asyncapi.json", documents.asyncapi),
        *_both("/openapi.json", documents.openapi),
        Route("/", pages.index),
        Route("/static/{path:path}", pages.static),
        WebSocketRoute("/{path:path}", _nowhere),
    ]


def _both(path: str, endpoint: Callable[[Request], Awaitable[Response]], *methods: str) -> list[Route]:
    """With and without a slash at the end."""
    return [Route(path + slash, endpoint, methods=methods or ("GET",)) for slash in ("", "/")]


async def _not_upgraded(request: Request) -> Response:
    raise HTTPException(400, "this path is a WebSocket: send an upgrade request")


async def _nowhere(websocket: WebSocket) -> None:
    """Starlette's own answer would be 403."""
    await deny(websocket, refusal(404, "Not Found"))


def _cors(origins: Sequence[str]) -> list[Middleware]:
    """Pages of those origins may read the answers (WHATWG Fetch); without any there is nothing to add."""
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=[origin.rstrip("/") for origin in origins],
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["authorization", "x-api-key", "content-type", "last-event-id"],
        )
    ]
