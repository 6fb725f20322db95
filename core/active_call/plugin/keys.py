"""How a plugin declares the keys of its table in the settings (`plugins.<name>`): they are validated at start."""

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, kw_only=True)
class SettingsKey:
    """One key. An environment variable gives every value as text, which is read as the key's kind."""

    name: str
    kind: Literal["str", "int", "float", "bool", "list"] = "str"
    summary: str = ""
    choices: tuple[str, ...] = ()
    """Texts that are allowed; empty: any."""
    secret: bool = False
    """Its value is hidden wherever settings are shown, and kept out of logs."""


class RegisterSettings(Protocol):
    def __call__(self, *keys: SettingsKey) -> None: ...
