"""Known secret values out of JSON: in its strings only, since a password of digits must not break its numbers."""

import json
from collections.abc import Iterable
from typing import Any

from active_call.guard.secrets import redact


def hide(value: Any, secrets: Iterable[str]) -> Any:
    """A copy of a JSON value whose strings have `***` in the place of each secret. Keys stay."""
    known = tuple(secrets)
    return _hide(value, known) if known else value


def hide_in_text(text: str, secrets: Iterable[str]) -> str:
    """The same for JSON as text; it is parsed only when a secret seems to be in it."""
    known = tuple(secrets)
    if not known or redact(text, known) == text:
        return text
    return json.dumps(_hide(json.loads(text), known), ensure_ascii=False, separators=(",", ":"))


def _hide(value: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, dict):
        return {key: _hide(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [_hide(item, secrets) for item in value]
    return value
