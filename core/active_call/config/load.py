"""Settings from all their sources. Rising: defaults, `config.toml`, `.env`, environment, command line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .checks import startup_problems
from .explain import explain
from .origins import Origins
from .origins import Path as KeyPath
from .problems import ConfigError
from .settings import Settings
from .sources import Layer, from_cli, from_dotenv, from_environ, from_toml


def load(conf: Path | None, cli: Mapping[str, Any], environ: Mapping[str, str], dotenv: Path | None) -> Settings:
    """Raises `ConfigError` with everything that is wrong.

    `conf` must exist when it is named; `dotenv` need not. `cli` is what `flags.cli_overrides` gives.
    """
    layers = [
        from_toml(conf) if conf is not None else Layer(),
        from_dotenv(dotenv),
        from_environ(environ),
        from_cli(cli),
    ]
    values: dict[str, Any] = {}
    origins = Origins()
    for layer in layers:
        _lay(values, layer.values, (), layer.origins, origins)
    problems = [problem for layer in layers for problem in layer.problems]
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise ConfigError([*problems, *explain(error, values, origins)]) from None
    if problems:
        raise ConfigError(problems)
    settings.origins.take(origins)
    if found := startup_problems(settings):
        raise ConfigError(found)
    return settings


def _lay(base: dict[str, Any], over: Mapping[str, Any], at: KeyPath, theirs: Origins, merged: Origins) -> None:
    """Lay `over` on `base`: tables key by key, everything else whole; so does a table that names its `type`."""
    for key, value in over.items():
        path = (*at, key)
        known = base.get(key)
        if isinstance(value, dict) and isinstance(known, dict) and "type" not in value:
            _lay(known, value, path, theirs, merged)
            continue
        merged.drop(path)
        for below, origin in theirs.below(path):
            merged.put(below, origin)
        if (own := theirs.of(path)) is not None:
            merged.put(path, own)
        base[key] = _copied(value)


def _copied(value: Any) -> Any:
    return {key: _copied(item) for key, item in value.items()} if isinstance(value, dict) else value
