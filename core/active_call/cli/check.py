"""`active-call check`: says what is wrong with playbooks, without a call."""

import argparse
import inspect
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from active_call.playbook.lint import ScriptCheck, check
from active_call.playbook.problems import Severity
from active_call.plugin.discovery import discover
from active_call.plugin.registry import Kind, Registry

KINDS = (Kind.ASR, Kind.TTS, Kind.VAD, Kind.TURN, Kind.LLM, Kind.REALTIME)


def main(args: Sequence[str]) -> int:
    """Print a line per problem and a summary; returns 1 if a playbook cannot run as it is written."""
    parser = argparse.ArgumentParser(
        prog="active-call check", description="Say what is wrong with playbooks and how to mend it."
    )
    parser.add_argument("playbooks", nargs="+", metavar="PLAYBOOK", type=Path, help="a Markdown file, or a folder")
    parser.add_argument("--no-plugins", action="store_true", help="do not check the names of providers")
    try:
        options = parser.parse_args(args)
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 2
    registry = discover()
    for failure in registry.failures:
        print(f"plugin {failure.entry_point} is not loaded: {failure.reason}", file=sys.stderr)
    providers = {} if options.no_plugins else {kind.value: registry.names(kind) for kind in KINDS}
    script_check = _script_check(registry)
    files = [file for path in options.playbooks for file in _files(path)]
    errors = warnings = 0
    for file in files:
        for problem in check(file, providers=providers, environ=os.environ, script_check=script_check):
            print(problem)
            errors += problem.severity is Severity.ERROR
            warnings += problem.severity is Severity.WARNING
    print(_summary(len(files), errors, warnings))
    return 1 if errors or not files else 0


def _script_check(registry: Registry) -> ScriptCheck | None:
    """The `validate_script` beside the factory of a brain that goes by rules, if there is one."""
    for offer in registry.offers(Kind.LLM):
        module = inspect.getmodule(offer.load()) if offer.traits.rules else None
        found: ScriptCheck | None = getattr(module, "validate_script", None)
        if found:
            return found
    return None


def _files(path: Path) -> list[Path]:
    """A folder stands for the playbooks in it; other Markdown, which has no front matter, is left alone."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*.md") if file.is_file() and _has_front_matter(file))


def _has_front_matter(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"---")


def _summary(files: int, errors: int, warnings: int) -> str:
    checked = _count(files, "playbook")
    if not files:
        return "no playbooks found"
    if not errors and not warnings:
        return f"{checked} checked, nothing to mend"
    return f"{checked} checked: {_count(errors, 'error')}, {_count(warnings, 'warning')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
