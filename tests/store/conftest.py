"""A hub on this machine that can misbehave, and wheels made here: no test of the store touches the internet."""

import hashlib
import random
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest

from active_call.plugin import HubSource, ModelEntry, ModelFile, PackageSource

Describe = Callable[..., ModelEntry]


class LocalHub:
    """Serves `files` by path, with ranges; `faults` are used up one a request, then it behaves.

    A fault: `cut` (half the body), `status 503`, `silent` (accepts, never answers), `no range`, `stall` (half the
    body, then nothing until `released`).
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: list[str] = []
        self.requests: list[tuple[str, str | None]] = []
        self.delay_s = 0.0
        self.stalled = threading.Event()
        self.released = threading.Event()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with suppress(ConnectionError):
                    hub.answer(self)
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range")
        self.requests.append((unquote(request.path), wanted))
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "silent":
            self.released.wait(5)
            return
        if fault.startswith("status"):
            request.send_response(int(fault.split()[1]))
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        body = self.files.get(unquote(request.path))
        if body is None:
            request.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and fault != "no range" else 0
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        rest = body[start:]
        request.send_header("Content-Length", str(len(rest)))
        request.end_headers()
        time.sleep(self.delay_s)
        if fault not in ("cut", "stall"):
            request.wfile.write(rest)
            return
        request.wfile.write(rest[: len(rest) // 2])
        request.wfile.flush()
        if fault == "stall":
            self.stalled.set()
            self.released.wait(5)

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    server = LocalHub()
    yield server
    server.close()


class LocalIndex:
    """A directory of wheels that pip may take from, and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def environ(self) -> dict[str, str]:
        return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.folder), "PIP_CONFIG_FILE": "/dev/null"}

    def add(self, name: str, members: dict[str, bytes], version: str = "1.0.0") -> str:
        """Make a wheel; returns its pinned requirement."""
        stem = f"{name.replace('-', '_')}-{version}"
        with zipfile.ZipFile(self.folder / f"{stem}-py3-none-any.whl", "w") as wheel:
            for path, data in members.items():
                wheel.writestr(path, data)
            wheel.writestr(f"{stem}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{stem}.dist-info/RECORD", "")
        return f"{name}=={version}"


@pytest.fixture
def index(tmp_path: Path) -> LocalIndex:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return LocalIndex(folder)


@pytest.fixture
def weights() -> bytes:
    return random.Random(1).randbytes(300_000)


@pytest.fixture
def describe() -> Describe:
    """`describe("echo", {"a.bin": data}, HubSource(...))`: an entry whose files all have those sources."""

    def make(
        name: str, files: dict[str, bytes], *sources: HubSource | PackageSource, groups: tuple[str, ...] = ()
    ) -> ModelEntry:
        return ModelEntry(
            name=name,
            summary="a test model",
            licence="MIT",
            groups=groups,
            files=tuple(
                ModelFile(name=file, sha256=hashlib.sha256(data).hexdigest(), size=len(data), sources=sources)
                for file, data in files.items()
            ),
        )

    return make


@pytest.fixture
def client() -> Callable[[], httpx.AsyncClient]:
    """As the store's own, but impatient, and with no proxy between a test and its hub."""
    return lambda: httpx.AsyncClient(follow_redirects=True, timeout=httpx.Timeout(0.3), trust_env=False, verify=False)
