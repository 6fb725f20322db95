"""`active-call models` as it is typed."""

import hashlib
import io
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from active_call.cli import models
from active_call.plugin import AsrTraits, HubSource, ModelEntry, ModelFile
from active_call.plugin.registry import Distribution, Kind, Offer, Registry

WEIGHTS = b"weights " * 20_000


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory that is served as a hub; the machine's own settings are out of the way."""
    folder = tmp_path / "hub"
    (folder / "acme/echo/resolve/main").mkdir(parents=True)
    (folder / "acme/echo/resolve/main/a.bin").write_bytes(WEIGHTS)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("OFFLINE_MODELS_DIR", str(tmp_path / "root"))
    yield folder
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def root(tmp_path: Path, hub: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    for name, groups in (("echo", ("embedded",)), ("gone", ())):
        file = ModelFile(
            name="a.bin",
            sha256=hashlib.sha256(WEIGHTS).hexdigest() if name == "echo" else "0" * 64,
            size=len(WEIGHTS),
            sources=(HubSource(repo=f"acme/{name}", path="a.bin"),),
        )
        registry.models[name] = ModelEntry(name=name, summary="", licence="MIT", groups=groups, files=(file,))
    registry.add(
        Offer(
            kind=Kind.ASR,
            name="parrot",
            factory="parrot:Parrot",
            traits=AsrTraits(models=("echo",)),
            distribution=Distribution(name="active-call-parrot", version="1.0"),
            api=1,
        )
    )
    return registry


def test_list_shows_size_state_licence_and_who_needs_it(registry, root, capsys):
    assert models.main(["list"], registry=registry) == 0
    assert capsys.readouterr().out.splitlines() == [
        "MODEL  SIZE      STATE    LICENCE  NEEDED BY",
        "echo   160.0 kB  missing  MIT      asr parrot",
        "gone   160.0 kB  missing  MIT      -",
        "",
        "group embedded (160.0 kB): echo",
        f"kept in {root}",
    ]


def test_list_without_plugins_says_so(root, capsys):
    assert models.main(["list"], registry=Registry()) == 0
    assert "no installed plugin needs a model" in capsys.readouterr().out


def test_list_tells_what_an_interrupted_pull_left(registry, root, capsys):
    (root / "blobs").mkdir(parents=True)
    (file,) = registry.models["echo"].files
    (root / "blobs" / f"{file.sha256}.part").write_bytes(WEIGHTS[:60_000])
    models.main(["list"], registry=registry)
    assert "partly, 100.0 kB to go" in capsys.readouterr().out


def test_pull_of_a_group_tells_each_step_and_leaves_the_model_there(registry, root, capsys):
    assert models.main(["pull", "embedded"], registry=registry) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"pulling 160.0 kB of model weights into {root}"
    assert said[1].startswith("  echo: 160.0 kB from hub 127.0.0.1:")
    assert "  a.bin: 100 % of 160.0 kB" in said
    assert said[-1] == "echo: ready, every file has its sha256"
    assert models.main(["pull", "echo"], registry=registry) == 0
    assert capsys.readouterr().err == "echo: already here\n"
    models.main(["list"], registry=registry)
    assert "present" in capsys.readouterr().out


def test_pull_that_fails_tells_the_reason_and_the_remedy(registry, root, capsys):
    assert models.main(["pull", "gone"], registry=registry) == 1
    said = capsys.readouterr().err
    assert "model 'gone': no source could give a.bin" in said
    assert "HTTP 404" in said
    assert "copy the file by hand" in said


def test_pull_of_a_strange_name_lists_the_known_ones(registry, root, capsys):
    assert models.main(["pull", "ecko"], registry=registry) == 1
    assert "Choose one of: embedded, echo, gone." in capsys.readouterr().err


def test_pull_without_a_name_is_wrong_usage(registry, root, capsys):
    with pytest.raises(SystemExit) as caught:
        models.main(["pull"], registry=registry)
    assert caught.value.code == 2
    assert "NAME" in capsys.readouterr().err


def test_a_stopped_pull_says_that_it_can_go_on(registry, root, capsys, monkeypatch):
    async def stopped(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "ensure", stopped)
    with pytest.raises(KeyboardInterrupt):
        models.main(["pull", "echo"], registry=registry)
    assert "goes on where this one was" in capsys.readouterr().err


def test_verify_without_names_looks_at_what_is_here(registry, root, capsys):
    assert models.main(["verify"], registry=registry) == 0
    assert capsys.readouterr().out == f"no model in {root}\n"
    models.main(["pull", "echo"], registry=registry)
    assert models.main(["verify"], registry=registry) == 0
    assert capsys.readouterr().out == "echo: right, 160.0 kB\n"


def test_verify_of_damaged_and_absent_models_fails_and_tells_the_command(registry, root, capsys):
    (root / "echo").mkdir(parents=True)
    (root / "echo" / "a.bin").write_bytes(WEIGHTS[:-1] + b"x")
    assert models.main(["verify", "echo", "gone"], registry=registry) == 1
    said = capsys.readouterr().out
    assert f"echo: {root}/echo/a.bin: sha256 is " in said
    assert "mend it: active-call models pull echo" in said
    assert f"gone: {root}/gone/a.bin: missing" in said


def test_path_is_for_scripts(registry, root, capsys):
    assert models.main(["path"], registry=registry) == 0
    assert capsys.readouterr().out == f"{root}\n"
    assert models.main(["path", "echo"], registry=registry) == 1
    printed = capsys.readouterr()
    assert printed.out == f"{root}/echo\n"
    assert "models pull echo" in printed.err


@pytest.mark.parametrize("before", [True, False])
def test_the_directory_can_be_chosen_before_and_after_the_command(registry, root, tmp_path, capsys, before):
    option = ["--models-dir", str(tmp_path / "other")]
    models.main([*option, "path"] if before else ["path", *option], registry=registry)
    assert capsys.readouterr().out == f"{tmp_path}/other\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_a_bar_per_file_and_lines_between_bars(registry):
    (file,) = registry.models["echo"].files
    terminal = Terminal()
    shown = models.display(terminal)
    shown(file, 40_000, 160_000)
    shown(file, 160_000, 160_000)
    shown.say("echo: ready")
    shown.close()
    text = terminal.getvalue()
    assert "a.bin: 100%" in text
    assert text.endswith("\necho: ready\n")


def test_a_log_hears_of_each_quarter_once(registry):
    (file,) = registry.models["echo"].files
    log = io.StringIO()
    shown = models.display(log)
    for done in range(0, 160_001, 1000):
        shown(file, done, 160_000)
    shown.close()
    percents = [line.split()[1] for line in log.getvalue().splitlines()]
    assert percents == ["0", "25", "50", "75", "100"]
