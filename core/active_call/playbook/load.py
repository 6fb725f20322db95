"""From a playbook's text to a `Playbook`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .document import Document, read_document
from .keys import said_twice, unknown
from .model import Playbook, PlaybookConfig
from .problems import PlaybookError, Problem, Severity
from .scenes import split_scenes

LARGEST = 1_000_000
"""Characters of a playbook."""


def load_file(path: str | Path, *, environ: Mapping[str, str], trusted: bool = True) -> Playbook:
    """A playbook of the operator's; the name is the file's. Raises `PlaybookError`, also for a file not to be read."""
    path = Path(path)
    return _load(read_file(path), path.name, str(path), path, environ, trusted)


def load_text(text: str, *, name: str, environ: Mapping[str, str], trusted: bool) -> Playbook:
    """A playbook that came as text; `trusted`: it may use the environment's values. Raises `PlaybookError`."""
    return _load(text, name, name, None, environ, trusted)


def read_file(path: Path) -> str:
    """A playbook's text. Raises `PlaybookError`."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        problem, remedy = f"the file is no UTF-8 (byte {error.start})", "save it as UTF-8"
    except OSError as error:
        problem, remedy = f"the file cannot be read: {error.strerror or error}", "check the path"
    raise PlaybookError(Problem(file=str(path), problem=problem, remedy=remedy))


def load_document(text: str, *, file: str, environ: Mapping[str, str], trusted: bool) -> Document:
    """The first half of loading, for those who need to know where things stand. Raises `PlaybookError`."""
    if len(text) > LARGEST:
        problem = f"a playbook of {len(text)} characters is too long"
        raise PlaybookError(Problem(file=file, problem=problem, remedy=f"keep it below {LARGEST}"))
    return read_document(text, file=file, environ=environ, trusted=trusted)


def build(document: Document, *, name: str, source: Path | None = None, trusted: bool) -> Playbook:
    """The second half of loading. Raises `PlaybookError` with every invalid value of the front matter."""
    try:
        config = PlaybookConfig.model_validate(document.data)
    except ValidationError as error:
        raise PlaybookError.of([_invalid(document, dict(one)) for one in error.errors()]) from None
    scenes, initial, odd = split_scenes(document.body, line=document.body_line, file=document.file)
    return Playbook(
        name=name,
        source=source,
        config=config,
        scenes=scenes,
        initial=initial,
        trusted=trusted,
        problems=(*document.problems, *_odd_keys(document), *odd),
    )


def _load(text: str, name: str, file: str, source: Path | None, environ: Mapping[str, str], trusted: bool) -> Playbook:
    document = load_document(text, file=file, environ=environ, trusted=trusted)
    return build(document, name=name, source=source, trusted=trusted)


def _odd_keys(document: Document) -> Iterator[Problem]:
    for path, meant in unknown(PlaybookConfig, document.data):
        remedy = f"did you mean {meant}?" if meant else "remove it; docs/reference/playbook.md lists the keys"
        problem = f"{'.'.join(path)} is not a key here and has no effect"
        yield document.problem(path, problem, remedy, severity=Severity.WARNING)
    for path in (*document.twice(), *said_twice(PlaybookConfig, document.data)):
        problem = f"{'.'.join(path)} is set twice"
        yield document.problem(path, problem, "keep one", severity=Severity.WARNING)


REMEDIES = {
    "missing": "add it",
    "string_type": "write a text; if it looks like something else, put it in quotes",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "float_parsing": "write a number",
    "float_type": "write a number",
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
    "list_type": "write a list, [a, b]",
    "dict_type": "write a mapping: lines of `key: value`, indented",
    "model_type": "write a mapping: lines of `key: value`, indented",
}
"""By pydantic's names of errors."""


def _invalid(document: Document, error: dict[str, Any]) -> Problem:
    """Never with the value itself, which may be a secret."""
    path: tuple[str | int, ...] = error["loc"]
    kind, message = str(error["type"]), str(error["msg"])
    key = ".".join(map(str, path)) or "the front matter"
    if kind == "missing":
        problem = f"{key} is missing"
    elif kind in ("dict_type", "model_type", "model_attributes_type"):
        problem = f"{key} should be a mapping"
    else:
        message = message.removeprefix("Value error, ").removeprefix("Input ").partition(", unable to parse")[0]
        problem = f"{key} {message}" if message.startswith("should") else f"{key}: {message}"
    return document.problem(path, problem, REMEDIES.get(kind, "see docs/reference/playbook.md"))
