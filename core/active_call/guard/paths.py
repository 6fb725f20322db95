"""The path policy: which files a client, a caller or a model may name."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class PathRefused(ValueError):
    """A name that is not allowed. The text tells nothing of the server's directories, so it may go to a client."""

    def __init__(self, name: str, problem: str, remedy: str) -> None:
        self.name, self.problem, self.remedy = name, problem, remedy
        shown = name if len(name) <= 80 else name[:80] + "..."
        super().__init__(f"path {shown!r} refused: {problem}; {remedy}")


class PathPolicy:
    """Relative names live in `roots`, tried in order; absolute ones only inside `allow`."""

    def __init__(self, roots: Sequence[Path], allow: Sequence[Path] = ()) -> None:
        if not roots:
            raise ValueError("a path policy needs at least one root directory")
        # Real paths: what a name resolves to is compared with what a root resolves to.
        self.roots = tuple(Path(os.path.realpath(root)) for root in roots)
        self.allow = tuple(Path(os.path.realpath(directory)) for directory in allow)

    def resolve(self, name: str) -> Path:
        """The real path that `name` means: in the first root that has it, else where the first root would have it.

        Raises `PathRefused` for traversal, NUL, links that lead outside and absolute paths outside `allow`. Open the
        returned path, not `name`: links in it are already followed.
        """
        if not name:
            raise PathRefused(name, "it is empty", "name a file")
        if _CONTROL.search(name):
            raise PathRefused(name, "it contains a control character", "use a plain file name")
        if ".." in re.split(r"[/\\]", name):
            raise PathRefused(name, "'..' climbs out of its directory", "name the file from its directory down")
        if os.path.isabs(name):
            return self._absolute(name)
        found = [self._relative(root, name) for root in self.roots]
        return next((path for path in found if os.path.lexists(path)), found[0])

    def _absolute(self, name: str) -> Path:
        path = _real(Path("/"), name)
        if not any(path.is_relative_to(directory) for directory in self.allow):
            raise PathRefused(
                name,
                "it is absolute and outside the allowed directories",
                "name it relative to the media directory, or add its directory to `paths.allow`",
            )
        return path

    def _relative(self, root: Path, name: str) -> Path:
        path = _real(root, name)
        if not any(path.is_relative_to(directory) for directory in (root, *self.allow)):
            raise PathRefused(name, "a link in it leads outside", "copy the file, or add its place to `paths.allow`")
        return path


def _real(base: Path, name: str) -> Path:
    try:
        path = Path(os.path.realpath(base / name))
        os.lstat(path)
    except FileNotFoundError:
        return path
    except (OSError, ValueError) as error:  # too long, not a directory, not encodable
        raise PathRefused(name, _reason(error), "use a plain file name") from None
    return path


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) else None
    return (text or "it is no valid file name").lower()


def playbook_name(name: str) -> str:
    """The file name of a playbook, checked: no directories, no `..`, not hidden. Raises `PathRefused`."""
    if not name:
        raise PathRefused(name, "it is empty", "name a playbook, e.g. 'hello.md'")
    if ".." in name or "/" in name or "\\" in name:
        raise PathRefused(name, "a playbook name has no '..', '/' or '\\'", "give the file's name alone")
    if name.startswith(".") or _CONTROL.search(name) or not name.isprintable():
        raise PathRefused(name, "it is hidden or contains control characters", "use a plain file name")
    if len(os.fsencode(name)) > 255:
        raise PathRefused(name, "it is longer than a file name can be", "use a shorter one")
    return name
