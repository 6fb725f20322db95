"""`/` and `/static`: files of a directory, for a browser."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from active_call.guard.paths import PathPolicy, PathRefused

HEADERS = {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer"}


class Pages:
    def __init__(self, directory: Path | None) -> None:
        self._policy = PathPolicy([directory]) if directory is not None else None

    async def index(self, request: Request) -> Response:
        return self._file("index.html", "Index not found")

    async def static(self, request: Request) -> Response:
        return self._file(request.path_params["path"], "Not found")

    def _file(self, name: str, missing: str) -> Response:
        try:
            path = self._policy.resolve(name) if self._policy is not None else None
        except PathRefused:
            path = None
        if path is None or not path.is_file():
            raise HTTPException(404, missing)
        return FileResponse(path, headers=HEADERS)
