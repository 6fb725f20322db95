"""Plugins as they are installed: a module and the metadata of its distribution, in a folder of their own."""

import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

import pytest

Install = Callable[..., None]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("ACTIVE_CALL_LOAD_PLUGINS", raising=False)
    return tmp_path


@pytest.fixture
def install(site: Path) -> Iterator[Install]:
    written: list[str] = []

    def write(distribution: str, code: str, *, point: str | None = None, version: str = "1.0") -> None:
        module = distribution.replace("-", "_")
        head = "from active_call.plugin import *\nfrom active_call.plugin import hookimpl\n"
        (site / f"{module}.py").write_text(head + textwrap.dedent(code))
        info = site / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[active_call]\n{point or distribution} = {module}\n")
        importlib.invalidate_caches()
        written.append(module)

    yield write
    for module in written:
        sys.modules.pop(module, None)


@pytest.fixture
def points(site: Path) -> Callable[[], list[EntryPoint]]:
    return lambda: [point for found in distributions(path=[str(site)]) for point in found.entry_points]
