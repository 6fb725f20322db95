"""`active-call models`: list, pull and verify model weights."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TextIO

from tqdm import tqdm

from active_call.plugin.discovery import discover
from active_call.plugin.models import ModelEntry, ModelFile
from active_call.plugin.registry import Registry
from active_call.store.errors import ModelError
from active_call.store.models import MODELS_DIR, ModelStore, default_root
from active_call.store.provision import ensure
from active_call.store.units import human_size

from .table import table

STEP_PERCENT = 25
"""How often a log file, which cannot show a bar, hears of a download."""


class Display(Protocol):
    """Shows a pull: a `Progress` of the store that can also say a line in between."""

    def __call__(self, file: ModelFile, done: int, total: int, /) -> None: ...
    def say(self, text: str, /) -> None: ...
    def close(self) -> None: ...


class Bars:
    """A progress bar per file, for a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: Any = None
        self._file: ModelFile | None = None

    def __call__(self, file: ModelFile, done: int, total: int, /) -> None:
        if self._file != file:
            self.close()
            self._file = file
            self._bar = tqdm(
                total=total, desc=f"  {file.name}", unit="B", unit_scale=True, file=self._stream, dynamic_ncols=True
            )
        self._bar.update(done - self._bar.n)

    def say(self, text: str, /) -> None:
        self.close()
        print(text, file=self._stream, flush=True)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = self._file = None


class Lines:
    """A line per quarter of a file, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last: tuple[str, int] | None = None

    def __call__(self, file: ModelFile, done: int, total: int, /) -> None:
        step = 100 * done // max(total, 1) // STEP_PERCENT
        if (file.name, step) != self._last:
            self._last = (file.name, step)
            print(f"  {file.name}: {step * STEP_PERCENT} % of {human_size(total)}", file=self._stream, flush=True)

    def say(self, text: str, /) -> None:
        print(text, file=self._stream, flush=True)

    def close(self) -> None:
        self._last = None


def display(stream: TextIO) -> Display:
    """What shows a pull on `stream`; call `close` when it ends."""
    return Bars(stream) if stream.isatty() else Lines(stream)


def main(args: list[str], *, registry: Registry | None = None) -> int:
    options = _parser().parse_args(args)
    root = getattr(options, "models_dir", None) or default_root()
    found = discover() if registry is None else registry
    store = ModelStore(root, found.models)
    run: Callable[[ModelStore, argparse.Namespace, Registry], int] = options.run
    try:
        return run(store, options, found)
    except ModelError as error:
        print(f"active-call models: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--models-dir",
        type=Path,
        metavar="DIR",
        default=argparse.SUPPRESS,
        help=f"where models are kept (default: {MODELS_DIR}, else ./models if it exists, else the user's cache)",
    )
    parser = argparse.ArgumentParser(prog="active-call models", description=__doc__, parents=[common])
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, run: Callable[..., int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text, parents=[common])
        command.set_defaults(run=run)
        return command

    add("list", _list, "what the installed plugins can use, and whether it is here")
    pull = add("pull", _pull, "get models, or groups of them such as `embedded`")
    pull.add_argument("names", nargs="+", metavar="NAME")
    verify = add("verify", _verify, "hash every file again (default: of all models that are here)")
    verify.add_argument("names", nargs="*", metavar="NAME")
    path = add("path", _path, "print where models, or the files of one, are kept")
    path.add_argument("name", nargs="?", metavar="NAME")
    return parser


def _list(store: ModelStore, options: argparse.Namespace, registry: Registry) -> int:
    if not store.entries:
        print("no installed plugin needs a model; `active-call plugins` lists what is installed")
        return 0
    absent = {entry.name for entry in store.missing(store.entries)}
    rows = [
        (
            entry.name,
            human_size(entry.size),
            _state(store, entry, entry.name in absent),
            entry.licence,
            _users(registry, entry.name),
        )
        for entry in sorted(store.entries.values(), key=lambda entry: entry.name)
    ]
    print(table(("MODEL", "SIZE", "STATE", "LICENCE", "NEEDED BY"), rows))
    print()
    for group, names in sorted(store.groups().items()):
        size = human_size(sum(store.entries[name].size for name in names))
        print(f"group {group} ({size}): {', '.join(sorted(names))}")
    print(f"kept in {store.path}")
    return 0


def _state(store: ModelStore, entry: ModelEntry, absent: bool) -> str:
    if not absent:
        return "present"
    left = store.needed(entry)
    return "missing" if left >= entry.size else f"partly, {human_size(left)} to go"


def _users(registry: Registry, model: str) -> str:
    return ", ".join(f"{offer.kind} {offer.name}" for offer in registry.offers() if model in offer.traits.models) or "-"


def _pull(store: ModelStore, options: argparse.Namespace, registry: Registry) -> int:
    missing = {entry.name for entry in store.missing(options.names)}
    shown = display(sys.stderr)
    for entry in store.expand(options.names):
        if entry.name not in missing:
            shown.say(f"{entry.name}: already here")
    try:
        asyncio.run(ensure(store, missing, shown.say, shown))
    except KeyboardInterrupt:
        shown.say("stopped; the same command goes on where this one was")
        raise
    finally:
        shown.close()
    return 0


def _verify(store: ModelStore, options: argparse.Namespace, registry: Registry) -> int:
    present = [name for name in sorted(store.entries) if store.folder(name).is_dir()]
    entries = store.expand(options.names or present)
    if not entries:
        print(f"no model in {store.path}")
    status = 0
    for entry in entries:
        problems = store.verify(entry.name)
        if not problems:
            print(f"{entry.name}: right, {human_size(entry.size)}")
            continue
        status = 1
        for problem in problems:
            print(problem)
        print(f"  mend it: active-call models pull {entry.name}")
    return status


def _path(store: ModelStore, options: argparse.Namespace, registry: Registry) -> int:
    if options.name is None:
        print(store.path)
        return 0
    status = 0
    for entry in store.expand([options.name]):
        print(store.folder(entry.name))
        if store.missing([entry.name]):
            print(f"{entry.name} is not there yet: active-call models pull {entry.name}", file=sys.stderr)
            status = 1
    return status
