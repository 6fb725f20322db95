"""What can go wrong at the border between the core and a plugin."""

from enum import StrEnum


class ErrorKind(StrEnum):
    """Why a provider failed. The first three are not retried: trying again cannot help."""

    AUTH = "auth"
    QUOTA = "quota"
    BAD_REQUEST = "bad_request"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    INTERNAL = "internal"

    @property
    def retryable(self) -> bool:
        return self not in (ErrorKind.AUTH, ErrorKind.QUOTA, ErrorKind.BAD_REQUEST)


class ProviderError(Exception):
    """Raised by a provider that knows why it failed; the core classifies every other exception itself."""

    def __init__(self, kind: ErrorKind | str, message: str = "", *, retry_after_s: float | None = None) -> None:
        self.kind = ErrorKind(kind)
        self.retry_after_s = retry_after_s
        super().__init__(message or self.kind.value)


class PluginError(Exception):
    """Base of what the registry refuses; the text says which distribution and what to do."""


class NameTaken(PluginError):
    """Two distributions offer the same kind and name."""


class UnknownPlugin(PluginError):
    """Nobody offers that kind and name."""

    def __init__(self, kind: str, name: str, available: list[str]) -> None:
        self.kind, self.name, self.available = kind, name, available
        have = ", ".join(available) if available else "none"
        super().__init__(f"{kind.upper()} type not found: {name} (installed: {have})")


class MissingModel(PluginError):
    """A plugin needs model files that the model store does not hold."""

    def __init__(self, model: str, *, why: str = "not in the models directory") -> None:
        self.model = model
        super().__init__(f"model {model!r}: {why}; run `active-call models pull {model}`")


class NotSupported(Exception):
    """A leg cannot do that; its traits say so, and nothing was sent."""
