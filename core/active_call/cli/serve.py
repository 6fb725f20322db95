"""`active-call serve`, which is also what `active-call` with options does: the server."""

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from active_call.config.flags import add_server_flags, cli_overrides

if TYPE_CHECKING:
    from active_call.call.manager import Manager
    from active_call.config.settings import Settings
    from active_call.guard.outbound import OutboundPolicy
    from active_call.protocol.options import AmbianceOption
    from active_call.providers.pool import ProviderPool

    from .runtime import Runtime

DOTENV = Path(".env")
PAGES = Path("static")
"""Where `/` and `/static` have their files."""


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="active-call serve", description="Run the server until SIGINT or SIGTERM.")
    add_server_flags(parser)
    return parser


def main(args: list[str]) -> int:
    """0: stopped as asked; 1: it could not run; 2: wrong flags or configuration."""
    options = parser().parse_args(args)
    gc.disable()  # hardly anything made while it starts is garbage, and looking for it takes an eighth of the time

    from active_call.config.checks import startup_problems
    from active_call.config.effect import warning
    from active_call.config.load import load
    from active_call.config.plugin_keys import plugin_problems
    from active_call.config.problems import ConfigError
    from active_call.config.sources import environment

    try:
        settings = load(options.conf, cli_overrides(options), os.environ, DOTENV)
        problems = startup_problems(settings)
        if problems:
            raise ConfigError(problems)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    _log(settings)
    unused = warning(settings.without_effect())
    if unused:
        print(unused, file=sys.stderr)

    from .archive import archive
    from .runtime import Cache, Paths, Runtime

    runtime = Runtime(
        Paths(playbooks=[settings.playbooks], media=[Path.cwd(), *settings.paths.media], allow=settings.paths.allow),
        models_dir=settings.models_dir,
        environ=environment(os.environ, DOTENV),
        inference_threads=settings.inference_threads,
        calls=settings.limits.calls,
        loop_lag_ms=settings.limits.loop_lag_ms,
        reattach_grace_s=settings.reattach_grace,
        plugin_settings=settings.plugin,
        outbound=lambda: _outbound(settings),
        cache=Cache(directory=settings.media_cache_path, max_bytes=settings.limits.media_cache_bytes),
        ambiance=_ambiance(settings),
        keep=lambda pool: archive(settings, pool),
    )
    wrong = plugin_problems(settings, runtime.registry.settings, runtime.registry.settings)
    if wrong:
        print(ConfigError(wrong), file=sys.stderr)
        return 2
    try:
        if options.download_models:
            _run(_download(runtime, options.download_models))
            if options.exit_after_download:
                return 0
        _check_sip(settings, options, runtime)
        return _run(_serve(settings, runtime))
    except _CannotRun as error:
        print(f"active-call serve: {error}", file=sys.stderr)
        return 1


def _outbound(settings: "Settings") -> "OutboundPolicy":
    from active_call.guard.outbound import OutboundPolicy

    chosen = settings.outbound
    return OutboundPolicy(chosen.allow, allow_sip=chosen.allow_sip, loopback=settings.on_loopback)


def _ambiance(settings: "Settings") -> "AmbianceOption | None":
    from active_call.protocol.options import AmbianceOption

    chosen = settings.ambiance
    return AmbianceOption.model_validate(chosen.model_dump(exclude_none=True)) if chosen is not None else None


class _CannotRun(Exception):
    pass


def _run(work: Coroutine[Any, Any, int]) -> int:
    """On uvloop when it is installed (`active-call[fast]`)."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


def _log(settings: "Settings") -> None:
    from active_call.guard.secrets import RedactSecrets

    handler: logging.Handler = logging.StreamHandler()
    if settings.log_file is not None:
        handler = logging.FileHandler(settings.log_file, encoding="utf-8")
    secrets = RedactSecrets()
    secrets.register(*settings.secret_values())
    handler.addFilter(secrets)
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", handlers=[handler]
    )
    for name in ("httpx", "httpcore", "uvicorn.error", "active_call.server.socket"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))


async def _download(runtime: "Runtime", name: str) -> int:
    from active_call.store.errors import ModelError
    from active_call.store.provision import ensure

    from .models import display

    names = [entry.name for entry in runtime.store.entries.values()] if name == "all" else [name]
    shown = display(sys.stderr)
    try:
        await ensure(runtime.store, names, shown.say, shown)
    except ModelError as error:
        raise _CannotRun(str(error)) from None
    finally:
        shown.close()
    return 0


def _check_sip(settings: "Settings", options: argparse.Namespace, runtime: "Runtime") -> None:
    """SIP that was asked for and cannot be had must not be missed in silence."""
    from active_call.plugin.registry import Kind

    if settings.sip_address is None and not options.call:
        return
    if any(offer.traits.call_type == "sip" for offer in runtime.registry.offers(Kind.TRANSPORT)):
        return
    problem = "no installed plugin offers SIP (pip install active-call[sip])"
    if options.call or options.sip or settings.addr is not None or settings.udp_port is not None:
        raise _CannotRun(f"SIP was asked for, and {problem}")
    print(f"active-call serve: {problem}: nobody can phone in", file=sys.stderr)


async def _serve(settings: "Settings", runtime: "Runtime") -> int:
    from active_call.server.app import application
    from active_call.server.options import options_from
    from active_call.server.probes import Readiness

    from .http import bind, listening

    began = time.monotonic()
    gc.enable()
    host, port = settings.http_address
    try:
        listener = bind(host, port)
    except OSError as error:
        raise _CannotRun(f"cannot listen on {settings.http_addr}: {error.strerror or error}") from None
    stop = _signals()
    readiness = Readiness(loading=True)
    async with runtime.running() as manager:
        app = application(manager, options=options_from(settings, pages=PAGES), readiness=readiness)
        async with listening(app, listener, message_bytes=settings.limits.message_bytes):
            print(f"active-call listens on http://{settings.http_addr} ({_since(began)})", file=sys.stderr, flush=True)
            # Only now: imports of the engines would hold up the first answer.
            loading = asyncio.create_task(_load(runtime, manager.services.pool), name="loading models")
            loading.add_done_callback(lambda _: readiness.loaded())
            await stop.wait()
            readiness.draining = True
            print("stopping: no new calls, the running ones end", file=sys.stderr, flush=True)
            loading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await loading
            await _drain(settings, manager)
    return 0


async def _drain(settings: "Settings", manager: "Manager") -> None:
    """Let the running calls end for as long as they may, then end them, while their clients can still be told."""
    if settings.graceful_shutdown:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(settings.graceful_shutdown_timeout):
                await asyncio.gather(*(call.done() for call in manager.directory.all()))
    await manager.shut_down()


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.2f} s"


def _signals() -> asyncio.Event:
    """Set by the first SIGINT or SIGTERM; a second one ends the process at once."""
    stop = asyncio.Event()

    def told() -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, told)
    return stop


async def _load(runtime: "Runtime", pool: "ProviderPool") -> None:
    """Pull what is missing and open the default engines, while the server already answers."""
    from active_call.store.errors import ModelError
    from active_call.store.provision import ensure

    from .models import display

    began = time.monotonic()
    shown = display(sys.stderr)
    try:
        await ensure(runtime.store, runtime.missing_models(), shown.say, shown)
    except ModelError as error:
        print(f"active-call serve: {error}", file=sys.stderr, flush=True)
    finally:
        shown.close()
    for line in await runtime.preload(pool):
        print(line, file=sys.stderr, flush=True)
    print(f"engines are loaded ({_since(began)})", file=sys.stderr, flush=True)
