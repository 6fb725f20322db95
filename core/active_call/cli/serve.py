"""`active-call serve`: the server."""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
import time
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="active-call serve", description="Run the server.")
    parser.add_argument("--http", metavar="ADDR:PORT", default="127.0.0.1:8080", help="where to listen")
    parser.add_argument("--models-dir", metavar="DIR", type=Path, help="where model weights are")
    return parser


def main(args: list[str]) -> int:
    options = parser().parse_args(args)
    host, _, port = options.http.rpartition(":")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        import uvloop
    except ImportError:
        runner = asyncio.run
    else:
        runner = uvloop.run
    try:
        return runner(_serve(host, int(port), options.models_dir))
    except OSError as error:
        print(f"active-call serve: {options.http}: {error.strerror or error}", file=sys.stderr)
        return 1


async def _serve(host: str, port: int, models_dir: Path | None) -> int:
    from active_call.server.app import application

    from .http import bind, listening
    from .runtime import Paths, Runtime

    began = time.monotonic()
    runtime = Runtime(Paths(playbooks=[Path("config/playbook")], media=[Path.cwd()]), models_dir=models_dir)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    async with runtime.running() as manager:
        loading = asyncio.create_task(runtime.preload(manager.services.pool))
        async with listening(application(manager), bind(host, port)):
            print(f"listening on http://{host}:{port} after {time.monotonic() - began:.2f} s", flush=True)
            await stop.wait()
        loading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await loading
    return 0
