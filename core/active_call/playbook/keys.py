"""Which keys a front matter may have, and what somebody meant who wrote another one."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from .document import fold

Path = tuple[str, ...]


def spellings(model: type[BaseModel]) -> dict[str, str]:
    """Every accepted key of a model, with the field it means."""
    accepted: dict[str, str] = dict(getattr(model, "SPELLINGS", {}))
    for name, field in model.model_fields.items():
        accepted[name] = name
        accepted[field.alias or name] = name
    return accepted


def unknown(model: type[BaseModel], data: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, str | None]]:
    """The paths of keys that mean nothing, each with the key that may have been meant."""
    accepted = spellings(model)
    for key, value in data.items():
        here = (*path, str(key))
        name = accepted.get(str(key))
        if name is None:
            yield here, suggestion(str(key), model)
            continue
        inner = _model(model.model_fields[name].annotation)
        if inner is None or not isinstance(value, Mapping):
            continue
        if inner[1]:
            for entry, item in value.items():
                yield from unknown(inner[0], item, (*here, str(entry))) if isinstance(item, Mapping) else ()
        else:
            yield from unknown(inner[0], value, here)


def said_twice(model: type[BaseModel], data: Mapping[str, Any], path: Path = ()) -> Iterator[Path]:
    """The paths of keys that another spelling of the same key overrules."""
    accepted = spellings(model)
    owner: dict[str, str] = {}
    for key, value in data.items():
        name = accepted.get(str(key))
        if name is None:
            continue
        if name in owner:
            yield (*path, str(key))
        owner.setdefault(name, str(key))
        inner = _model(model.model_fields[name].annotation)
        if inner and not inner[1] and isinstance(value, Mapping):
            yield from said_twice(inner[0], value, (*path, str(key)))


def suggestion(key: str, model: type[BaseModel]) -> str | None:
    """The accepted key nearest to one that is not."""
    folded = {fold(name): field.alias or name for name, field in model.model_fields.items()}
    close = get_close_matches(fold(key), folded, n=1, cutoff=0.7)
    return folded[close[0]] if close else None


def _model(annotation: Any) -> tuple[type[BaseModel], bool] | None:
    """The model inside an annotation, and whether it is the value of a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _model(inner[0])
    if origin is dict:
        found = _model(inner[1])
        return (found[0], True) if found else None
    if origin in (Union, UnionType):
        return next((found for part in inner if (found := _model(part))), None)
    return None
