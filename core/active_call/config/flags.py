"""The command-line flags of the server, and the settings that they mean. argparse only, so that `--help` is quick."""

import argparse
import re
from pathlib import Path
from typing import Any

FLAGS = {
    "http_addr": "--http",
    "addr": "--sip",
    "udp_port": "--sip",
    "sip": "--call",
    "handler": "--handler",
    "external_ip": "--external-ip",
    "codecs": "--codecs",
    "models_dir": "--models-dir",
}
"""Settings that a flag sets, each with the flag."""


def add_server_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of `serve`; those that are no settings stay in the namespace: `conf`, `call`, `download_models`,
    `exit_after_download`."""
    group = parser.add_argument_group("settings (each wins over environment, .env and configuration file)")
    add_conf_flag(parser)
    group.add_argument("--http", metavar="ADDR:PORT", help="where HTTP and WebSocket clients connect")
    group.add_argument("--sip", metavar="V", type=_nonempty, help="SIP: a UDP port, an address, or ADDRESS:PORT")
    group.add_argument(
        "--handler", metavar="V", type=_handler, help="who answers incoming calls: a webhook's URL, or a playbook (.md)"
    )
    group.add_argument("--external-ip", metavar="IP", help="our public address, for SIP and RTP")
    group.add_argument("--codecs", metavar="A,B", help="audio codecs, the preferred one first")
    group.add_argument("--models-dir", metavar="DIR", help="where model weights are kept")
    parser.add_argument(
        "--call", metavar="URI", help="call this SIP URI after the start; the handler's playbook speaks"
    )
    parser.add_argument("--download-models", metavar="NAME", help="pull a model or a group of models first")
    parser.add_argument("--exit-after-download", action="store_true", help="stop when they are here")


def add_conf_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--conf", metavar="PATH", type=Path, help="configuration file (TOML); without it none is read")


def cli_overrides(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that the flags in `options` mean; a flag that was not given is not there."""
    given = {name: value for name, value in vars(options).items() if value is not None}
    settings: dict[str, Any] = {}
    if "http" in given:
        settings["http_addr"] = given["http"]
    if "sip" in given:
        settings |= _sip(given["sip"])
    if "handler" in given:
        settings["handler"] = _handler_table(given["handler"])
    if "call" in given:
        settings["sip"] = True
    for name in ("external_ip", "codecs", "models_dir"):
        if name in given:
            settings[name] = given[name]
    return settings


def _sip(value: str) -> dict[str, Any]:
    if value.isdecimal():
        return {"udp_port": int(value)}
    host, colon, port = value.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if colon and port.isdecimal() and (":" not in bare or bare != host):
        return {"addr": bare, "udp_port": int(port)}
    return {"addr": value.removeprefix("[").removesuffix("]")}


def _handler_table(value: str) -> dict[str, Any]:
    if _is_url(value):
        return {"type": "webhook", "url": value}
    return {"type": "playbook", "default": value}


def _is_url(value: str) -> bool:
    return re.match(r"https?://", value, re.IGNORECASE) is not None


def _handler(value: str) -> str:
    if not _is_url(value) and not value.lower().endswith(".md"):
        raise argparse.ArgumentTypeError(f"{value!r} is neither an http(s) URL nor a playbook (*.md)")
    return value


def _nonempty(value: str) -> str:
    if not value.strip():
        raise argparse.ArgumentTypeError("give a port, an address, or ADDRESS:PORT")
    return value.strip()
