"""`/api/playbooks`: the directory of playbooks, read and written by name."""

import asyncio
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from active_call.guard.paths import PathPolicy, PathRefused, playbook_name

from .answers import body_of

SUFFIX = ".md"


class PlaybookFiles:
    def __init__(self, directory: Path | None, limit: int) -> None:
        """None: there is no such directory. `limit` is the longest text in bytes."""
        self._directory = directory
        self._limit = limit

    async def listed(self, request: Request) -> Response:
        return JSONResponse(await asyncio.to_thread(self._list))

    async def one(self, request: Request) -> Response:
        name = request.path_params["name"]
        if request.method == "POST":
            return await self._write(name, request)
        return await self._read(name)

    def _list(self) -> list[dict[str, Any]]:
        if self._directory is None or not self._directory.is_dir():
            return []
        with os.scandir(self._directory) as entries:
            found = [(entry.name, entry.stat().st_mtime) for entry in entries if _is_playbook(entry)]
        return [{"name": name, "updated": _rfc3339(modified_s)} for name, modified_s in sorted(found)]

    async def _read(self, name: str) -> Response:
        path = self._path(name)
        missing = HTTPException(404, "Playbook not found")
        if path is None or path.suffix != SUFFIX:
            raise missing
        try:
            return PlainTextResponse(await asyncio.to_thread(path.read_bytes))
        except (FileNotFoundError, IsADirectoryError):
            raise missing from None

    async def _write(self, name: str, request: Request) -> Response:
        path = self._path(name)
        if path is None:
            raise HTTPException(403, "this server has no directory of playbooks")
        if path.suffix != SUFFIX:
            raise HTTPException(400, f"Invalid filename: a playbook's name ends in {SUFFIX}")
        text = await body_of(request, self._limit)
        try:
            text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise HTTPException(400, f"a playbook is UTF-8 text: {error.reason} at byte {error.start}") from None
        await asyncio.to_thread(write_whole, path, text)
        return Response(status_code=200)

    def _path(self, name: str) -> Path | None:
        """Raises `HTTPException` 400 for a name that leads anywhere else."""
        try:
            playbook_name(name)
            return PathPolicy([self._directory]).resolve(name) if self._directory is not None else None
        except PathRefused as refused:
            raise HTTPException(400, f"Invalid filename: {refused.problem}; {refused.remedy}") from None


def _is_playbook(entry: "os.DirEntry[str]") -> bool:
    return entry.name.endswith(SUFFIX) and not entry.name.startswith(".") and entry.is_file()


def write_whole(path: Path, content: bytes) -> None:
    """Readers see the old file or the new one, never a part; a crash leaves one of the two."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _rfc3339(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat()
