"""How requests are read and refused."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.websockets import WebSocket

TEXT_STATUSES = frozenset({400, 404, 405, 413, 415, 422})
"""Where the reference answers with a text; what it does not have is answered with JSON."""
RETRY_AFTER = {"retry-after": "5"}


def refusal(status: int, problem: str, headers: Mapping[str, str] | None = None) -> Response:
    if status in TEXT_STATUSES:
        return PlainTextResponse(problem, status, headers=headers)
    return JSONResponse({"error": problem}, status, headers=headers)


async def deny(websocket: WebSocket, response: Response) -> None:
    """Before the upgrade: an HTTP answer with a reason."""
    await websocket.send_denial_response(response)
    # uvicorn logs an error for an application that returns before the connection is down, one turn of the loop later.
    await asyncio.sleep(0)


async def refused(request: Request, error: Exception) -> Response:
    """Starlette's handler for `HTTPException`."""
    assert isinstance(error, HTTPException)
    return refusal(error.status_code, error.detail, error.headers)


async def body_of(request: Request, limit: int) -> bytes:
    """The whole body. Raises `HTTPException` 413 as soon as it is known to be longer than `limit` bytes."""
    too_long = HTTPException(413, f"the body is longer than {limit} bytes (`limits.message_bytes`)")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise too_long
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise too_long
    except ClientDisconnect:
        raise HTTPException(400, "the body is not complete") from None
    return bytes(body)


async def json_of(request: Request, limit: int) -> Any:
    """The JSON value in the body. Raises `HTTPException` 400, 413 or 415."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise HTTPException(415, "send JSON, with `Content-Type: application/json`")
    body = await body_of(request, limit)
    try:
        return json.loads(body, parse_constant=_no_constant)
    except RecursionError:
        raise HTTPException(400, "not JSON that can be read: it is nested too deeply") from None
    except ValueError as error:
        raise HTTPException(400, f"not JSON: {error}") from None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
