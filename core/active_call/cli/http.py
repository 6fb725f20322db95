"""Runs the application under uvicorn: one process, the fast WebSocket protocol, no access log."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette

from active_call.server.socket import CallSocket

MESSAGE_BYTES = 1 << 20
"""The default of `limits.message_bytes`."""


class Server(uvicorn.Server):
    """A uvicorn server inside our own event loop; signals stay with whoever runs the loop."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # uvicorn's own signature has no types
        yield


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError when the port is taken: two servers must not share one in silence."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def server(app: Starlette, message_bytes: int) -> Server:
    config = uvicorn.Config(
        app,
        ws=CallSocket,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        ws_max_size=message_bytes,
        access_log=False,
        # A proxy that passes `X-Forwarded-For` on as it came would let anybody claim an address in `auth.networks`.
        proxy_headers=False,
        log_config=None,
        lifespan="on",
        timeout_graceful_shutdown=5,
    )
    return Server(config)


@contextlib.asynccontextmanager
async def listening(
    app: Starlette, listener: socket.socket, *, message_bytes: int = MESSAGE_BYTES
) -> AsyncIterator[Server]:
    """The server runs until the context ends; entered when it answers. A longer WebSocket message closes its socket."""
    running = server(app, message_bytes)
    task = asyncio.create_task(running.serve(sockets=[listener]), name="http server")
    try:
        while not running.started:
            if task.done():
                await task
                raise RuntimeError("the HTTP server did not start")
            await asyncio.sleep(0.005)
        # What was made by now lives as long as the process: full collections need not look at it (20-30 ms each).
        gc.collect()
        gc.freeze()
        yield running
    finally:
        running.should_exit = True
        await task
        listener.close()
