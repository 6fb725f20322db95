"""Keeps known secret values out of texts and logs."""

import json
import logging
import threading
import traceback
from collections import Counter
from collections.abc import Iterable
from urllib.parse import quote

HIDDEN = "***"
MIN_CHARS = 4
"""Shorter values are left alone: hiding every `k` would make a log unreadable and protect nothing."""


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` with each of `secrets` (as it is, URL-quoted or JSON-escaped) replaced by `***`."""
    return _replace(text, _longest_first(secrets))


def _longest_first(secrets: Iterable[str]) -> tuple[str, ...]:
    """A secret that begins like a longer one must not uncover the rest of it."""
    forms = {form for secret in secrets if len(secret) >= MIN_CHARS for form in _forms(secret)}
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def _forms(secret: str) -> set[str]:
    return {
        secret,
        quote(secret, safe="", errors="replace"),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    }


def _replace(text: str, forms: tuple[str, ...]) -> str:
    for form in forms:
        if form in text:
            text = text.replace(form, HIDDEN)
    return text


class RedactSecrets(logging.Filter):
    """Hides registered values in message, arguments, traceback and string attributes of every record.

    Add it to handlers: a filter of a logger does not see what child loggers pass up.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._forms: tuple[str, ...] = ()
        self.register(*secrets)

    def register(self, *secrets: str) -> None:
        """Hide these from now on. Counted: a key that two calls use is hidden until both have forgotten it."""
        self._count(secrets, 1)

    def forget(self, *secrets: str) -> None:
        """Undo one `register`."""
        self._count(secrets, -1)

    def _count(self, secrets: Iterable[str], step: int) -> None:
        with self._lock:
            known = set(self._counts)
            for secret in secrets:
                self._counts[secret] += step
            self._counts = +self._counts  # drops what nobody needs any more
            if set(self._counts) != known:
                self._forms = _longest_first(self._counts)

    def filter(self, record: logging.LogRecord) -> bool:
        forms = self._forms
        if not forms:
            return True
        try:
            message = record.getMessage()
        except Exception:  # a broken format string: the handler reports it, with the arguments
            message = f"{record.msg!s} {record.args!r}"
            record.msg, record.args = message, None
        hidden = _replace(message, forms)
        if hidden != message:
            record.msg, record.args = hidden, None
        self._traceback(record, forms)
        for name, value in record.__dict__.items():
            if isinstance(value, str) and name != "msg":
                record.__dict__[name] = _replace(value, forms)
        return True

    def _traceback(self, record: logging.LogRecord, forms: tuple[str, ...]) -> None:
        if not record.exc_info or record.exc_info[0] is None:
            return
        text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        hidden = _replace(text, forms)
        if hidden != text:
            # Formatters print `exc_text` as it is, and without `exc_info` none of them can render the original.
            record.exc_text, record.exc_info = hidden, None
