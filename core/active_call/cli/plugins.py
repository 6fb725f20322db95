"""`active-call plugins`: what is installed, what it can do, and what it still needs."""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from active_call.plugin.discovery import discover
from active_call.plugin.registry import Offer, Registry
from active_call.store.errors import ModelError, UnknownModel
from active_call.store.models import ModelStore, default_root

from .table import table

ELSEWHERE = frozenset({"summary", "description", "needs", "models", "parameters"})
"""Traits that the text output shows in another way, or that are too long for it."""
LONGEST_LIST = 8


def main(args: list[str], *, registry: Registry | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """0, or 1 when a plugin failed to load; a missing key or model is not a failure."""
    options = _parser().parse_args(args)
    found = discover() if registry is None else registry
    store = ModelStore(options.models_dir or default_root(environ), found.models, environ=environ)
    if options.json:
        print(json.dumps(_document(found, store, environ), indent=2, ensure_ascii=False))
    else:
        _print(found, store, environ)
    return 1 if found.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="active-call plugins", description=__doc__)
    parser.add_argument("--json", action="store_true", help="all traits, for programs")
    parser.add_argument("--models-dir", type=Path, metavar="DIR", help="where models are kept")
    return parser


def _print(registry: Registry, store: ModelStore, environ: Mapping[str, str]) -> None:
    rows = [
        (offer.kind.value, offer.name, str(offer.distribution).replace(" ", "\n", 1), _about(offer, store, environ))
        for offer in registry.offers()
    ]
    if rows:
        print(table(("KIND", "NAME", "FROM", "WHAT"), rows))
    else:
        print("no plugins; `pip install active-call[local]` brings an offline set")
    for failure in registry.failures:
        print(f"failed: {failure.entry_point} ({failure.distribution}): {failure.reason}", file=sys.stderr)


def _about(offer: Offer, store: ModelStore, environ: Mapping[str, str]) -> str:
    lines = [offer.traits.summary or getattr(offer.traits, "description", "")]
    lines.append(", ".join(_compact(name, value) for name, value in _special(offer.traits).items()))
    lines += [f"needs {key} in the environment" for key in _missing_keys(offer, environ)]
    lines += [_remedy(model, store) for model in _missing_models(offer, store)]
    return "\n".join(line for line in lines if line) or "-"


def _special(traits: Any) -> dict[str, Any]:
    """Traits that differ from their defaults."""
    special = {}
    for field in fields(traits):
        value = getattr(traits, field.name)
        if field.name not in ELSEWHERE and (field.default is MISSING or value != field.default):
            special[field.name] = value
    return special


def _compact(name: str, value: Any) -> str:
    if value is True:
        return name
    if isinstance(value, frozenset | tuple):
        items = [str(item) for item in (sorted(value) if isinstance(value, frozenset) else value)]
        more = f" +{len(items) - LONGEST_LIST}" if len(items) > LONGEST_LIST else ""
        return f"{name}={'|'.join(items[:LONGEST_LIST])}{more}"
    return f"{name}={str(value).lower() if isinstance(value, bool) else value}"


def _missing_keys(offer: Offer, environ: Mapping[str, str]) -> list[str]:
    return [key for key in offer.traits.needs if not environ.get(key)]


def _missing_models(offer: Offer, store: ModelStore) -> list[str]:
    missing = []
    for model in offer.traits.models:
        try:
            if store.missing([model]):
                missing.append(model)
        except ModelError:
            missing.append(model)
    return missing


def _remedy(model: str, store: ModelStore) -> str:
    try:
        store.expand([model])
    except UnknownModel:
        return f"needs model {model}, which no installed plugin describes"
    return f"needs model {model}: active-call models pull {model}"


def _document(registry: Registry, store: ModelStore, environ: Mapping[str, str]) -> dict[str, Any]:
    plugins = [
        {
            "kind": offer.kind.value,
            "name": offer.name,
            "distribution": offer.distribution.name,
            "version": offer.distribution.version,
            "api": offer.api,
            "traits": {field.name: _plain(getattr(offer.traits, field.name)) for field in fields(offer.traits)},
            "missing_keys": _missing_keys(offer, environ),
            "missing_models": _missing_models(offer, store),
        }
        for offer in registry.offers()
    ]
    failures = [
        {
            "entry_point": failure.entry_point,
            "distribution": failure.distribution.name,
            "version": failure.distribution.version,
            "reason": failure.reason,
        }
        for failure in registry.failures
    ]
    return {"plugins": plugins, "failures": failures}


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value
