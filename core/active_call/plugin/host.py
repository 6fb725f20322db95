"""What the core lends to a provider for the life of the process."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

import httpx

T = TypeVar("T")


class Models(Protocol):
    def files(self, name: str) -> Mapping[str, Path]:
        """The verified files of a model, by file name. Raises `MissingModel`."""
        ...


class Host(Protocol):
    models: Models
    log: logging.Logger
    environ: Mapping[str, str]
    """Only the variables that the plugin's traits name in `needs` and `reads`."""

    @property
    def http(self) -> httpx.AsyncClient:
        """Shared client; the outbound policy sits inside."""
        ...

    async def run(self, function: Callable[..., T], /, *args: object) -> T:
        """Run blocking work in the bounded inference pool, off the event loop."""
        ...
