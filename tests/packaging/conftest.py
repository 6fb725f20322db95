import tomllib
from pathlib import Path

import pytest
from tests.packaging.environments import PYPROJECTS, ROOT, Environment, build_wheels


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The core's wheel and every plugin's, by distribution."""
    built = build_wheels([ROOT, *(file.parent for file in PYPROJECTS)], tmp_path_factory.mktemp("wheels"))
    names = {
        tomllib.loads(file.read_text("utf-8"))["project"]["name"] for file in [ROOT / "pyproject.toml", *PYPROJECTS]
    }
    assert built.keys() == names
    return built


@pytest.fixture(scope="session")
def core(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the core alone."""
    environment = Environment.make(tmp_path_factory.mktemp("core"))
    environment.install(wheels["active-call"])
    return environment
