"""What must be cheap to import: the command line, and every plugin's registration."""

import subprocess
import sys
import tomllib

import pytest
from tests.house.files import ROOT, ours

HEAVY = {"numpy", "onnxruntime", "ctranslate2", "tokenizers", "torch", "hibari", "uvicorn", "starlette"}


def entry_points() -> dict[str, str]:
    projects = [tomllib.loads((ROOT / file).read_text("utf-8"))["project"] for file in ours("pyproject.toml")]
    return {
        name: module
        for project in projects
        for name, module in project.get("entry-points", {}).get("active_call", {}).items()
    }


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after `statement`."""
    script = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    )


@pytest.mark.parametrize("module", ["active_call", "active_call.plugin", "active_call.cli"])
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    assert not loaded_by(f"import {module}") & HEAVY


@pytest.mark.parametrize("module", sorted(entry_points().values()))
def test_registering_a_plugin_loads_nothing_heavy(module: str) -> None:
    assert not loaded_by(f"import {module}") & HEAVY


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_asking_for_help_loads_nothing_heavy(flag: str) -> None:
    quietly = "import contextlib, io\nfrom active_call.cli import main\nwith contextlib.redirect_stdout(io.StringIO()):"
    assert not loaded_by(f"{quietly}\n    main([{flag!r}])") & HEAVY
