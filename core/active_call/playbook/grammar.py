"""The grammar of one tag: its attributes, and the act they make.

The tags are those of the reference's playbooks, read leniently: attributes in any order and either quote, XML escapes,
blanks where XML allows them, names in any case, attributes that mean nothing ignored.
"""

import re
from collections.abc import Callable, Mapping
from html import unescape

from .acts import Act, Collect, Goto, Hangup, Http, HttpMethod, Malformed, PlayFile, Refer, SendMessage, SetVar

ATTRIBUTE = re.compile(r"([A-Za-z_][\w:-]*)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
# Only XML's escapes, with their semicolon: HTML's looser rules would read `&copy=2` in a URL as a sign.
ESCAPE = re.compile(r"&(?:lt|gt|amp|quot|apos|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});")


class TagError(Exception):
    """What is wrong with a tag, in words for the reader."""


def attributes(tag: str) -> dict[str, str]:
    """The attributes of one tag by lower-case name, unescaped; of a name given twice the first counts."""
    found: dict[str, str] = {}
    for name, double, single in ATTRIBUTE.findall(tag):
        found.setdefault(name.lower(), ESCAPE.sub(lambda escape: unescape(escape[0]), double or single))
    return found


def need(given: Mapping[str, str], *names: str) -> str:
    """The value of the first of these names that is given and not blank; raises `TagError` if none is."""
    for name in names:
        if given.get(name, "").strip():
            return given[name].strip()
    raise TagError(f"{' or '.join(names)} is {'empty' if any(name in given for name in names) else 'missing'}")


def read(name: str, tag: str) -> Act | Malformed:
    """The act of a complete, well-formed tag of ours; `name` is a key of `ACTS`."""
    try:
        return ACTS[name](attributes(tag))
    except TagError as error:
        return Malformed(tag, str(error), name)


def _message(given: Mapping[str, str]) -> Act:
    refer = given.get("refer", "false").strip().lower()
    if refer not in ("true", "false"):
        raise TagError('refer must be "true" or "false"')
    body = need(given, "body", "text")
    kind = given.get("contenttype") or given.get("content_type")
    return SendMessage(body, kind, refer == "true") if kind else SendMessage(body, refer=refer == "true")


def _set_var(given: Mapping[str, str]) -> Act:
    if "value" not in given:
        raise TagError("value is missing")
    return SetVar(need(given, "key"), given["value"])


METHODS: dict[str, HttpMethod] = {"": "GET", "GET": "GET", "POST": "POST", "PUT": "PUT"}


def _http(given: Mapping[str, str]) -> Act:
    method = METHODS.get(given.get("method", "").strip().upper())
    if method is None:
        raise TagError("method must be GET, POST or PUT")
    return Http(need(given, "url"), method, given.get("body"))


def _collect(given: Mapping[str, str]) -> Act:
    return Collect(need(given, "type"), need(given, "var"), given.get("prompt") or None)


ACTS: dict[str, Callable[[Mapping[str, str]], Act]] = {
    "hangup": lambda given: Hangup(given.get("reason") or None),
    "refer": lambda given: Refer(need(given, "to")),
    "message": _message,
    "play": lambda given: PlayFile(need(given, "file")),
    "goto": lambda given: Goto(need(given, "scene")),
    "set_var": _set_var,
    "http": _http,
    "collect": _collect,
}
"""How the attributes of each tag are read."""
