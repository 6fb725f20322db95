"""The tools that a model may name with arguments, and what each of them stands for.

The same reading serves the `tools` of a JSON reply and native tool calls.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from active_call.playbook.acts import Act, Hangup, Malformed, Refer
from active_call.playbook.grammar import ACTS, TagError

LONGEST_RESULT = 8000
"""Characters of a result that the model reads; a page is cut there."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ALIKE = ("goto", "set_var", "collect", "message", "play")
"""Tools that are the tag of the same name, with its attributes as arguments."""


@dataclass(frozen=True, slots=True)
class Order:
    """A command of the wire (`protocol`), for those that are no act; it passes the policy of any client's."""

    command: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fetch:
    """An HTTP request whose answer the model reads before it goes on."""

    url: str
    method: str = "GET"
    body: str | None = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """A question to the knowledge base, whose answer the model reads before it goes on."""

    query: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the playbook's or of a plugin's."""

    name: str
    arguments: Mapping[str, Any]


Request = Fetch | Lookup | Call
"""What has a result: the brain is asked again with it."""
Step = str | Act | Order | Request | Malformed


def read_tool(entry: Any, known: Collection[str] = ()) -> Step:
    """What `{"name": ..., ...}` stands for; `known` are the names of functions."""
    if not isinstance(entry, Mapping):
        return Malformed("", "a tool must be an object with a name")
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip():
        return Malformed("", "a tool has no name")
    name = name.strip()
    given = {str(key): value for key, value in entry.items() if key != "name"}
    # Models that know function calling put the arguments one level deeper, some as text.
    for key in ("arguments", "parameters", "params"):
        inner = _object(given.get(key))
        if inner is not None:
            del given[key]
            given.update(inner)
            break
    if name in known:
        return Call(name, given)
    try:
        return _read(name.lower(), given)
    except TagError as error:
        return Malformed("", f"tool {name[:60]}: {error}", name[:60])


def _read(name: str, given: Mapping[str, Any]) -> Step:
    reader = READERS.get(name)
    if reader is not None:
        return reader(given)
    if name in ALIKE:
        attributes = {key.lower(): _text(value) for key, value in given.items() if value is not None}
        return ACTS[name](attributes)
    raise TagError("there is no tool of this name")


def _hangup(given: Mapping[str, Any]) -> Step:
    return Hangup(_optional(given, "reason"))


def _refer(given: Mapping[str, Any]) -> Step:
    callee, caller = _need(given, "callee", "to", "callee_uri"), _optional(given, "caller")
    options = given.get("options")
    if not caller and not options:
        return Refer(callee)
    command: dict[str, Any] = {"command": "refer", "caller": caller or "", "callee": callee}
    return _order(command, "options", options)


def _accept(given: Mapping[str, Any]) -> Step:
    return _order({"command": "accept"}, "option", given.get("options", given.get("option")))


def _reject(given: Mapping[str, Any]) -> Step:
    code = given.get("code")
    if isinstance(code, str) and code.isdecimal():
        code = int(code[:4])
    if code is not None and (type(code) is not int or not 300 <= code <= 699):
        raise TagError("code must be a SIP status from 300 to 699")
    command = {"command": "reject", "reason": _optional(given, "reason") or "Rejected by agent"}
    return Order(command if code is None else {**command, "code": code})


def _rag(given: Mapping[str, Any]) -> Step:
    return Lookup(_need(given, "query"), _optional(given, "source"))


def _http(given: Mapping[str, Any]) -> Step:
    method = (_optional(given, "method") or "GET").upper()
    if method not in METHODS:
        raise TagError(f"method must be one of {', '.join(METHODS)}")
    headers, body = given.get("headers"), given.get("body")
    if headers is not None and not isinstance(headers, Mapping):
        raise TagError("headers must be an object")
    named = {str(key): _text(value) for key, value in (headers or {}).items() if value is not None}
    if body is not None and not isinstance(body, str) and "content-type" not in {key.lower() for key in named}:
        named["Content-Type"] = "application/json"
    return Fetch(_need(given, "url"), method, None if body is None else _text(body), named or None)


READERS: dict[str, Callable[[Mapping[str, Any]], Step]] = {
    "hangup": _hangup,
    "refer": _refer,
    "accept": _accept,
    "reject": _reject,
    "rag": _rag,
    "http": _http,
}
"""How the arguments of each tool are read that is more than the tag of its name."""
NAMES = (*READERS, *ALIKE)


def _order(command: dict[str, Any], key: str, options: Any) -> Order:
    if options is None:
        return Order(command)
    if not isinstance(options, Mapping):
        raise TagError("options must be an object")
    return Order({**command, key: dict(options)})


def _object(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, Mapping) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _optional(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    return None if value is None else _text(value).strip() or None


def _need(given: Mapping[str, Any], *names: str) -> str:
    for name in names:
        if value := _optional(given, name):
            return value
    raise TagError(f"{names[0]} is {'empty' if any(name in given for name in names) else 'missing'}")


# -- what came of it, for the model and for those who watch


def fetched(status: int, body: str) -> str:
    """The system note with the answer to a `Fetch`."""
    return f"HTTP tool response ({status}): {_cut(body)}\n{ANSWER}"


def not_fetched(reason: str) -> str:
    """The system note for a `Fetch` that had no answer."""
    return f"HTTP tool request failed: {reason}\nTell the caller so in plain words; do not call the tool again."


def looked_up(lookup: Lookup, result: str) -> str:
    """The system note with the answer to a `Lookup`."""
    source = f"[{lookup.source}] " if lookup.source else ""
    return f"RAG result for {lookup.query}: {source}{_cut(result)}"


ANSWER = "Answer the caller from this; do not call the tool again for it."


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_RESULT else f"{text[:LONGEST_RESULT]} (cut here)"


def invocation(step: Step) -> dict[str, Any] | None:
    """`data` of the metric `tool_invocation`; None for what is no tool."""
    match step:
        case Hangup(reason):
            return {"tool": "Hangup", "params": {"reason": reason, "initiator": None}}
        case Refer(to):
            return {"tool": "Refer", "params": {"caller": "", "callee": to}}
        case Order(command):
            params = {key: value for key, value in command.items() if key != "command"}
            return {"tool": str(command["command"]).capitalize(), "params": params}
        case Fetch(url, method):
            return {"tool": "Http", "params": {"url": url, "method": method}}
        case Lookup(query, source):
            return {"tool": "Rag", "params": {"query": query, "source": source}}
        case Call(name, arguments):
            return {"tool": name, "params": dict(arguments)}
    return None
