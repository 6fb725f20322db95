"""`active-call doctor` as it is typed, and its checks one by one."""

import itertools
import json
import socket
from pathlib import Path

import pytest

from active_call.cli import doctor
from active_call.cli.doctor import Machine, Status
from active_call.plugin import LlmTraits, ModelEntry, ModelFile, VadTraits
from active_call.plugin.registry import Distribution, Failure, Kind, Offer, Registry

PARROT = Distribution(name="active-call-parrot", version="1.0")


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    for kind, name, traits in (
        (Kind.LLM, "cloud", LlmTraits(needs=("CLOUD_KEY",))),
        (Kind.VAD, "parrot", VadTraits(models=("echo",))),
    ):
        registry.add(Offer(kind=kind, name=name, factory="p:P", traits=traits, distribution=PARROT, api=1))
    file = ModelFile(name="a.bin", sha256="0" * 64, size=10, sources=())
    registry.models["echo"] = ModelEntry(name="echo", summary="", licence="MIT", files=(file,))
    return registry


@pytest.fixture
def machine(registry, work) -> Machine:
    return Machine(environ={"OFFLINE_MODELS_DIR": str(work / "m"), "OMP_NUM_THREADS": "1"}, registry=registry)


def said(check, machine: Machine) -> list[str]:
    return [str(finding) for finding in check(machine)]


def test_every_finding_is_one_line_with_a_remedy_unless_it_is_well(machine, capsys):
    findings = doctor.examine(machine)
    assert len(findings) >= len(doctor.CHECKS)
    for finding in findings:
        assert "\n" not in str(finding)
        assert (finding.status is Status.OK) == (not finding.remedy)


def test_a_missing_key_or_model_is_a_warning_with_the_command_that_helps(machine, registry, work, capsys):
    environ = dict(machine.environ)
    assert doctor.main([], registry=registry, environ=environ) == 0
    shown = capsys.readouterr().out.splitlines()
    assert "warn  llm cloud lacks CLOUD_KEY  -> set it in the environment or in .env" in shown
    assert "warn  models not here: echo (10 B)  -> active-call models pull echo" in shown
    (work / ".env").write_text("CLOUD_KEY=k\n")
    doctor.main([], registry=registry, environ=environ)
    assert "CLOUD_KEY" not in capsys.readouterr().out


def test_a_plugin_that_does_not_load_fails(registry, capsys):
    registry.failures.append(Failure(entry_point="broken", distribution=PARROT, reason="import failed: no numpy"))
    assert doctor.main(["--json"], registry=registry, environ={}) == 1
    findings = json.loads(capsys.readouterr().out)
    assert {
        "status": "fail",
        "what": "plugin broken does not load: import failed: no numpy",
        "remedy": "mend or uninstall active-call-parrot",
    } in findings


def test_wrong_settings_fail_with_every_problem_and_the_rest_is_still_checked(machine, work):
    (work / "c.toml").write_text("a = 1\nb = 2\n")
    machine.conf = Path("c.toml")
    findings = [str(finding) for finding in doctor.examine(machine)]
    assert [line[:18] for line in findings if line.startswith("fail")] == ["fail  c.toml:1:1: ", "fail  c.toml:2:1: "]
    assert any("free for models" in line for line in findings)


def test_a_port_in_use_is_said_before_the_server_finds_out(machine, registry):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        busy = Machine(environ={"ACTIVE_CALL_HTTP_ADDR": address}, registry=registry)
        (line,) = said(doctor.port, busy)
    assert line.startswith(f"warn  cannot listen on {address}: Address already in use")
    (line,) = said(doctor.port, busy)
    assert line == f"ok    {address} is free"


@pytest.mark.parametrize(("late_ms", "status"), [(0.1, "ok"), (9.0, "warn")])
def test_a_late_timer_is_noticed(machine, late_ms, status):
    moments = itertools.count(step=1)
    machine.clock = lambda: (next(moments) + 1) // 2 * (5 + late_ms) / 1000
    machine.sleep = lambda _: None
    (line,) = said(doctor.clock, machine)
    assert line.startswith(f"{status:4}  timers are {late_ms} ms late")


def test_a_directory_that_cannot_be_written_fails(machine, work, monkeypatch):
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: "config" not in str(path))
    (work / "config/recorders").mkdir(parents=True)
    lines = said(doctor.directories, machine)
    assert lines[0].startswith("fail  config/mediacache cannot be written  -> ")
    assert lines[1].startswith("fail  config/recorders cannot be written  -> ")


def test_threads_of_numpy_are_named_when_nobody_limits_them(machine, monkeypatch):
    monkeypatch.setattr(doctor.os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    assert said(doctor.processors, machine) == ["ok    4 processors"]
    machine.environ = {}
    assert said(doctor.processors, machine)[1].endswith("-> export OPENBLAS_NUM_THREADS=1")


def test_a_check_that_breaks_is_a_finding_and_stops_no_other(machine):
    def broken(machine):
        raise RuntimeError("no such luck")
        yield

    lines = [str(finding) for finding in doctor.examine(machine, (broken, doctor.python))]
    assert lines[0] == "fail  the check broken failed: RuntimeError: no such luck  -> report it"
    assert lines[1].startswith("ok    Python 3.")


def test_wrong_usage_is_2(capsys):
    assert doctor.main(["--no-such-flag"], registry=Registry(), environ={}) == 2
