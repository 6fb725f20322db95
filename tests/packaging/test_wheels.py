"""Each plugin is a distribution of its own."""

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from tests.packaging.environments import PYPROJECTS, ROOT, Environment

pytestmark = [pytest.mark.network, pytest.mark.timeout(300)]
PLUGINS = {tomllib.loads(file.read_text("utf-8"))["project"]["name"]: file.parent for file in PYPROJECTS}


def test_each_wheel_holds_one_typed_package_and_its_licence_and_no_tests(wheels: dict[str, Path]) -> None:
    for name, wheel in wheels.items():
        with zipfile.ZipFile(wheel) as archive:
            files = archive.namelist()
        tops = {file.split("/")[0] for file in files}
        package = name.replace("-", "_")
        assert {top for top in tops if not top.endswith(".dist-info")} == {package}
        assert f"{package}/py.typed" in files, f"{name} is not typed: add an empty src/{package}/py.typed"
        assert not [file for file in files if "/tests/" in file or file.endswith(("README.md", "conftest.py"))]


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_installs_alone_and_registers_before_anything_heavy_is_there(
    name: str, wheels: dict[str, Path], core: Environment, tmp_path: Path
) -> None:
    """Without its dependencies it can be listed, with its traits; so `--help` and `plugins` never load them."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(tmp_path)]
    subprocess.run([*command, str(wheels[name])], check=True)
    listed = json.loads(core.run("active-call", "plugins", "--json", PYTHONPATH=str(tmp_path)).stdout)
    assert not listed["failures"]
    mine = [plugin for plugin in listed["plugins"] if plugin["distribution"] == name]
    assert mine
    assert all(plugin["traits"]["summary"] for plugin in mine)


@pytest.mark.parametrize("name", PLUGINS)
def test_the_dependencies_of_a_plugin_can_be_had_together_with_the_core(
    name: str, wheels: dict[str, Path], core: Environment
) -> None:
    core.run(
        "python", "-m", "pip", "install", "-q", "--dry-run", "-c", str(ROOT / "constraints.txt"),
        str(wheels[name]), str(wheels["active-call"]), timeout_s=200,
    )  # fmt: skip


def test_an_extra_of_the_core_names_every_plugin() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    for name in PLUGINS:
        assert extras.get(name.removeprefix("active-call-")) == [name]
