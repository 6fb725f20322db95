"""JSON Schema of the wire, made from the models."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from .commands import Command
from .events import Event

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def commands_schema() -> dict[str, Any]:
    """What a client may send."""
    adapter: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="command")])
    return _titled(adapter.json_schema(mode="validation"), "Commands of active-call")


def events_schema() -> dict[str, Any]:
    """What the server sends."""
    adapter: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])
    return _titled(adapter.json_schema(mode="serialization"), "Events of active-call")


def wire_schema() -> dict[str, Any]:
    """Both in one document, whose `$defs` has `Command` and `Event`."""
    definitions = definitions_of_wire("#/$defs/")
    return {"$schema": DIALECT, "title": "The wire of active-call", **_one_of("#/$defs/"), "$defs": definitions}


def definitions_of_wire(prefix: str) -> dict[str, Any]:
    """Every model by name, references beginning with `prefix`: `TtsCommand`, `HangupEvent`, options as they are called.

    `Command` and `Event` are the unions.
    """
    definitions: dict[str, Any] = {}
    for union, schema in (("Command", commands_schema()), ("Event", events_schema())):
        models = schema["$defs"]
        kinds = {ref.rpartition("/")[2] for ref in schema["discriminator"]["mapping"].values()}
        names = {name: f"{name}{union}" if name in kinds else name for name in models}
        definitions[union] = _renamed(
            {key: schema[key] for key in ("oneOf", "discriminator")} | {"title": schema["title"]}, names, prefix
        )
        definitions |= {names[name]: _renamed(model, names, prefix) for name, model in models.items()}
    return dict(sorted(definitions.items()))


def names_of(union: str, definitions: Mapping[str, Any]) -> dict[str, str]:
    """The tag on the wire of each kind in `Command` or `Event`, with the name of its definition."""
    mapping: Mapping[str, str] = definitions[union]["discriminator"]["mapping"]
    return {tag: ref.rpartition("/")[2] for tag, ref in mapping.items()}


def _one_of(prefix: str) -> dict[str, Any]:
    return {"anyOf": [{"$ref": f"{prefix}Command"}, {"$ref": f"{prefix}Event"}]}


def _renamed(value: Any, names: Mapping[str, str], prefix: str) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(item, names, prefix) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names, prefix) for item in value]
    if isinstance(value, str) and value.startswith("#/$defs/"):
        return prefix + names[value.removeprefix("#/$defs/")]
    return value


def _titled(schema: dict[str, Any], title: str) -> dict[str, Any]:
    return {"$schema": DIALECT, "title": title, **schema}
