"""Secrets inside settings: by type where the type is known, by the look of the key where a plugin's keys are not."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from .values import HIDDEN

_SECRET_KEY = re.compile(r"secret|passw(or)?d|key|token(?!s)|credential|authorization", re.IGNORECASE)


def secret_values(value: Any) -> Iterator[str]:
    """The texts of every `SecretStr` inside models, lists and tables."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from secret_values(getattr(value, field))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secret_values(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from secret_values(item)


def secret_texts(value: Any, key: str = "") -> Iterator[str]:
    """Texts of a plain table whose key looks like a secret's."""
    if isinstance(value, str) and _SECRET_KEY.search(key):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from secret_texts(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from secret_texts(item, key)


def hidden_texts(value: Any) -> Any:
    """A plain table with every text replaced by `***`."""
    if isinstance(value, str):
        return HIDDEN if value else ""
    if isinstance(value, Mapping):
        return {name: hidden_texts(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [hidden_texts(item) for item in value]
    return value if isinstance(value, bool | int | float) or value is None else HIDDEN
