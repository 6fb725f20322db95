"""A playbook's text taken apart: front matter, body, and where in the file each thing stands."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import yaml
from frontmatter.default_handlers import YAMLHandler

from .problems import PlaybookError, Problem, Severity

BOUNDARY: re.Pattern[str] = YAMLHandler.FM_BOUNDARY
VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)\}")
# In a flow mapping `{ key: ${NAME} }` the braces would be YAML's, so the text is parsed with marks of the same length
# in their place, from Unicode's private use area.
MARKED = re.compile(r"\ue000\ue000(\w+)\ue001")
LARGEST = 20_000
"""Values in a front matter, aliases followed; a few lines of YAML can otherwise stand for billions."""

STRING = "tag:yaml.org,2002:str"


@dataclass(frozen=True, kw_only=True)
class Document:
    """A playbook's text: `data` is the front matter as YAML reads it, with the environment's values."""

    file: str
    data: dict[str, Any]
    body: str
    body_line: int
    """Of the file, where the body begins."""
    problems: tuple[Problem, ...] = ()
    root: yaml.MappingNode | None = field(default=None, repr=False)
    first_line: int = 1
    """Of the file, where the dashes before the front matter stand."""

    def place(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Line and column of a key, in whatever spelling; of its nearest parent if the key is not there."""
        node: yaml.Node | None = self.root
        mark = self.root.start_mark if self.root else None
        for step in path:
            found = _child(node, step) if node else None
            if found is None:
                break
            mark, node = found
        return (self.first_line + mark.line, mark.column + 1) if mark else (self.first_line + 1, 1)

    def has(self, path: Sequence[str | int]) -> bool:
        """Whether the key is there, in whatever spelling."""
        node: yaml.Node | None = self.root
        for step in path:
            found = _child(node, step) if node else None
            node = found[1] if found else None
        return node is not None

    def problem(
        self, path: Sequence[str | int], problem: str, remedy: str = "", *, severity: Severity = Severity.ERROR
    ) -> Problem:
        """A problem of the front matter, at its place."""
        line, column = self.place(path)
        key = ".".join(map(str, path))
        return Problem(
            file=self.file, line=line, column=column, severity=severity, key=key, problem=problem, remedy=remedy
        )

    def twice(self) -> Iterator[tuple[str, ...]]:
        """The paths of keys that stand twice in one mapping; YAML lets the last one win."""
        nodes: list[tuple[tuple[str, ...], yaml.Node]] = [((), self.root)] if self.root else []
        while nodes:
            path, node = nodes.pop()
            seen: set[str] = set()
            for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
                here = (*path, str(key.value))
                if here[-1] in seen:
                    yield here
                seen.add(here[-1])
                nodes.append((here, value))


def fold(key: object) -> str:
    """A key without what its spellings differ in."""
    return str(key).replace("_", "").lower()


def read_document(text: str, *, file: str, environ: Mapping[str, str], trusted: bool) -> Document:
    """Split and parse; `${NAME}` in values becomes the environment's value if `trusted`. Raises `PlaybookError`."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    opening, closing = _boundaries(text, file)
    first_line = 1 + text.count("\n", 0, opening.end())
    problems: list[Problem] = []
    loader = yaml.SafeLoader(VARIABLE.sub("\ue000\ue000\\1\ue001", text[opening.end() : closing.start()]))
    try:
        root = loader.get_single_node()
        if root is not None and not isinstance(root, yaml.MappingNode):
            remedy = "write it as lines of `key: value`"
            raise PlaybookError(
                Problem(file=file, line=first_line + 1, problem="the front matter is no mapping", remedy=remedy)
            )
        for node, name in _expand(root, environ, trusted):
            problems.append(_unset(name, trusted, node.start_mark, file, first_line))
        data = loader.construct_document(root) if root is not None else {}
    except yaml.YAMLError as error:
        raise PlaybookError(_yaml_problem(error, file, first_line)) from None
    except (RecursionError, ValueError, OverflowError) as error:
        # PyYAML's own limits: nesting, dates such as 2024-13-01, numbers of thousands of digits.
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        problem = f"the front matter cannot be read: {reason}"
        raise PlaybookError(
            Problem(file=file, line=first_line + 1, problem=problem, remedy="put texts in quotes")
        ) from None
    finally:
        loader.dispose()
    return Document(
        file=file,
        data={str(key): value for key, value in data.items()},
        body=text[closing.end() :],
        body_line=1 + text.count("\n", 0, closing.end()),
        problems=tuple(problems),
        root=root,
        first_line=first_line,
    )


def _boundaries(text: str, file: str) -> tuple[re.Match[str], re.Match[str]]:
    """The two lines of dashes; only blanks may stand before the first."""
    found = list(islice(BOUNDARY.finditer(text), 2))
    if not found or text[: found[0].start()].strip():
        line = 1 + text.count("\n", 0, len(text) - len(text.lstrip()))
        remedy = "begin the file with a line ---, the settings, and another --- before the prompt"
        raise PlaybookError(Problem(file=file, line=line, problem="there is no front matter", remedy=remedy))
    if len(found) == 1:
        line = 1 + text.count("\n", 0, found[0].start())
        remedy = "write --- on a line of its own between the settings and the prompt"
        raise PlaybookError(Problem(file=file, line=line, problem="the front matter does not end", remedy=remedy))
    return found[0], found[1]


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Mark, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):
            if fold(key.value) == fold(step):
                return key.start_mark, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item: yaml.Node = node.value[step]
        return item.start_mark, item
    return None


def _expand(root: yaml.Node | None, environ: Mapping[str, str], trusted: bool) -> Iterator[tuple[yaml.Node, str]]:
    """Put the environment's values into the nodes, after YAML has read them; yields what is not there.

    So a value cannot bring YAML of its own into the playbook.
    """
    nodes = [root] if root is not None else []
    done: set[int] = set()
    visits = 0
    while nodes:
        node = nodes.pop()
        visits += 1
        if visits > LARGEST:
            raise yaml.composer.ComposerError(
                None, None, f"it has more than {LARGEST} values, aliases followed", node.start_mark
            )
        if isinstance(node, yaml.MappingNode):
            nodes.extend(value for _, value in node.value)
            for key, _ in node.value:
                _unmark(key)
        elif isinstance(node, yaml.SequenceNode):
            nodes.extend(node.value)
        elif id(node) not in done and node.tag == STRING:
            done.add(id(node))
            _unmark(node)
            names = VARIABLE.findall(node.value)
            yield from ((node, name) for name in names if not trusted or name not in environ)
            if trusted and names:
                whole = getattr(node, "style", None) is None and VARIABLE.fullmatch(node.value)
                node.value = VARIABLE.sub(lambda found: environ.get(found[1], found[0]), node.value)
                node.tag = _tag(node.value) if whole else STRING


def _unmark(node: yaml.Node) -> None:
    if isinstance(node, yaml.ScalarNode):
        node.value = MARKED.sub(r"${\1}", node.value)


def _tag(value: str) -> str:
    """The YAML type of a value that stands alone and unquoted; only what reads back the same is a number."""
    if value in ("true", "false"):
        return "tag:yaml.org,2002:bool"
    if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", value):
        return "tag:yaml.org,2002:int"
    if re.fullmatch(r"-?[0-9]{1,15}\.[0-9]{1,15}", value) and str(float(value)) == value:
        return "tag:yaml.org,2002:float"
    return STRING


def _unset(name: str, trusted: bool, mark: yaml.Mark, file: str, first_line: int) -> Problem:
    if trusted:
        problem, remedy = f"${{{name}}} is not set", f"set {name} in the environment or in .env"
    else:
        problem = f"${{{name}}} stays as it is: this playbook may not read the environment"
        remedy = "keep the playbook as a file of the server, or write the value"
    line, column = first_line + mark.line, mark.column + 1
    return Problem(
        file=file, line=line, column=column, severity=Severity.WARNING, key=name, problem=problem, remedy=remedy
    )


def _yaml_problem(error: yaml.YAMLError, file: str, first_line: int) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    reason = getattr(error, "problem", None) or str(error).splitlines()[0]
    context = getattr(error, "context", None)
    problem = f"the front matter is no YAML: {f'{context}, ' if context else ''}{reason}"
    line, column = (first_line + mark.line, mark.column + 1) if mark else (first_line + 1, 1)
    return Problem(file=file, line=line, column=column, problem=problem, remedy=_remedy(reason, context or ""))


def _remedy(reason: str, context: str) -> str:
    if "alias" in context or "anchor" in context:
        return "put the key in quotes: '*'"
    if "mapping values are not allowed" in reason or "could not find expected ':'" in reason:
        return "put texts with a colon in quotes, and a blank after the colon of a key"
    if "cannot start any token" in reason:
        return "indent with spaces, not tabs, and put texts that begin with @, %, ` or a tab in quotes"
    if "values, aliases followed" in reason:
        return "use fewer aliases"
    return "look at indentation, quotes and colons near this line"
