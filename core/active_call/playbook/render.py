"""`{{ templates }}` in prompts and greetings: Jinja2, sandboxed, forgiving.

Values are never read as templates, so what a caller or a SIP header says stays text.
"""

import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import ChainableUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

log = logging.getLogger(__name__)

ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=ChainableUndefined, keep_trailing_newline=True, autoescape=False)
# Jinja's `range` and `lipsum` only serve to make long texts of short ones.
for name in ("range", "lipsum"):
    ENVIRONMENT.globals.pop(name)

Report = Callable[[str], None]


def render(
    text: str, variables: Mapping[str, Any], *, sip: Mapping[str, str] | None = None, report: Report | None = None
) -> str:
    """The text with its templates filled in; what is undefined is empty, variables beginning with `_` are.

    `sip` holds the headers taken from the INVITE: `{{ sip["X-Name"] }}`, and by their bare name where no variable has
    it. A template that cannot be rendered leaves the text as it is and calls `report` (else the log) with the reason.
    """
    if "{" not in text:
        return text
    headers = dict(sip or {})
    known = {**headers, **variables, "sip": headers or variables.get("sip", {})}
    try:
        return _compiled(text).render({name: value for name, value in known.items() if not name.startswith("_")})
    except RecursionError:
        problem = "nested too deeply"
    except Exception as error:  # a template is a program: its filters and operators can raise anything
        problem = problem_of(error)
    (report or _warn)(problem)
    return text


def syntax(text: str) -> tuple[int, str] | None:
    """The line (from 1) and the reason if the text is no template that can be rendered, else None."""
    try:
        ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        return error.lineno, error.message or "not a template"
    return None


def problem_of(error: Exception) -> str:
    """The reason without any value of the call, fit for a log."""
    if isinstance(error, TemplateSyntaxError):
        return f"line {error.lineno}: {error.message}"
    return error.message or type(error).__name__ if isinstance(error, TemplateError) else type(error).__name__


@lru_cache(maxsize=256)
def _compiled(text: str) -> Template:
    return ENVIRONMENT.from_string(text)


def _warn(problem: str) -> None:
    log.warning("a template stays as it is written: %s", problem)
