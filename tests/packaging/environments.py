"""Empty environments that packages are installed into, and what is run there."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYPROJECTS = sorted(ROOT.glob("plugins/*/pyproject.toml"))
TOOLS = re.compile(r"(pip|setuptools|pkg_resources|_distutils_hack|distutils-precedence)\b")
"""What a new environment has before anything is installed; not counted."""
READY_S = 20


@dataclass(frozen=True)
class Environment:
    """A virtual environment without the plugins, variables and paths of the one that runs the tests."""

    path: Path
    home: Path

    @classmethod
    def make(cls, folder: Path) -> "Environment":
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        home = folder / "home"
        home.mkdir()
        return cls(folder / "venv", home)

    @property
    def variables(self) -> dict[str, str]:
        mine = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "OPENAI", "ACTIVE"))
        }
        return mine | {"HOME": str(self.home), "XDG_CACHE_HOME": str(self.home), "NO_COLOR": "1"}

    def install(self, *what: str | Path) -> None:
        """With pip's cache and the versions of constraints.txt; tried twice, networks being networks."""
        command = [str(self.path / "bin/python"), "-m", "pip", "install", "-q", "-c", str(ROOT / "constraints.txt")]
        for last in (False, True):
            done = subprocess.run([*command, *map(str, what)], capture_output=True, text=True, cwd=self.home)
            if done.returncode == 0:
                return
            if last:
                raise RuntimeError(f"pip install {' '.join(map(str, what))} failed:\n{done.stderr[-2000:]}")

    def run(
        self, *args: str, stdin: str = "", status: int | None = 0, timeout_s: float = 60, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """A program of the environment; its exit status must be `status` (None: any)."""
        done = subprocess.run(
            [str(self.path / "bin" / args[0]), *args[1:]],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            cwd=self.home,
            env=self.variables | variables,
        )
        if status is not None:
            assert done.returncode == status, f"{args} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done

    def packages(self) -> dict[str, str]:
        """Name and version of what is installed."""
        listed = json.loads(self.run("python", "-m", "pip", "list", "--format", "json").stdout)
        return {item["name"]: item["version"] for item in listed if not TOOLS.match(item["name"])}

    def site_packages_mb(self) -> float:
        """Bytes of all files, those that were compiled at the installation too."""
        (folder,) = self.path.glob("lib/python*/site-packages")
        counted = [entry for entry in folder.iterdir() if not TOOLS.match(entry.name)]
        files = [file for entry in counted for file in (entry.rglob("*") if entry.is_dir() else [entry])]
        return sum(file.stat().st_size for file in files if file.is_file()) / 1e6

    @contextmanager
    def serving(self) -> Iterator[str]:
        """`active-call serve` on a port of its own; yields `127.0.0.1:port` when it answers."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        log = self.home / "serve.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [str(self.path / "bin/active-call"), "serve", "--http", address],
                stdout=output,
                stderr=output,
                cwd=self.home,
                env=self.variables,
            )
        try:
            deadline = time.monotonic() + READY_S
            while not _answers(address):
                assert process.poll() is None, f"serve ended with {process.returncode}:\n{log.read_text()[-2000:]}"
                assert time.monotonic() < deadline, f"serve does not answer:\n{log.read_text()[-2000:]}"
                time.sleep(0.02)
            yield address
        finally:
            process.terminate()
            status = process.wait(READY_S)
        assert status == 0, f"serve ended with {status}:\n{log.read_text()[-2000:]}"


def _answers(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def build_wheels(folders: Sequence[Path], into: Path) -> dict[str, Path]:
    """Wheels by distribution, made with the build tools of the environment that runs the tests."""
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(into)]
    done = subprocess.run([*command, *map(str, folders)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return {wheel.name.split("-")[0].replace("_", "-"): wheel for wheel in into.glob("*.whl")}
