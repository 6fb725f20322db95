"""What is called from inside the clock's tick, a timer or a stream must not take them down when it fails."""

import functools
import logging
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from .reports import Reports

log = logging.getLogger(__name__)


class Reporting(Protocol):
    """Somebody who can say that something failed."""

    @property
    def reports(self) -> Reports: ...


Owner = TypeVar("Owner", bound=Reporting)
P = ParamSpec("P")


def contained(method: Callable[Concatenate[Owner, P], None]) -> Callable[Concatenate[Owner, P], None]:
    """A failure of `method` is logged and becomes an `error` of this call; the clock and other calls go on."""

    @functools.wraps(method)
    def call(self: Owner, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(self, *args, **kwargs)
        except Exception as error:
            failed(self.reports, method.__name__, error)

    return cast(Callable[Concatenate[Owner, P], None], call)


def failed(reports: Reports, what: Any, error: Exception) -> None:
    """Report a failure of our own, where nothing else can be done about it."""
    log.error("%s failed", what, exc_info=error)
    reports.error("engine", f"{what}: {type(error).__name__}: {error}", 500)
