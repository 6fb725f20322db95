"""What a failed chat request means: HTTP statuses, error objects and broken connections as `ProviderError`s.

Sources: RFC 9110, RFC 6585, https://platform.openai.com/docs/guides/error-codes.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from active_call.plugin import ErrorKind, ProviderError

from .endpoint import Endpoint

_MAX_MESSAGE = 300
_SECRET = re.compile(r"\b(?:sk|pk|rk|gsk|xai)[-_][\w*.-]{4,}|(?i:bearer\s+)\S+|\beyJ[\w-]{5,}[\w.-]*")
_QUOTA_CODES = ("insufficient_quota", "billing", "quota_exceeded", "insufficient_balance", "arrearage", "credit")
_KIND_BY_CODE = (
    (("invalid_api_key", "authentication", "permission", "unauthorized"), ErrorKind.AUTH),
    (_QUOTA_CODES, ErrorKind.QUOTA),
    (("rate_limit", "overloaded", "server_error", "unavailable"), ErrorKind.UNREACHABLE),
    (("timeout",), ErrorKind.TIMEOUT),
    (("invalid_request", "context_length", "not_found", "content_filter", "bad_request"), ErrorKind.BAD_REQUEST),
)


def failure_of_response(response: httpx.Response, body: bytes, endpoint: Endpoint) -> ProviderError:
    """For a response that is no success; `body` is its beginning."""
    status = response.status_code
    error = _error_object(body)
    said = _said(error, body, endpoint)
    kind = _kind_of_status(status, error)
    return ProviderError(
        kind,
        f"{endpoint.shown} answered {status}{f': {said}' if said else ''}{_remedy(status, kind, endpoint)}",
        retry_after_s=retry_after_s(response.headers) if kind.retryable else None,
    )


def failure_in_stream(error: object, endpoint: Endpoint) -> ProviderError:
    """For an `error` object that came instead of a chunk; unknown ones may be tried again."""
    said = _said(error, b"", endpoint)
    return ProviderError(_kind_of_error(error), f"{endpoint.shown} broke off the reply{f': {said}' if said else ''}")


def failure_of_transport(error: Exception, endpoint: Endpoint) -> ProviderError:
    """For httpx's exceptions."""
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return ProviderError(ErrorKind.BAD_REQUEST, f"{endpoint.shown} is not a URL to talk to; see llm.baseUrl")
    if isinstance(error, httpx.TimeoutException):
        return ProviderError(ErrorKind.TIMEOUT, f"no connection to {endpoint.shown} in time ({type(error).__name__})")
    detail = redact(str(error), endpoint)
    return ProviderError(
        ErrorKind.UNREACHABLE, f"{endpoint.shown}: {type(error).__name__}{f' ({detail})' if detail else ''}"
    )


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` in seconds or as a date (RFC 9110, 10.2.3), or OpenAI's `retry-after-ms`."""
    milliseconds, value = headers.get("retry-after-ms"), headers.get("retry-after", "").strip()
    try:
        if milliseconds is not None:
            return max(0.0, float(milliseconds) / 1000)
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def redact(text: str, endpoint: Endpoint) -> str:
    """A server's words without the key or anything that looks like one, on one line, shortened."""
    if endpoint.api_key:
        text = text.replace(endpoint.api_key, "***")
    text = " ".join(_SECRET.sub("***", text).split())
    return text if len(text) <= _MAX_MESSAGE else text[: _MAX_MESSAGE - 1] + "…"


def _kind_of_status(status: int, error: object) -> ErrorKind:
    match status:
        case 401 | 403:
            return ErrorKind.AUTH
        case 402:
            return ErrorKind.QUOTA
        case 408 | 504:
            return ErrorKind.TIMEOUT
        case 429:
            return ErrorKind.QUOTA if any(code in _codes(error) for code in _QUOTA_CODES) else ErrorKind.UNREACHABLE
        case 409 | 425:
            return ErrorKind.UNREACHABLE
    return ErrorKind.UNREACHABLE if status >= 500 else ErrorKind.BAD_REQUEST


def _kind_of_error(error: object) -> ErrorKind:
    code = error.get("code") if isinstance(error, Mapping) else None
    if isinstance(code, int | str) and str(code).isdecimal() and 400 <= int(code) <= 599:
        return _kind_of_status(int(code), error)  # OpenRouter
    codes = _codes(error)
    return next((kind for names, kind in _KIND_BY_CODE if any(name in codes for name in names)), ErrorKind.UNREACHABLE)


def _codes(error: object) -> str:
    if not isinstance(error, Mapping):
        return ""
    return f"{error.get('code') or ''} {error.get('type') or ''}".lower()


def _error_object(body: bytes) -> object:
    """`{"error": {...}}`, `{"error": "..."}`, `{"message": ...}` or `{"detail": ...}`; None if it is something else."""
    try:
        answer: Any = json.loads(body)
    except ValueError:
        return None
    if isinstance(answer, list) and answer:
        answer = answer[0]  # Google's endpoint wraps it once more
    return answer.get("error", answer) if isinstance(answer, dict) else None


def _said(error: object, body: bytes, endpoint: Endpoint) -> str:
    if isinstance(error, Mapping):
        message = error.get("message") or error.get("detail") or ""
        return redact(message if isinstance(message, str) else json.dumps(message), endpoint)
    if isinstance(error, str):
        return redact(error, endpoint)
    text = body.decode("utf-8", "replace")
    return "" if "<" in text else redact(text, endpoint)  # a proxy's HTML page helps nobody


def _remedy(status: int, kind: ErrorKind, endpoint: Endpoint) -> str:
    if kind is ErrorKind.AUTH:
        if endpoint.api_key is None:
            return (
                " (no key was sent: set llm.apiKey; OPENAI_API_KEY only goes to OpenAI's or OPENAI_BASE_URL's endpoint)"
            )
        return " (check llm.apiKey or OPENAI_API_KEY)"
    if 300 <= status < 400:
        return " (redirects are not followed: correct llm.baseUrl)"
    if status == 404:
        return f" (check llm.baseUrl, and that the model {endpoint.model!r} exists there)"
    return ""
