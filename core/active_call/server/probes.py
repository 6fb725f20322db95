"""`/health` (the process answers) and `/ready` (it may be given calls)."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from active_call.call.manager import Manager

from .answers import RETRY_AFTER


@dataclass
class Readiness:
    """Told by whoever runs the process."""

    loading: bool = False
    """Engines are being opened: a call would wait for them."""
    draining: bool = False
    """The process is about to end: no new calls."""

    def loaded(self) -> None:
        self.loading = False

    @property
    def state(self) -> str:
        if self.draining:
            return "draining"
        return "loading" if self.loading else "ready"


class Probes:
    def __init__(self, manager: Manager, readiness: Readiness) -> None:
        self._manager = manager
        self._readiness = readiness

    async def health(self, request: Request) -> Response:
        late = self._manager.services.clock.late_ms
        calls = len(self._manager.directory)
        return JSONResponse({"status": "ok", "calls": calls, "clock_late_ms": max(late, default=0.0)})

    async def ready(self, request: Request) -> Response:
        state = self._readiness.state
        if state == "ready":
            return JSONResponse({"status": state})
        return JSONResponse({"status": state}, 503, headers=RETRY_AFTER)
