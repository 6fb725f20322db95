"""The JSON Schema (2020-12) of the configuration file, with the docstrings of the fields as descriptions.

pydantic can take the docstrings itself, but does so whenever the models are imported: 50 ms of every start.
"""

import ast
import inspect
import itertools
import textwrap
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from .settings import Settings


def json_schema() -> dict[str, Any]:
    """What editors and validators need to know of `config.toml`; keys are snake_case."""
    schema = Settings.model_json_schema(mode="validation")
    for model in set(_models(Settings)):
        described = schema if model is Settings else schema["$defs"].get(model.__name__, {})
        for name, text in _docstrings(model):
            key = model.model_fields[name].alias or name
            described["properties"][key]["description"] = text
    return schema


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and not get_args(annotation) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation)
    for inner in get_args(annotation):
        yield from _models(inner)


def _docstrings(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """A text that follows a field in the source."""
    definition = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(definition, ast.ClassDef)
    for field, after in itertools.pairwise(definition.body):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            yield field.target.id, inspect.cleandoc(after.value.value)
