"""What every model of the wire shares: key spellings, null as absent, RFC 3339 times, secrets that do not print.

Numbers and opaque maps are lenient on the way in and strict on the way out.
"""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Generic, TypeVar, overload

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    SerializationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel

T = TypeVar("T")

HIDDEN = "***"
"""What stands in the place of a secret."""

_SECRET_KEY = re.compile(r"secret|passw(or)?d|api[-_]?key|authorization|credential|cookie|token(?!s)", re.IGNORECASE)
"""Keys of opaque maps whose values are treated as secrets; `max_tokens` is not one."""


def _revealed(info: SerializationInfo) -> bool:
    return bool(info.context and info.context.get("reveal"))


def _secret(value: SecretStr, info: SerializationInfo) -> str:
    return value.get_secret_value() if _revealed(info) else HIDDEN


def _strings(value: Any) -> Any:
    """YAML and clients write `800` or `true` where the wire has strings; a null entry is an absent one."""
    if not isinstance(value, dict):
        return value
    return {str(key): _scalar(item) for key, item in value.items() if item is not None}


def _scalar(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _string_map(value: dict[str, str], info: SerializationInfo) -> dict[str, str]:
    if _revealed(info):
        return value
    return {key: HIDDEN if _SECRET_KEY.search(key) else item for key, item in value.items()}


def _whole(value: Any) -> Any:
    if isinstance(value, float) and math.isfinite(value):
        value = round(value)
    return max(value, 0) if isinstance(value, int) else value


Secret = Annotated[SecretStr, PlainSerializer(_secret, return_type=str, when_used="json-unless-none")]
"""A secret by type: `repr` and `dump` show `***`; the value is `.get_secret_value()`."""

StringMap = Annotated[
    dict[str, str],
    BeforeValidator(_strings),
    PlainSerializer(_string_map, return_type=dict[str, str], when_used="json-unless-none"),
]
"""An opaque map of strings; entries whose key names a secret are redacted by `dump`."""

Whole = Annotated[int, BeforeValidator(_whole), Field(ge=0)]
"""A number that the server sends: rounded and never negative, since clients decode it into unsigned integers."""

U32 = Annotated[int, Field(ge=0, le=2**32 - 1)]
"""A number that a client sends."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(unix_ms: int) -> str:
    """`2026-11-23T06:22:54.433+00:00`"""
    return (_EPOCH + timedelta(milliseconds=unix_ms)).isoformat(timespec="milliseconds")


def _unix_ms(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    # datetime knows microseconds; other servers write nanoseconds.
    moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value))
    if moment.tzinfo is None:
        raise ValueError("a time needs its offset from UTC")
    return (moment - _EPOCH) // timedelta(milliseconds=1)


Instant = Annotated[
    Whole,
    BeforeValidator(_unix_ms),
    PlainSerializer(rfc3339, return_type=str, when_used="json-unless-none"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""Unix ms here, RFC 3339 on the wire."""

Spellings = Mapping[str, str]
"""Further accepted keys of a model, each with the field it means."""


class Default(Generic[T]):
    """Reads a field whose absence matters: what was given, or else the documented default (on the class: that)."""

    def __init__(self, field: str, value: T) -> None:
        self.field, self.value = field, value

    @overload
    def __get__(self, owner: None, kind: type) -> T: ...
    @overload
    def __get__(self, owner: BaseModel, kind: type) -> T: ...
    def __get__(self, owner: BaseModel | None, kind: type) -> T:
        given: T | None = getattr(owner, self.field) if owner is not None else None
        return self.value if given is None else given


class WireModel(BaseModel):
    """A frozen value of the wire: snake_case here, camelCase there, either accepted; unknown keys are ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        allow_inf_nan=False,
        hide_input_in_errors=True,  # an error text may reach a log, and the input may be a secret
        protected_namespaces=(),
        defer_build=True,  # building 60 models takes longer than importing pydantic; see `warm_up`
    )

    SPELLINGS: ClassVar[Spellings] = {}
    """The field's own key wins when both are given."""

    KEEPS_NULL: ClassVar[frozenset[str]] = frozenset()
    """Keys where null is a value."""

    @model_validator(mode="before")
    @classmethod
    def _tidy(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        tidy = {key: value for key, value in data.items() if value is not None or key in cls.KEEPS_NULL}
        for other, own in cls.SPELLINGS.items():
            if other in tidy:
                value = tidy.pop(other)
                if own not in tidy and to_camel(own) not in tidy:
                    tidy[own] = value
        return tidy


def dump(model: WireModel, *, reveal: bool = False) -> dict[str, Any]:
    """The JSON object of an option or a command, without what was not given; secrets are `***` unless `reveal`."""
    given = model.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude_unset=True, context={"reveal": reveal}
    )
    command = getattr(model, "command", None)
    return given if command is None else {"command": command, **given}


def secret_values(model: BaseModel) -> Iterator[str]:
    """Every secret inside, for the registry of what must not reach a log."""
    for field in type(model).model_fields:
        value = getattr(model, field)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, BaseModel):
            yield from secret_values(value)
        elif isinstance(value, dict):
            yield from (item for key, item in value.items() if isinstance(item, str) and _SECRET_KEY.search(str(key)))
