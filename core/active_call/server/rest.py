"""The REST side: which calls there are, staging playbooks, health."""

from json import JSONDecodeError
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from active_call.call.manager import Manager
from active_call.protocol.reasons import HangupReason, Initiator


def routes(manager: Manager) -> list[Route]:
    async def calls(request: Request) -> Response:
        return JSONResponse({"active_calls": [call.summary() for call in manager.directory.all()]})

    async def run_playbook(request: Request) -> Response:
        body = await _object(request)
        name, content = body.get("playbook"), body.get("content")
        if not isinstance(name, str | None) or not isinstance(content, str | None) or not (name or content):
            raise HTTPException(422, 'send {"playbook": "FILE"} or {"content": "the whole text"}')
        if name is not None and name.strip().startswith("---"):
            name, content = None, name
        if content is not None and not content.lstrip("\ufeff \t\r\n").startswith("---"):
            name, content = content, None
        return JSONResponse({"session_id": manager.directory.stage(name=name, content=content)})

    async def kill(request: Request) -> Response:
        call_id = request.path_params["id"]
        call = manager.directory.find(call_id)
        if call is None:
            return JSONResponse({"status": "not_found", "id": call_id}, 404)
        call.end(HangupReason.BY_SYSTEM, Initiator.SYSTEM)
        return JSONResponse({"status": "killed", "id": call_id})

    async def health(request: Request) -> Response:
        late = manager.services.clock.late_ms
        return JSONResponse({"status": "ok", "calls": len(manager.directory), "clock_late_ms": max(late, default=0.0)})

    return [
        Route("/list", calls),
        Route("/api/playbook/run", run_playbook, methods=["POST"]),
        Route("/kill/{id}", kill, methods=["GET", "POST", "DELETE"]),
        Route("/health", health),
    ]


async def _object(request: Request) -> dict[str, Any]:
    if "json" not in request.headers.get("content-type", ""):
        raise HTTPException(415, "send JSON with content-type: application/json")
    try:
        body = await request.json()
    except (JSONDecodeError, UnicodeDecodeError) as error:
        raise HTTPException(400, f"not JSON: {error}") from None
    if not isinstance(body, dict):
        raise HTTPException(422, "expected a JSON object")
    return body
