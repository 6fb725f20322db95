"""`active-call config` as it is typed."""

import json
import subprocess
import sys
import tomllib

import pytest

from active_call.cli import config


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_show_prints_values_with_their_origin_and_without_secrets(work, capsys):
    (work / "c.toml").write_text(
        'http_addr = "127.0.0.1:9"\n[auth]\ntokens = ["hush-hush"]\n[[rewrites]]\nmatch = "a"\nrewrite = "b"\n'
    )
    assert config.main(["show", "--conf", "c.toml"], environ={"ACTIVE_CALL_LOG_LEVEL": "debug"}) == 0
    said = capsys.readouterr()
    rows = {line.split()[0]: line.split() for line in said.out.splitlines()}
    assert rows["http_addr"] == ["http_addr", "c.toml:1:1", '"127.0.0.1:9"']
    assert rows["auth.tokens"] == ["auth.tokens", "c.toml:3:1", '["***"]']
    assert rows["log_level"] == ["log_level", "environment", "ACTIVE_CALL_LOG_LEVEL", '"debug"']
    assert rows["rewrites[0].match"] == ["rewrites[0].match", "c.toml:5:1", '"a"']
    assert rows["udp_port"] == ["udp_port", "default", "null"]
    assert "hush" not in said.out
    assert said.err.startswith("settings without effect: rewrites")


def test_show_reads_dotenv_and_can_speak_json(work, capsys):
    (work / ".env").write_text("ACTIVE_CALL_LIMITS__CALLS=7\n")
    assert config.main(["show", "--json"], environ={}) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["limits.calls"] == {"value": 7, "origin": ".env:1 ACTIVE_CALL_LIMITS__CALLS"}
    assert shown["http_addr"] == {"value": "127.0.0.1:8080", "origin": None}


def test_show_lists_every_problem_and_fails(work, capsys):
    (work / "c.toml").write_text("htp = 1\nudp_port = 70000\n")
    assert config.main(["show", "--conf", "c.toml"], environ={}) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert [line[:9] for line in said.err.splitlines()] == ["c.toml:1:", "c.toml:2:"]


def test_schema_is_json_schema_with_descriptions(capsys):
    assert config.main(["schema"], environ={}) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["additionalProperties"] is False
    assert schema["properties"]["http_addr"]["description"] == "Where HTTP and WebSocket clients connect."


def test_init_writes_a_file_that_show_accepts_and_never_writes_over_one(work, capsys):
    assert config.main(["init"], environ={}) == 0
    assert tomllib.loads(capsys.readouterr().out) == {}
    assert config.main(["init", "c.toml"], environ={}) == 0
    assert config.main(["show", "--conf", "c.toml"], environ={}) == 0
    assert config.main(["init", "c.toml"], environ={}) == 1
    assert config.main(["init", "absent/c.toml"], environ={}) == 1
    assert "already there" in capsys.readouterr().err


@pytest.mark.parametrize("args", [[], ["sho"], ["show", "--no-such-flag"]])
def test_wrong_usage_is_2(args, capsys):
    assert config.main(args, environ={}) == 2


def test_a_reader_that_goes_away_is_no_traceback():
    script = "import sys; from active_call.cli import main; sys.exit(main(['config', 'schema']))"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        process.wait()
    assert process.returncode == 1
