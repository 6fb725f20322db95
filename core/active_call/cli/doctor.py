"""`active-call doctor`: looks over this machine and its settings, and says what to do about what it finds."""

import argparse
import importlib.util
import json
import os
import platform
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from active_call.config.effect import warning
from active_call.config.flags import add_conf_flag
from active_call.config.keeping import LocalRecords
from active_call.config.load import load
from active_call.config.problems import ConfigError
from active_call.config.settings import Settings
from active_call.config.sources import environment
from active_call.plugin.discovery import discover
from active_call.plugin.registry import Registry
from active_call.store.errors import ModelError
from active_call.store.models import ModelStore, default_root
from active_call.store.units import human_size

DOTENV = Path(".env")
SPARE_BYTES = 500_000_000
"""Room for recordings and logs beside the models."""
FILES_PER_CALL = 4
"""Sockets and files that a call may hold open: WebSocket, recogniser, voice, recording."""
LATE_MS = 2.0
"""Sleeping later than this eats into a frame of 20 ms."""
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


class Status(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class Finding:
    status: Status
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.status:4}  {self.what}" + (f"  -> {self.remedy}" if self.remedy else "")


def ok(what: str) -> Finding:
    return Finding(status=Status.OK, what=what)


def warn(what: str, remedy: str) -> Finding:
    return Finding(status=Status.WARN, what=what, remedy=remedy)


def fail(what: str, remedy: str) -> Finding:
    return Finding(status=Status.FAIL, what=what, remedy=remedy)


@dataclass(kw_only=True)
class Machine:
    """What the checks look at."""

    environ: Mapping[str, str]
    registry: Registry
    conf: Path | None = None
    dotenv: Path | None = DOTENV
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @cached_property
    def loaded(self) -> Settings | ConfigError:
        try:
            return load(self.conf, {}, self.environ, self.dotenv)
        except ConfigError as error:
            return error

    @property
    def settings(self) -> Settings:
        """The defaults when what is configured is wrong."""
        return self.loaded if isinstance(self.loaded, Settings) else Settings()

    @cached_property
    def variables(self) -> Mapping[str, str]:
        return self.environ if isinstance(self.loaded, ConfigError) else environment(self.environ, self.dotenv)

    @cached_property
    def store(self) -> ModelStore:
        root = self.settings.models_dir or default_root(self.variables)
        return ModelStore(root, self.registry.models, environ=self.variables)


Check = Callable[[Machine], Iterator[Finding]]


def python(machine: Machine) -> Iterator[Finding]:
    yield ok(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")


def configuration(machine: Machine) -> Iterator[Finding]:
    name = str(machine.conf) if machine.conf else "settings"
    if isinstance(machine.loaded, ConfigError):
        for problem in machine.loaded.problems:
            yield fail(str(problem), "mend it; `active-call config show` checks again")
        return
    if said := warning(machine.settings.without_effect()):
        yield warn(said, "remove them, or leave them for a later version")
    yield ok(f"{name} valid")


def plugins(machine: Machine) -> Iterator[Finding]:
    for failure in machine.registry.failures:
        remedy = f"mend or uninstall {failure.distribution.name}"
        yield fail(f"plugin {failure.entry_point} does not load: {failure.reason}", remedy)
    offers = list(machine.registry.offers())
    for offer in offers:
        if missing := [key for key in offer.traits.needs if not machine.variables.get(key)]:
            yield warn(f"{offer.kind} {offer.name} lacks {', '.join(missing)}", "set it in the environment or in .env")
    if not any(offer.traits.models for offer in offers):
        yield warn("no offline speech is installed", "pip install active-call[local]")
    yield ok(f"{len(offers)} plugins: {', '.join(sorted({offer.name for offer in offers}))}")


def models(machine: Machine) -> Iterator[Finding]:
    store = machine.store
    wanted = {name for offer in machine.registry.offers() for name in offer.traits.models}
    missing, size = [], 0
    for name in sorted(wanted):
        try:
            absent = store.missing([name])
        except ModelError:
            yield fail(f"model {name} is described by no plugin", "upgrade the plugin that needs it")
            continue
        missing += [entry.name for entry in absent]
        size += sum(store.needed(entry) for entry in absent)
    if missing:
        what = f"models not here: {', '.join(missing)} ({human_size(size)})"
        yield warn(what, f"active-call models pull {' '.join(missing)}")
    else:
        yield ok(f"{len(wanted)} models in {store.path}")
    above = _existing(store.path)
    if missing and not os.access(above, os.W_OK | os.X_OK):
        yield fail(f"{above} cannot be written", "give this user the right, or choose another with --models-dir")
    free = shutil.disk_usage(above).free
    room = f"{human_size(free)} free for models in {above}"
    yield ok(room) if free > size + SPARE_BYTES else warn(room, "free some, or use --models-dir on a larger disk")


def installer(machine: Machine) -> Iterator[Finding]:
    if importlib.util.find_spec("pip"):
        yield ok("pip is there, for models that come in packages")
    else:
        yield warn("pip is not there; models that only packages hold cannot be pulled", "python -m ensurepip")


def port(machine: Machine) -> Iterator[Finding]:
    host, number = machine.settings.http_address
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        what = f"cannot listen on {machine.settings.http_addr}: {error.strerror}"
        yield warn(what, "stop what uses it, or choose another with --http")
    else:
        yield ok(f"{machine.settings.http_addr} is free")


def processors(machine: Machine) -> Iterator[Finding]:
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    noun = "processor" if count == 1 else "processors"
    yield ok(f"{count} {noun}")
    # Linear algebra of a few rows gains nothing from threads, and the threads take turns with the media clock.
    if count > 1 and not any(machine.environ.get(name) == "1" for name in THREAD_VARIABLES):
        yield warn("numpy may use several threads for small work", f"export {THREAD_VARIABLES[0]}=1")


def event_loop(machine: Machine) -> Iterator[Finding]:
    if importlib.util.find_spec("uvloop"):
        yield ok("uvloop is there")
    else:
        yield warn("uvloop is not there; the event loop is slower", "pip install active-call[fast]")


def open_files(machine: Machine) -> Iterator[Finding]:
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    calls = machine.settings.limits.calls
    what = f"{soft} open files allowed, for {calls} calls"
    enough = soft == resource.RLIM_INFINITY or soft >= calls * FILES_PER_CALL
    yield ok(what) if enough else warn(what, f"ulimit -n {calls * FILES_PER_CALL}, or lower limits.calls")


def clock(machine: Machine) -> Iterator[Finding]:
    late_ms = []
    for _ in range(5):
        began = machine.clock()
        machine.sleep(0.005)
        late_ms.append((machine.clock() - began) * 1000 - 5)
    # The median: one late wake-up on a busy machine says little.
    typical = sorted(late_ms)[2]
    what = f"timers are {max(typical, 0):.1f} ms late"
    remedy = "stop what loads this machine, or give the process processors of its own"
    yield ok(what) if typical <= LATE_MS else warn(what, remedy)


def directories(machine: Machine) -> Iterator[Finding]:
    settings = machine.settings
    wanted = {settings.media_cache_path, settings.recording.path}
    if isinstance(settings.callrecord, LocalRecords):
        wanted.add(settings.callrecord.root)
    if settings.log_file is not None:
        wanted.add(settings.log_file.parent)
    refused = [path for path in sorted(wanted) if not os.access(_existing(path), os.W_OK | os.X_OK)]
    for path in refused:
        yield fail(f"{path} cannot be written", "give this user the right, or name another directory")
    if not refused:
        yield ok(f"can write {', '.join(str(path) for path in sorted(wanted))}")
    if settings.playbooks.is_dir():
        yield ok(f"{len(list(settings.playbooks.glob('*.md')))} playbooks in {settings.playbooks}")
    else:
        yield warn(f"there is no directory {settings.playbooks}", "make it, or name another one as `playbooks`")


def _existing(path: Path) -> Path:
    """The nearest directory above, or `path` itself, that is there."""
    path = path.absolute()
    return next(candidate for candidate in (path, *path.parents) if candidate.exists())


CHECKS: tuple[Check, ...] = (
    python,
    configuration,
    plugins,
    models,
    installer,
    port,
    processors,
    event_loop,
    open_files,
    clock,
    directories,
)


def examine(machine: Machine, checks: tuple[Check, ...] = CHECKS) -> list[Finding]:
    """All findings in order; a check that fails itself is a finding too."""
    findings: list[Finding] = []
    for check in checks:
        try:
            findings += check(machine)
        except Exception as error:  # the others still have something to say
            what = f"the check {check.__name__} failed: {type(error).__name__}: {error}"
            findings.append(fail(what, "report it"))
    return findings


def main(args: list[str], *, registry: Registry | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """0, or 1 when something would stop a call."""
    parser = argparse.ArgumentParser(prog="active-call doctor", description=__doc__)
    add_conf_flag(parser)
    parser.add_argument("--json", action="store_true", help="for programs")
    try:
        options = parser.parse_args(args)
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 2
    found = discover() if registry is None else registry
    findings = examine(Machine(environ=environ, registry=found, conf=options.conf))
    if options.json:
        json.dump([asdict(finding) for finding in findings], sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        print(*findings, sep="\n")
    return 1 if any(finding.status is Status.FAIL for finding in findings) else 0
