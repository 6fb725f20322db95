"""`active-call test`: runs playbook tests, in text or with `--voice` over real audio."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from active_call.playbook.scenario import SUFFIX, Scenario

if TYPE_CHECKING:
    from active_call.testing.scenarios import Result

DESCRIPTION = """Run playbook tests: what callers say and what the agent must say or do, in NAME.test.md beside NAME.md.

Tests are typed conversations unless --voice is given. A playbook that has a `script` and names no `llm.provider` is
tested by its script, whatever keys are set.
"""


def main(args: list[str]) -> int:
    """A line per test, an explanation of each failure; returns 1 if a test failed or there is none."""
    parser = argparse.ArgumentParser(
        prog="active-call test", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "paths", metavar="PATH", nargs="+", type=Path, help=f"a *{SUFFIX}, the playbook beside it, or a folder"
    )
    parser.add_argument("--only", metavar="TEXT", default="", help="tests whose name has this text")
    parser.add_argument("--llm", metavar="NAME", help="who thinks, instead of the playbook's llm.provider")
    parser.add_argument("--voice", action="store_true", help="hold spoken calls: recogniser and voice take part")
    parser.add_argument("--out", metavar="DIR", type=Path, help="with --voice: keep a recording of each test here")
    parser.add_argument("--models-dir", metavar="DIR", type=Path, help="with --voice: where model weights are")
    parser.add_argument("--verbose", action="store_true", help="show what was said in tests that passed, and the log")
    options = parser.parse_args(args)
    if options.voice and options.llm:
        parser.error("--llm is for tests in text; with --voice the playbook decides")
    logging.basicConfig(level=logging.INFO if options.verbose else logging.ERROR, format="%(levelname)s %(message)s")
    return asyncio.run(_run(options))


async def _run(options: argparse.Namespace) -> int:
    from active_call.playbook.problems import PlaybookError
    from active_call.plugin.errors import PluginError, ProviderError
    from active_call.store.errors import ModelError
    from active_call.testing.scenarios import find_files, summary

    results: list[Result] = []
    broken = 0
    for file in (file for path in options.paths for file in find_files(path)):
        print(file)
        try:
            async for result in _results(options, file, lambda one: options.only.lower() in one.name.lower()):
                results.append(result)
                _print(result, options.verbose)
        except PlaybookError as error:
            broken += 1
            for problem in error.problems:
                print(f"  {problem}")
        except (ModelError, PluginError, ProviderError, OSError) as error:
            broken += 1
            print(f"  {error}")
    print(summary(results) + (f", {broken} file{'' if broken == 1 else 's'} could not be run" if broken else ""))
    return 0 if results and not broken and all(result.failure is None for result in results) else 1


def _results(options: argparse.Namespace, file: Path, chosen: Callable[[Scenario], bool]) -> "AsyncIterator[Result]":
    from active_call.config.sources import environment

    environ = environment(os.environ, Path(".env"))
    if options.voice:
        from active_call.cli.rehearsal import speak_file

        return speak_file(file, environ=environ, chosen=chosen, out=options.out, models_dir=options.models_dir)
    from active_call.testing.scenarios import run_file

    return run_file(file, environ=environ, brain=options.llm, chosen=chosen)


def _print(result: "Result", verbose: bool) -> None:
    word = "skip" if result.skipped else "ok" if result.passed else "FAIL"
    print(f"  {word:4}  {result.scenario.name}{f': {result.skipped}' if result.skipped else ''}", flush=True)
    for note in result.notes:
        print(f"        ({note})")
    lines = result.explain().splitlines()
    if verbose and result.passed:
        lines = [f"{who:7} {text}" for who, text in result.transcript]
    for line in lines:
        print(f"        {line}")
    sys.stdout.flush()
