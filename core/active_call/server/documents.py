"""`/schema`, `/asyncapi.json`, `/openapi.json`: the API described for machines, made from the models.

`python -m active_call.server.documents DIRECTORY` writes the three files; those in docs/reference are kept in step by
a test.
"""

import json
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from active_call.protocol.schema import wire_schema

from .asyncapi import asyncapi
from .openapi import openapi

FILES: dict[str, Callable[[], dict[str, Any]]] = {
    "schema.json": wire_schema,
    "asyncapi.json": asyncapi,
    "openapi.json": openapi,
}


def text_of(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


class Documents:
    """Each is made when it is first asked for."""

    async def schema(self, request: Request) -> Response:
        return _json(self._schema, "application/schema+json")

    async def asyncapi(self, request: Request) -> Response:
        return _json(self._asyncapi)

    async def openapi(self, request: Request) -> Response:
        return _json(self._openapi)

    @cached_property
    def _schema(self) -> bytes:
        return text_of(wire_schema()).encode()

    @cached_property
    def _asyncapi(self) -> bytes:
        return text_of(asyncapi()).encode()

    @cached_property
    def _openapi(self) -> bytes:
        return text_of(openapi()).encode()


def _json(body: bytes, media_type: str = "application/json") -> Response:
    return Response(body, media_type=media_type)


def write(directory: Path) -> None:
    for name, make in FILES.items():
        (directory / name).write_text(text_of(make()), "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
