"""JSON Schema (2020-12) of a playbook's front matter, for editors: completion, hints, marks under mistyped keys."""

import ast
import inspect
import itertools
import textwrap
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from .keys import spellings
from .model import PlaybookConfig


def json_schema() -> dict[str, Any]:
    """Keys in camelCase; their other spellings are marked as deprecated, so that editors do not offer them."""
    schema = PlaybookConfig.model_json_schema(mode="validation")
    for model in dict.fromkeys(_models(PlaybookConfig)):
        described = schema if model is PlaybookConfig else schema["$defs"].get(model.__name__)
        if described is not None:
            _describe(described, model)
    _tidy(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Front matter of an active-call playbook",
    }


def _describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    properties = schema["properties"]
    for name, text in _docstrings(model):
        if name in model.model_fields:
            properties[model.model_fields[name].alias or name]["description"] = text
    for other, name in spellings(model).items():
        key = model.model_fields[name].alias or name
        if other not in properties:
            properties[other] = {**properties[key], "deprecated": True, "description": f"Another spelling of {key}."}
    accepted = list(spellings(model).values())
    names = {field.alias or name: name for name, field in model.model_fields.items()}
    # What must be there may be there in another spelling, which a schema says at length; `check` says it.
    schema["required"] = [key for key in schema.get("required", ()) if accepted.count(names[key]) == 1]
    schema["additionalProperties"] = False


def _tidy(schema: Any) -> None:
    """Without pydantic's titles of keys; where texts are expected, YAML's numbers and booleans will do."""
    if isinstance(schema, list):
        for item in schema:
            _tidy(item)
    if not isinstance(schema, dict):
        return
    for key, inner in schema.items():
        if key == "properties":
            for described in inner.values():
                described.pop("title", None)
        _tidy(inner)
    if schema.get("additionalProperties") == {"type": "string"}:
        schema["additionalProperties"] = {"type": ["string", "number", "boolean"]}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and not get_args(annotation) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation)
    for inner in get_args(annotation):
        yield from _models(inner)


def _docstrings(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """A text that follows a field in the source; read only when somebody asks for the schema."""
    definition = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(definition, ast.ClassDef)
    for field, after in itertools.pairwise(definition.body):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            yield field.target.id, inspect.cleandoc(after.value.value)
