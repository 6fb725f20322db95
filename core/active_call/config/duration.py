"""Spans of time as people write them: `50s`, `500ms`, `2m`, `1h30m`; a plain number is seconds."""

import math
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from .problems import Wrong

UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
SPELLINGS = {"sec": "s", "secs": "s", "min": "m", "mins": "m", "hr": "h", "hrs": "h", "day": "d", "days": "d"}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)\s*")


def seconds(value: Any) -> float:
    """Seconds, never negative. Raises `Wrong`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _wrong(value)
    total = float(value) if isinstance(value, int | float) else _parse(value)
    if not math.isfinite(total) or total < 0:
        raise _wrong(value)
    return total


def _parse(text: str) -> float:
    plain = text.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", plain):
        return float(plain)
    total, end = 0.0, 0
    while part := _PART.match(plain, end):
        unit = SPELLINGS.get(part[2], part[2])
        if unit not in UNITS_S:
            raise _wrong(text)
        total += float(part[1]) * UNITS_S[unit]
        end = part.end()
    if not end or end != len(plain):
        raise _wrong(text)
    return total


def _wrong(value: Any) -> Wrong:
    return Wrong(f"{value!r} is not a duration", "write it as `50s`, `500ms`, `2m` or a number of seconds")


Seconds = Annotated[
    float,
    BeforeValidator(seconds),
    Field(ge=0),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "examples": ["50s", "500ms", "2m"]}]}
    ),
]
