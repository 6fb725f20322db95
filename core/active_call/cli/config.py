"""`active-call config`: what is set and from where, the schema, and a file to start with."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from active_call.config.flags import add_conf_flag
from active_call.config.problems import ConfigError, dotted
from active_call.config.settings import Settings

from .table import table

DOTENV = Path(".env")


def main(args: list[str], *, environ: Mapping[str, str] = os.environ) -> int:
    """0 done, 1 could not write, 2 wrong settings or wrong usage."""
    try:
        options = _parser().parse_args(args)
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 2
    run: Callable[[argparse.Namespace, Mapping[str, str]], int] = options.run
    return run(options, environ)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="active-call config", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, run: Callable[..., int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    show = add(
        "show", _show, "check the settings, and print what is in effect and where it comes from; secrets are hidden"
    )
    add_conf_flag(show)
    show.add_argument("--json", action="store_true", help="for programs")
    add("schema", _schema, "print the JSON Schema of the configuration file")
    init = add("init", _init, "write a commented sample file")
    init.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: standard output")
    return parser


def _show(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from active_call.config import effect
    from active_call.config.load import load

    try:
        settings = load(options.conf, {}, environ, DOTENV)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    rows = list(_rows(settings))
    if options.json:
        values = {key: {"value": value, "origin": origin} for key, value, origin in rows}
        print(json.dumps(values, indent=2, ensure_ascii=False))
    else:
        shown = [(key, origin or "default", json.dumps(value, ensure_ascii=False)) for key, value, origin in rows]
        print(table(("KEY", "FROM", "VALUE"), shown))
    if said := effect.warning(settings.without_effect()):
        print(said, file=sys.stderr)
    return 0


def _rows(settings: Settings) -> Iterator[tuple[str, Any, str | None]]:
    """Key, value, and the origin of what is no default; a list of tables has a row per value in it."""
    for path, value in _leaves(settings.shown(), ()):
        origin = settings.origins.of(path)
        yield dotted(path), value, str(origin) if origin else None


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value


def _schema(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from active_call.config.schema import json_schema

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0


def _init(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    text = files("active_call.config").joinpath("sample.toml").read_text("utf-8")
    if options.file is None:
        print(text, end="")
        return 0
    try:
        with options.file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        print(f"{options.file} is already there; name another file, or move it away", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{options.file} cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    print(f"wrote {options.file}; check it with: active-call config show --conf {options.file}")
    return 0
