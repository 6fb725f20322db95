"""The kinds of values that settings are made of; each is strict about content and lenient about spelling."""

import ipaddress
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, SecretStr

from .problems import Wrong

HIDDEN = "***"
"""What stands in the place of a secret."""


class Section(BaseModel):
    """Base of the tables: frozen, and an unknown key is an error."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        hide_input_in_errors=True,  # the input may be a secret
        allow_inf_nan=False,
        defer_build=True,
    )


def _hidden(secret: SecretStr) -> str:
    return HIDDEN if secret.get_secret_value() else ""


def _text(value: Any) -> Any:
    """`password = 1234` is meant as text."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Secret = Annotated[SecretStr, BeforeValidator(_text), PlainSerializer(_hidden, return_type=str, when_used="json")]
"""Prints as `***`; the value is `.get_secret_value()`."""


def _listed(value: Any) -> Any:
    """`a,b` from a flag or the environment, one value alone, or a list."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Listed = BeforeValidator(_listed)
Names = Annotated[tuple[str, ...], Listed]
OneOrMore = BeforeValidator(_one_or_more, json_schema_input_type=str | list[str])


def split_address(text: str) -> tuple[str, int]:
    """`host:port`, `[v6]:port` as host and port. Raises `Wrong`."""
    host, colon, port = text.strip().rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not bare or (":" in host and bare == host) or not re.fullmatch(r"\d{1,5}", port):
        raise Wrong(f"{text!r} is not an address and a port", "write it as `127.0.0.1:8080` or `[::1]:8080`")
    return bare, _port(int(port))


def _port(number: int) -> int:
    if not 0 <= number <= 65535:
        raise Wrong(f"{number} is not a port", "a port is a number from 0 (any free one) to 65535")
    return number


def _address(text: str) -> str:
    split_address(text)
    return text.strip()


def _ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        raise Wrong(f"{text!r} is not an IP address", "give the address alone, without a port or a name") from None


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip()))
    except ValueError as error:
        raise Wrong(f"{text!r} is not a network: {error}", "write it as `10.0.0.0/8`") from None


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise Wrong(f"{text!r} is not a regular expression: {error}", "see Python's `re`") from None
    return text


_HOST = re.compile(r"(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?(?::\d{1,5})?")


def _target(text: str) -> str:
    """A host, `host:port`, `*.domain` or a network."""
    plain = text.strip()
    if "/" in plain or plain.count(":") > 1:
        return _network(plain.strip("[]"))
    if not _HOST.fullmatch(plain):
        raise Wrong(
            f"{text!r} is not a host or a network", "write it as `pbx.example`, `pbx.example:5060` or `10.0.0.0/8`"
        )
    return plain


def _url(text: str, schemes: Iterable[str]) -> str:
    try:
        parts = urlsplit(text.strip())
        valid = parts.scheme in schemes and bool(parts.hostname)
    except ValueError:
        valid = False
    if not valid:  # the text is not repeated: it may hold a password
        raise Wrong("it is not a URL that can be called", f"write it as `{next(iter(schemes))}://host/path`")
    return text.strip()


def _web_url(text: str) -> str:
    return _url(text, ("http", "https"))


def without_userinfo(url: str) -> str:
    """A URL as it may be shown: `user:password@` is hidden."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=f"{HIDDEN}@{parts.netloc.rpartition('@')[2]}"))


_SHOWN = PlainSerializer(without_userinfo, return_type=str, when_used="json")

FilePath = Annotated[Path, AfterValidator(Path.expanduser)]
Port = Annotated[int, AfterValidator(_port)]
Address = Annotated[str, AfterValidator(_address)]
Ip = Annotated[str, AfterValidator(_ip)]
Network = Annotated[str, AfterValidator(_network)]
Target = Annotated[str, AfterValidator(_target)]
Pattern = Annotated[str, AfterValidator(_pattern)]
WebUrl = Annotated[str, AfterValidator(_web_url), _SHOWN]


def _pairs(value: Any) -> Any:
    """A table, or the reference's list of pairs."""
    return tuple(value.items()) if isinstance(value, dict) else value


Headers = Annotated[
    tuple[tuple[str, Secret], ...],
    BeforeValidator(_pairs, json_schema_input_type=dict[str, str] | list[tuple[str, str]]),
]
"""Header values are secrets: they carry tokens more often than not."""

Ratio = Annotated[float, Field(ge=0, le=1)]
