"""Where each setting was given: an `Origin` by path, with the nearest one above for what has none of its own."""

from collections.abc import Iterator, Mapping

from .problems import Origin

Path = tuple[str | int, ...]


class Origins:
    def __init__(self, known: Mapping[Path, Origin] | None = None) -> None:
        self._known: dict[Path, Origin] = dict(known or {})

    def of(self, path: Path) -> Origin | None:
        """The origin of a value, or of the nearest table or list around it; None: it is a default."""
        for length in range(len(path), 0, -1):
            if (found := self._known.get(path[:length])) is not None:
                return found
        return None

    def below(self, path: Path) -> Iterator[tuple[Path, Origin]]:
        """What was given at `path` or inside it."""
        for known, origin in self._known.items():
            if known[: len(path)] == path:
                yield known, origin

    def given(self, key: str) -> bool:
        """Whether anything of a dotted key was given."""
        return any(self.below(tuple(key.split("."))))

    def put(self, path: Path, origin: Origin) -> None:
        self._known[path] = origin

    def drop(self, path: Path) -> None:
        """Forget what was given at `path` and inside it."""
        self._known = {known: origin for known, origin in self._known.items() if known[: len(path)] != path}

    def take(self, other: "Origins") -> None:
        """Know what `other` knows."""
        self._known = dict(other._known)
