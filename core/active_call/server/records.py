"""`/api/records`: what the dump files say of the calls that were."""

import asyncio
import heapq
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from active_call.call.directory import Directory

MOST = 1000
"""The newest of them are listed."""
SUFFIX = ".jsonl"
DUMP_SUFFIX = ".events.jsonl"
TAIL_BYTES = 64 * 1024


class Records:
    def __init__(self, directory: Path | None, calls: Directory) -> None:
        self._directory = directory
        self._calls = calls

    async def listed(self, request: Request) -> Response:
        live = frozenset(call.id for call in self._calls.all())
        return JSONResponse(await asyncio.to_thread(self._list, live))

    def _list(self, live: frozenset[str]) -> list[dict[str, str]]:
        if self._directory is None or not self._directory.is_dir():
            return []
        with os.scandir(self._directory) as entries:
            files = [(entry.stat().st_mtime, entry.path) for entry in entries if _is_dump(entry)]
        return [_record(Path(path), modified_s, live) for modified_s, path in heapq.nlargest(MOST, files)]


def _is_dump(entry: "os.DirEntry[str]") -> bool:
    return entry.name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False)


def _record(path: Path, modified_s: float, live: frozenset[str]) -> dict[str, str]:
    call_id = path.name.removesuffix(DUMP_SUFFIX).removesuffix(SUFFIX)
    first, last = _ends(path)
    begun_ms, ended_ms = first.get("timestamp"), last.get("timestamp")
    seconds = 0
    if isinstance(begun_ms, int) and isinstance(ended_ms, int):
        seconds = max(0, round((ended_ms - begun_ms) / 1000))
    if call_id in live:
        status = "active"
    else:
        status = "completed" if '"event":"hangup"' in str(last.get("content")) else "interrupted"
    date = datetime.fromtimestamp(modified_s, UTC).isoformat()
    return {"id": call_id, "date": date, "duration": f"{seconds}s", "status": status}


def _ends(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first and the last line that can be read; a crash may have left half of one."""
    try:
        with path.open("rb") as file:
            first = file.readline(TAIL_BYTES)
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
            tail = file.read().splitlines()
    except OSError:
        return {}, {}
    return _line(first), next((line for text in reversed(tail[-3:]) if (line := _line(text))), {})


def _line(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
