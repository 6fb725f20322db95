"""Flags of the server, and the settings that they mean."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from active_call.config.flags import FLAGS, add_server_flags, cli_overrides
from active_call.config.problems import ConfigError
from active_call.config.settings import Settings


@pytest.fixture
def parse():
    parser = argparse.ArgumentParser()
    add_server_flags(parser)
    return lambda line: parser.parse_args(line.split())


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("", {}),
        ("--conf x.toml --download-models all --exit-after-download", {}),
        ("--http 0.0.0.0:80", {"http_addr": "0.0.0.0:80"}),
        ("--sip 5060", {"udp_port": 5060}),
        ("--sip 10.0.0.1:5060", {"addr": "10.0.0.1", "udp_port": 5060}),
        ("--sip 10.0.0.1", {"addr": "10.0.0.1"}),
        ("--sip [::1]:5060", {"addr": "::1", "udp_port": 5060}),
        ("--sip ::1", {"addr": "::1"}),
        ("--sip fe80::1:5060", {"addr": "fe80::1:5060"}),
        ("--handler HTTPS://h/x.md", {"handler": {"type": "webhook", "url": "HTTPS://h/x.md"}}),
        ("--handler hello.md", {"handler": {"type": "playbook", "default": "hello.md"}}),
        ("--call sip:a@b", {"sip": True}),
        ("--external-ip 1.2.3.4 --codecs pcmu,opus", {"external_ip": "1.2.3.4", "codecs": "pcmu,opus"}),
        ("--models-dir m", {"models_dir": "m"}),
    ],
)
def test_a_flag_means_settings(parse, line, settings):
    assert cli_overrides(parse(line)) == settings


def test_what_is_no_setting_stays_in_the_namespace(parse):
    options = parse("--conf c.toml --call sip:a@b --download-models all")
    assert (options.conf, options.call, options.download_models) == (Path("c.toml"), "sip:a@b", "all")
    assert options.exit_after_download is False


def test_a_handler_of_another_kind_is_wrong_usage(parse, capsys):
    with pytest.raises(SystemExit) as left:
        parse("--handler nonsense")
    assert left.value.code == 2
    assert "'nonsense' is neither an http(s) URL nor a playbook" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"), [("--sip 999999", "--sip: udp_port: 999999 is not a port"), ("--codecs a", "--codecs")]
)
def test_a_wrong_value_is_said_with_its_flag(parse, loads, line, said):
    with pytest.raises(ConfigError, match=said):
        loads(cli=cli_overrides(parse(line)))


def test_every_flag_of_the_table_exists_and_means_a_setting(parse, capsys):
    with pytest.raises(SystemExit):
        parse("--help")
    shown = capsys.readouterr().out
    assert FLAGS.keys() <= Settings.model_fields.keys()
    assert all(flag in shown for flag in FLAGS.values())


def test_the_flags_load_nothing_heavy():
    script = "import sys, active_call.config.flags; print('pydantic' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
    )
