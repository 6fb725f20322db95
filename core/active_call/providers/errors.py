"""Every exception of a provider becomes one `ProviderError`, in one place."""

import httpx
from websockets.exceptions import InvalidStatus, WebSocketException

from active_call.plugin.errors import ErrorKind, MissingModel, PluginError, ProviderError


def classify(error: BaseException) -> ProviderError:
    """Stdlib, httpx and websockets are understood; anything else is `internal`."""
    if isinstance(error, ProviderError):
        return error
    kind = _kind(error)
    text = str(error) or type(error).__name__
    if kind is ErrorKind.INTERNAL:
        text = f"{type(error).__name__}: {text}"
    return ProviderError(kind, text, retry_after_s=_retry_after(error))


def _kind(error: BaseException) -> ErrorKind:
    match error:
        case MissingModel() | PluginError():
            return ErrorKind.BAD_REQUEST
        case httpx.HTTPStatusError():
            return _status(error.response.status_code)
        case InvalidStatus():
            return _status(error.response.status_code)
        case TimeoutError() | httpx.TimeoutException():
            return ErrorKind.TIMEOUT
        case httpx.TransportError() | WebSocketException() | ConnectionError() | EOFError():
            return ErrorKind.UNREACHABLE
        case PermissionError() | FileNotFoundError() | IsADirectoryError():
            return ErrorKind.BAD_REQUEST
        case OSError():
            return ErrorKind.UNREACHABLE
    return ErrorKind.INTERNAL


def _status(code: int) -> ErrorKind:
    if code in (401, 403):
        return ErrorKind.AUTH
    if code == 402:
        return ErrorKind.QUOTA
    if code in (408, 504):
        return ErrorKind.TIMEOUT
    if code == 429 or code >= 500:
        return ErrorKind.UNREACHABLE
    return ErrorKind.BAD_REQUEST


def _retry_after(error: BaseException) -> float | None:
    if isinstance(error, httpx.HTTPStatusError):
        value = error.response.headers.get("retry-after", "")
        if value.isdigit():
            return float(value)
    return None
