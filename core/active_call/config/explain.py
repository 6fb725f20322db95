"""Turns pydantic's findings into problems: the place in the source, the key, and a suggestion, without secrets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from .origins import Origins
from .origins import Path as KeyPath
from .problems import Origin, Problem, Wrong, did_you_mean, dotted
from .settings import Settings

_PLAIN = {
    "int_parsing": "must be a whole number, not {input!r}",
    "int_from_float": "must be a whole number, not {input!r}",
    "int_type": "must be a whole number",
    "float_parsing": "must be a number, not {input!r}",
    "float_type": "must be a number",
    "bool_parsing": "must be true or false, not {input!r}",
    "bool_type": "must be true or false",
    "string_type": "must be a text",
    "path_type": "must be a path",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "missing": "is missing",
    "union_tag_not_found": "has no `type`",
    "too_short": "must not be empty",
}
"""By pydantic's error type. `{input}` only where the value cannot be a secret."""


def explain(error: ValidationError, values: Mapping[str, Any], origins: Origins) -> Iterator[Problem]:
    """One problem per finding. `values` is what was validated."""
    for detail in error.errors(include_url=False):
        path, tags = _path(detail["loc"], values)
        wrong = detail.get("ctx", {}).get("error")
        if isinstance(wrong, Wrong) and wrong.key:
            path = (*path, wrong.key)
        key = dotted(path)
        problem, suggestion = _said(dict(detail), path, tags)
        yield Problem(
            origin=origins.of(path) or Origin(source="settings"), key=key, problem=problem, suggestion=suggestion
        )


def _path(loc: Sequence[int | str], values: Mapping[str, Any]) -> tuple[KeyPath, frozenset[str]]:
    """The path in the source, and the tags of unions that pydantic puts between."""
    path: KeyPath = ()
    tags = set()
    here: Any = values
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        inside = here if isinstance(here, Mapping) else dict(enumerate(here)) if isinstance(here, list | tuple) else {}
        if part in inside:
            here = inside[part]
        elif isinstance(here, Mapping) and here.get("type") == part:
            tags.add(str(part))
            continue
        elif not (last and isinstance(here, Mapping)):  # `missing` names what is not there
            continue
        path = (*path, part)
    return path, frozenset(tags)


def _said(detail: Mapping[str, Any], path: KeyPath, tags: frozenset[str]) -> tuple[str, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    wrong = context.get("error")
    if isinstance(wrong, Wrong):
        return wrong.problem, wrong.suggestion
    if kind == "extra_forbidden":
        return "unknown key", did_you_mean(str(path[-1]), _keys(path[:-1], tags))
    if kind == "literal_error":
        names = context["expected"].replace(" or ", ", ").replace("'", "").split(", ")
        return f"must be {context['expected']}, not {detail['input']!r}", _near(detail["input"], names)
    if kind == "union_tag_invalid":
        names = context["expected_tags"].replace("'", "").split(", ")
        return f"`type` must be {context['expected_tags']}, not {context['tag']!r}", _near(context["tag"], names)
    if kind == "union_tag_not_found":
        return _PLAIN[kind], f"add `type`: {_tags(path)}"
    if kind in _PLAIN:
        return _PLAIN[kind].format(input=detail["input"]), ""
    text = detail["msg"].removeprefix("Input ").removeprefix("should ")
    return (f"must {text}" if text != detail["msg"] else text[:1].lower() + text[1:]), ""


def _near(value: object, names: Sequence[str]) -> str:
    said = did_you_mean(str(value), names)
    return said if said.startswith("did you mean") else ""


def _keys(path: KeyPath, tags: frozenset[str]) -> set[str]:
    return {key for model in _models(path, tags) for key in _named(model)}


def _tags(path: KeyPath) -> str:
    types = [get_args(model.model_fields["type"].annotation)[0] for model in _models(path, frozenset())]
    return ", ".join(f'"{name}"' for name in types)


def _named(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _models(path: KeyPath, tags: frozenset[str]) -> list[type[BaseModel]]:
    """The models that a table at `path` may be."""
    models: list[type[BaseModel]] = [Settings]
    for part in path:
        if isinstance(part, int):
            continue
        fields = [field for model in models if (field := _named(model).get(part)) is not None]
        found = [inner for field in fields for inner in _inside(field.annotation)]
        tagged = [model for model in found if _tag(model) in tags]
        models = tagged or found
    return models


def _tag(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("type")
    return get_args(field.annotation)[0] if field else None


def _inside(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and not get_args(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _inside(inner)
