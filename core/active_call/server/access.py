"""Stands before every route: who may come in (`guard.tokens` decides), and how often."""

import time
from collections.abc import Callable

from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from active_call.guard.tokens import Admitted, Approach, Authenticator, Denied

from .answers import deny, refusal
from .options import ServerOptions

OPEN = frozenset({"/", "/health", "/ready", "/schema", "/asyncapi.json", "/openapi.json"})
"""Pages, probes and descriptions: nothing of any call, and what a browser must load before it can show a token."""
PRINCIPAL = "active_call.principal"
"""Key of the scope: who was let in."""
BURST_S = 2.0
"""A token that was quiet may use so many seconds of its rate at once."""


def authenticator(options: ServerOptions) -> Authenticator:
    return Authenticator(
        options.tokens,
        mode=options.auth,
        loopback=options.loopback,
        networks=options.networks,
        origins=options.origins,
    )


class RateLimit:
    """Buckets that refill, one per principal; only holders of tokens have one, so they are few."""

    def __init__(self, per_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._most = max(1.0, per_s * BURST_S)
        self._now_s = now_s
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait_s(self, principal: str) -> float:
        """0: go on, and it is counted; else how long until one more request may come."""
        now = self._now_s()
        left, since = self._buckets.get(principal, (self._most, now))
        left = min(self._most, left + (now - since) * self._per_s)
        allowed = left >= 1
        self._buckets[principal] = (left - 1 if allowed else left, now)
        return 0.0 if allowed else (1 - left) / self._per_s


class Access:
    """ASGI middleware. A WebSocket is refused before its upgrade."""

    def __init__(self, app: ASGIApp, options: ServerOptions) -> None:
        self._app = app
        self._authenticator = authenticator(options)
        self._limit = RateLimit(options.requests_per_s) if options.requests_per_s else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not _open(scope["path"]):
            outcome = self._judge(scope)
            if isinstance(outcome, Denied):
                await _refuse(outcome, scope, receive, send)
                return
            scope[PRINCIPAL] = outcome.principal
        await self._app(scope, receive, send)

    def _judge(self, scope: Scope) -> Admitted | Denied:
        client = scope.get("client")
        outcome = self._authenticator.admit(
            Approach(
                client=client[0] if client else None,
                headers=dict(Headers(scope=scope)),
                query=dict(QueryParams(scope["query_string"])),
                # A browser's EventSource cannot be given headers either.
                websocket=scope["type"] == "websocket" or scope["path"].startswith("/events/"),
            )
        )
        if isinstance(outcome, Denied) or self._limit is None or not by_token(outcome.principal):
            return outcome
        wait_s = self._limit.wait_s(outcome.principal)
        if wait_s == 0:
            return outcome
        return Denied(429, "too many requests with this token", {"retry-after": str(int(wait_s) + 1)})


def by_token(principal: str) -> bool:
    return principal.startswith("token:")


def _open(path: str) -> bool:
    return path in OPEN or path.rstrip("/") in OPEN or path.startswith("/static/")


async def _refuse(denied: Denied, scope: Scope, receive: Receive, send: Send) -> None:
    response = refusal(denied.status, denied.text, denied.headers)
    if scope["type"] == "websocket":
        await deny(WebSocket(scope, receive, send), response)
    else:
        await response(scope, receive, send)
