"""`active-call check`: says what is wrong with playbooks and their tests, without a call; draws them; watches them."""

import argparse
import inspect
import json
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from active_call.config.sources import environment
from active_call.playbook.lint import ScriptCheck, check
from active_call.playbook.load import load_file
from active_call.playbook.problems import PlaybookError, Problem, Severity
from active_call.playbook.scenario import SUFFIX
from active_call.playbook.scenario_reader import read_scenarios
from active_call.plugin.discovery import discover
from active_call.plugin.registry import Kind, Registry

from .watching import watch

KINDS = (Kind.ASR, Kind.TTS, Kind.VAD, Kind.TURN, Kind.LLM, Kind.REALTIME)


def main(args: Sequence[str]) -> int:
    """Print a line per problem and a summary; returns 1 if a playbook cannot run as it is written."""
    parser = argparse.ArgumentParser(
        prog="active-call check", description="Say what is wrong with playbooks and how to mend it."
    )
    parser.add_argument("playbooks", nargs="*", metavar="PLAYBOOK", type=Path, help="a Markdown file, or a folder")
    parser.add_argument("--no-plugins", action="store_true", help="do not check the names of providers")
    parser.add_argument("--watch", action="store_true", help="check again whenever a file changes; Ctrl-C ends it")
    parser.add_argument("--graph", action="store_true", help="print what leads where, as a Mermaid flowchart, instead")
    parser.add_argument("--svg", action="store_true", help="print what leads where, as an SVG picture, instead")
    parser.add_argument("--schema", action="store_true", help="print the JSON schema of the front matter, for editors")
    try:
        options = parser.parse_args(args)
        if options.schema:
            return _schema()
        if not options.playbooks:
            parser.error("name a playbook or a folder")
        if (options.graph or options.svg) and len(options.playbooks) + options.graph + options.svg != 2:
            parser.error("--graph and --svg draw one playbook, each on its own")
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 2
    if options.graph or options.svg:
        return _draw(options.playbooks[0], as_svg=options.svg)
    checker = _Checker(providers=not options.no_plugins)
    if not options.watch:
        return checker.run(options.playbooks)

    def again() -> None:
        print(f"-- {datetime.now():%H:%M:%S}")
        checker.run(options.playbooks)
        sys.stdout.flush()

    watch(lambda: [file for path in options.playbooks for file in _files(path)], again)
    return 0


class _Checker:
    def __init__(self, *, providers: bool) -> None:
        registry = discover()
        for failure in registry.failures:
            print(f"plugin {failure.entry_point} is not loaded: {failure.reason}", file=sys.stderr)
        self._providers = {kind.value: registry.names(kind) for kind in KINDS} if providers else {}
        self._script_check = _script_check(registry)

    def run(self, paths: Sequence[Path]) -> int:
        """Check these paths and print; the exit status."""
        files = [file for path in paths for file in _files(path)]
        errors = warnings = 0
        for file in files:
            for problem in self._problems(file):
                print(problem)
                errors += problem.severity is Severity.ERROR
                warnings += problem.severity is Severity.WARNING
        tests = sum(map(_is_test, files))
        print(_summary(len(files) - tests, tests, errors, warnings))
        return 1 if errors or not files else 0

    def _problems(self, file: Path) -> Iterator[Problem]:
        if not _is_test(file):
            environ = environment(os.environ, Path(".env"))
            yield from check(file, providers=self._providers, environ=environ, script_check=self._script_check)
            return
        try:
            read_scenarios(file)
        except PlaybookError as error:
            yield from error.problems


def _draw(path: Path, *, as_svg: bool) -> int:
    from active_call.playbook.drawing import svg
    from active_call.playbook.graph import graph, mermaid

    try:
        drawn = graph(load_file(path, environ=environment(os.environ, Path(".env"))))
    except PlaybookError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return 1
    print(svg(drawn) if as_svg else mermaid(drawn), end="")
    return 0


def _schema() -> int:
    from active_call.playbook.schema import json_schema

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0


def _script_check(registry: Registry) -> ScriptCheck | None:
    """The `validate_script` beside the factory of a brain that goes by rules, if there is one."""
    for offer in registry.offers(Kind.LLM):
        module = inspect.getmodule(offer.load()) if offer.traits.rules else None
        found: ScriptCheck | None = getattr(module, "validate_script", None)
        if found:
            return found
    return None


def _files(path: Path) -> list[Path]:
    """A folder stands for the playbooks and tests in it; other Markdown, which has no front matter, is left alone."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*.md") if file.is_file() and (_is_test(file) or _has_front_matter(file)))


def _is_test(file: Path) -> bool:
    return file.name.endswith(SUFFIX)


def _has_front_matter(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"---")


def _summary(files: int, tests: int, errors: int, warnings: int) -> str:
    parts = [
        *([_count(files, "playbook")] if files or not tests else []),
        *([_count(tests, "test file")] * bool(tests)),
    ]
    checked = " and ".join(parts)
    if not files and not tests:
        return "no playbooks found"
    if not errors and not warnings:
        return f"{checked} checked, nothing to mend"
    return f"{checked} checked: {_count(errors, 'error')}, {_count(warnings, 'warning')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
