"""The places that settings come from, each read into a layer: plain values under the model's own keys, with origins.

A key may be camelCase or snake_case. Nothing is validated here but the form of the source itself.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_snake
from pydantic_settings import BaseSettings, DotEnvSettingsSource

from .flags import FLAGS
from .origins import Origins
from .origins import Path as KeyPath
from .places import places
from .problems import Origin, Problem, dotted

PREFIX = "ACTIVE_CALL_"
NESTED = "__"
BORROWED = {"OFFLINE_MODELS_DIR": "models_dir", "RUST_LOG": "log_level"}
"""Variables of the reference that mean a setting; ours win."""
NOT_SETTINGS = frozenset({"ACTIVE_CALL_LOAD_PLUGINS"})
_ORCHESTRATOR = re.compile(r"SERVICE_(HOST|PORT)(_.*)?|PORT(_\d+_(TCP|UDP|SCTP)(_.*)?)?")
"""What Kubernetes and Docker links set for a service that is called `active-call`."""
_TOML_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(kw_only=True)
class Layer:
    """One source."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: Origins = field(default_factory=Origins)
    problems: list[Problem] = field(default_factory=list)


def canonical(path: KeyPath) -> KeyPath:
    """The path under the model's own spelling; what the operator or a plugin names freely stays as it is."""
    if path[:1] == ("plugins",):
        return tuple(
            part.replace("_", "-") if i == 1 and isinstance(part, str) else part for i, part in enumerate(path)
        )
    if "headers" in path[:-1]:
        return path
    return tuple(to_snake(part) if isinstance(part, str) else part for part in path)


# ---------------------------------------------------------------- files


def from_toml(path: Path) -> Layer:
    """`config.toml`; an unreadable or malformed one is a problem of the layer."""
    layer = Layer()
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        layer.problems.append(
            Problem(
                origin=Origin(source=str(path)),
                problem=f"cannot be read: {error.strerror or error}",
                suggestion="name another file with --conf, or start one: active-call config init config.toml",
            )
        )
        return layer
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        origin = Origin(source=str(path), line=line)
        layer.problems.append(Problem(origin=origin, problem="it is not UTF-8 text", suggestion="save it as UTF-8"))
        return layer
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        layer.problems.append(_malformed(str(path), text, str(error)))
        return layer
    for at, place in places(text).items():
        layer.origins.put(canonical(at), Origin(source=str(path), line=place.line, column=place.column))
    layer.values = _canonical_table(document, (), layer)
    return layer


def _malformed(name: str, text: str, message: str) -> Problem:
    place = _TOML_PLACE.search(message)
    line, column = text.count("\n") + 1, None
    if place and place[1]:
        line, column = int(place[1]), int(place[2])
    problem = _TOML_PLACE.sub("", message)
    shown = text.splitlines()[line - 1].strip() if line <= len(text.splitlines()) else ""
    key = shown.partition("=")[0].strip()
    return Problem(
        origin=Origin(source=name, line=line, column=column),
        key=key if re.fullmatch(r"[\w.-]+", key) else "",
        problem=f"not TOML: {problem[:1].lower()}{problem[1:]}",
        suggestion="texts stand in quotes, tables in [brackets]; `active-call config init` shows a whole file",
    )


def _canonical_table(table: Mapping[str, Any], at: KeyPath, layer: Layer) -> dict[str, Any]:
    own: dict[str, Any] = {}
    for key, value in table.items():
        path = canonical((*at, key))
        name = str(path[-1])
        if name in own:
            origin = layer.origins.of(path) or Origin(source="")
            problem = f"is given twice, the second time as `{key}`"
            layer.problems.append(
                Problem(origin=origin, key=dotted(path), problem=problem, suggestion="remove one of them")
            )
        own[name] = _canonical_value(value, path, layer)
    return own


def _canonical_value(value: Any, at: KeyPath, layer: Layer) -> Any:
    if isinstance(value, Mapping):
        return _canonical_table(value, at, layer)
    if isinstance(value, list):
        return [_canonical_value(item, (*at, index), layer) for index, item in enumerate(value)]
    return value


# ---------------------------------------------------------------- environment


def read_dotenv(path: Path | None) -> dict[str, str]:
    """The variables of a `.env` file; none when there is no such file."""
    if path is None or not path.is_file():
        return {}
    variables = DotEnvSettingsSource(BaseSettings, env_file=path, case_sensitive=True).env_vars
    return {name: value for name, value in variables.items() if value is not None}


def environment(environ: Mapping[str, str], dotenv: Path | None) -> dict[str, str]:
    """What plugins and playbooks see: the process's environment over the `.env` file."""
    return {**read_dotenv(dotenv), **environ}


def from_dotenv(path: Path | None) -> Layer:
    """A `.env` file; absent: an empty layer."""
    try:
        variables = read_dotenv(path)
        text = path.read_text("utf-8-sig") if path is not None and variables else ""
    except (OSError, UnicodeDecodeError) as error:
        problem = (
            "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else f"cannot be read: {error.strerror}"
        )
        origin = Origin(source=str(path))
        return Layer(problems=[Problem(origin=origin, problem=problem, suggestion="mend or remove the file")])
    lines = {
        match[1]: text.count("\n", 0, match.start(1)) + 1
        for match in re.finditer(r"(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=", text)
    }
    return from_environ(variables, source=str(path), lines=lines)


def from_environ(
    environ: Mapping[str, str], *, source: str = "environment", lines: Mapping[str, int] | None = None
) -> Layer:
    """`ACTIVE_CALL_HTTP_ADDR`, nested with `__`: `ACTIVE_CALL_AUTH__TOKENS`. An empty variable counts as absent."""
    layer = Layer()
    # A shorter name first: a table as JSON, then its single keys. Borrowed names before ours, which win.
    for name in sorted(environ, key=lambda name: (name not in BORROWED, name)):
        value = environ[name]
        if not value or name in NOT_SETTINGS:
            continue
        if name in BORROWED:
            path: KeyPath = (BORROWED[name],)
        elif name.startswith(PREFIX) and not _ORCHESTRATOR.fullmatch(name.removeprefix(PREFIX)):
            path = canonical(tuple(name.removeprefix(PREFIX).lower().split(NESTED)))
        else:
            continue
        origin = Origin(source=source, name=name, line=lines.get(name) if lines else None)
        _set(layer, path, _decoded(value, path, layer, origin), origin)
    return layer


def _decoded(text: str, path: KeyPath, layer: Layer, origin: Origin) -> Any:
    """Lists and tables are JSON; so is what a plugin's key holds when it can be."""
    free = path[:1] == ("plugins",)
    if not free and not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return _canonical_value(json.loads(text), path, layer)
    except ValueError as error:
        # `[::1]:8080` is an address, and a plugin's texts need no quotes.
        if not free and text.lstrip().startswith("{"):
            said = f"not JSON: {error}"
            layer.problems.append(
                Problem(origin=origin, key=dotted(path), problem=said, suggestion='write it as `{"key": "value"}`')
            )
            return {}
        return text


def _set(layer: Layer, path: KeyPath, value: Any, origin: Origin) -> None:
    table = layer.values
    for index, part in enumerate(path[:-1]):
        inner = table.get(str(part))
        if not isinstance(inner, dict):
            inner = table[str(part)] = {}
            layer.origins.drop(path[: index + 1])
        table = inner
    table[str(path[-1])] = value
    layer.origins.drop(path)
    layer.origins.put(path, origin)


# ---------------------------------------------------------------- command line


def from_cli(overrides: Mapping[str, Any]) -> Layer:
    """What `flags.cli_overrides` made of the command line."""
    layer = Layer(values=dict(overrides))
    for key in overrides:
        layer.origins.put((key,), Origin(source="command line", name=FLAGS.get(key, key)))
    return layer
