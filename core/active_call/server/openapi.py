"""The REST routes as an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1.html)."""

from typing import Any

from active_call.protocol.schema import definitions_of_wire

from .asyncapi import SCHEMAS, VERSION

TEXT, JSON = "text/plain", "application/json"
_STRING = {"type": "string"}
_ERROR = {"type": "object", "properties": {"error": _STRING}, "required": ["error"]}
_TEXTS = {
    400: "The request cannot be read.",
    404: "There is no such thing.",
    413: "The body is longer than `limits.message_bytes`.",
    415: "The body is not `application/json`.",
    422: "The JSON is not what is expected here.",
}
_ERRORS = {
    401: "A token is needed, or this one is not known.",
    403: "Pages of that origin may not use the API.",
    429: "Too many requests with this token.",
}


def openapi() -> dict[str, Any]:
    definitions = definitions_of_wire(SCHEMAS)
    commands = {name: model for name, model in definitions.items() if not name.endswith("Event") and name != "Attendee"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "active-call", "version": VERSION},
        "security": [{"bearer": []}, {"apiKey": []}],
        "paths": {**_calls(), **_playbooks(), **_process()},
        "components": {
            "schemas": {**commands, "Error": _ERROR},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "name": "X-API-Key", "in": "header"},
                "token": {"type": "apiKey", "name": "token", "in": "query"},
            },
        },
    }


def _calls() -> dict[str, Any]:
    status = _object("status", "id")
    killed = {200: _answer("It ends.", JSON, status), 404: _answer("No such call.", JSON, status)}
    stream = {"200": _answer("`event: event` and `event: command`, each with its number as `id`.", "text/event-stream")}
    return {
        "/list": {"get": _operation("Calls that are running", {200: _answer("All.", JSON, _LIST)})},
        "/kill/{id}": {
            "parameters": [_path("id")],
            "get": _operation("End a call, where no token is needed", killed, 405),
            "post": _operation("End a call", killed),
            "delete": _operation("End a call", killed),
        },
        "/command/{id}": {
            "parameters": [_path("id")],
            "post": _operation(
                "Send a command to a call",
                {200: _answer("It was taken.", JSON, status), 404: _answer("No such call.", JSON, status)},
                400,
                413,
                415,
                422,
                body=(JSON, {"$ref": f"{SCHEMAS}Command"}),
            ),
        },
        "/events/{id}": {
            "parameters": [_path("id")],
            "get": {
                **_operation("Follow a call by Server-Sent Events", {**stream, 404: _TEXT_ANSWERS[404]}, 400),
                "parameters": [_resume("Last-Event-ID", "header"), _resume("after", "query")],
                "security": [{"bearer": []}, {"apiKey": []}, {"token": []}],
            },
        },
        "/precache": {
            "post": _operation(
                "Make speech before a call needs it",
                {
                    200: _answer("It is kept; `status` is `cached` or `exists`.", JSON, _PRECACHED),
                    400: {
                        "description": "Not a `tts` command, or not JSON.",
                        "content": {JSON: {"schema": _object("status", "error")}, TEXT: {"schema": _STRING}},
                    },
                    500: _answer("It could not be made.", JSON, _object("status", "error")),
                },
                413,
                415,
                422,
                body=(JSON, {"$ref": f"{SCHEMAS}TtsCommand"}),
            ),
        },
        "/iceservers": {"get": _operation("ICE servers for a browser", {200: _answer("A list.", JSON, _ICE)})},
        "/api/records": {"get": _operation("Calls that were, newest first", {200: _answer("All.", JSON, _RECORDS)})},
    }


def _playbooks() -> dict[str, Any]:
    run = {
        "anyOf": [
            {"type": "object", "properties": {"playbook": {**_STRING, "minLength": 1}}, "required": ["playbook"]},
            {"type": "object", "properties": {"content": {**_STRING, "minLength": 1}}, "required": ["content"]},
        ]
    }
    return {
        "/api/playbooks": {"get": _operation("Playbooks", {200: _answer("By name.", JSON, _BOOKS)})},
        "/api/playbooks/{name}": {
            "parameters": [_path("name")],
            "get": _operation("A playbook's text", {200: _answer("The file.", TEXT)}, 400, 404),
            "post": _operation(
                "Write a playbook",
                {200: {"description": "It is written."}},
                400,
                413,
                body=("text/markdown", _STRING),
                required=False,
            ),
        },
        "/api/playbook/run": {
            "post": _operation(
                "Stage a playbook for a call to come",
                {200: _answer("Connect to `/call?id=` that id within 300 s.", JSON, _object("session_id"))},
                400,
                413,
                415,
                422,
                body=(JSON, run),
            ),
        },
    }


def _process() -> dict[str, Any]:
    state = {200: _answer("It may.", JSON, _object("status")), 503: _answer("Not now.", JSON, _object("status"))}
    document = {200: _answer("The document.", JSON, {"type": "object"})}
    health = {
        "type": "object",
        "properties": {"status": _STRING, "calls": {"type": "integer"}, "clock_late_ms": {"type": "number"}},
        "required": ["status", "calls", "clock_late_ms"],
    }
    opened: dict[str, Any] = {
        "/health": _operation("Does the process answer?", {200: _answer("It does.", JSON, health)}),
        "/ready": _operation("May it be given calls?", state),
        "/schema": _operation(
            "JSON Schema of commands and events",
            {200: _answer("The document.", "application/schema+json", {"type": "object"})},
        ),
        "/asyncapi.json": _operation("The WebSocket", document),
        "/openapi.json": _operation("These routes", document),
    }
    return {
        **{path: {"get": _public(operation)} for path, operation in opened.items()},
        "/metrics": {"get": _operation("For Prometheus", {200: _answer("Its text format.", TEXT)})},
    }


def _operation(
    summary: str,
    answers: dict[Any, Any],
    *others: int,
    body: tuple[str, dict[str, Any]] | None = None,
    required: bool = True,
) -> dict[str, Any]:
    responses = {str(status): answer for status, answer in answers.items()}
    responses |= {str(status): _TEXT_ANSWERS[status] for status in others}
    responses |= {str(status): _answer(text, JSON, {"$ref": f"{SCHEMAS}Error"}) for status, text in _ERRORS.items()}
    operation: dict[str, Any] = {"summary": summary, "responses": dict(sorted(responses.items()))}
    if body is not None:
        operation["requestBody"] = {"required": required, "content": {body[0]: {"schema": body[1]}}}
    return operation


def _public(operation: dict[str, Any]) -> dict[str, Any]:
    responses = {status: answer for status, answer in operation["responses"].items() if int(status) not in _ERRORS}
    return {**operation, "responses": responses, "security": []}


def _answer(text: str, media_type: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"description": text, "content": {media_type: {"schema": schema or _STRING}}}


_TEXT_ANSWERS = {status: _answer(text, TEXT) for status, text in _TEXTS.items()}
_TEXT_ANSWERS[405] = _answer("A token is needed here: use POST or DELETE.", TEXT)


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {**_STRING, "minLength": 1}}


def _resume(name: str, place: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "description": "Go on after that number; 0: from the beginning. Without it: what comes next.",
        "schema": {**_STRING, "pattern": "^[0-9]{1,15}$"},
    }


def _object(*keys: str, more: dict[str, Any] | None = None) -> dict[str, Any]:
    properties: dict[str, Any] = dict.fromkeys(keys, _STRING)
    return {"type": "object", "properties": properties | (more or {}), "required": list(keys)}


def _array(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


_MOMENT = {"type": ["string", "null"], "format": "date-time"}
_LIST = {
    "type": "object",
    "properties": {
        "active_calls": _array(
            _object(
                "id",
                "callType",
                more={"cs.option": {"type": ["object", "null"]}, "ringTime": _MOMENT, "startTime": _MOMENT},
            )
        )
    },
    "required": ["active_calls"],
}
_PRECACHED = _object("status", "cacheKey", "bytes", more={"bytes": {"type": "integer"}})
_ICE = _array(
    {
        "type": "object",
        "properties": {
            "urls": _array(_STRING),
            "username": _STRING,
            "credential": _STRING,
            "credential_type": {**_STRING, "enum": ["password", "oauth"]},
        },
        "required": ["urls", "credential_type"],
    }
)
_RECORDS = _array(_object("id", "date", "duration", "status"))
_BOOKS = _array(_object("name", "updated"))
