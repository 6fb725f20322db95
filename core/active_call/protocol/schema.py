"""JSON Schema of the wire, made from the models."""

from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from .commands import Command
from .events import Event


def commands_schema() -> dict[str, Any]:
    """What a client may send."""
    adapter: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="command")])
    return _titled(adapter.json_schema(mode="validation"), "Commands of active-call")


def events_schema() -> dict[str, Any]:
    """What the server sends."""
    adapter: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])
    return _titled(adapter.json_schema(mode="serialization"), "Events of active-call")


def _titled(schema: dict[str, Any], title: str) -> dict[str, Any]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}
