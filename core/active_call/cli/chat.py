"""`active-call chat`: type with a playbook's agent. The whole dialogue runs, with no media at all."""

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="active-call chat",
        description="Type with a playbook's agent; one line is one turn, end of input hangs up.",
    )
    parser.add_argument("playbook", metavar="PLAYBOOK", type=Path, help="a Markdown file")
    parser.add_argument("--verbose", action="store_true", help="show the log too")
    return parser


def main(args: list[str]) -> int:
    options = parser().parse_args(args)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.ERROR, format="%(levelname)s %(message)s")
    if not options.playbook.is_file():
        print(f"active-call chat: there is no playbook {options.playbook}", file=sys.stderr)
        return 2
    return asyncio.run(_chat(options.playbook))


async def _chat(path: Path) -> int:
    from active_call.config.sources import environment
    from active_call.playbook.load import load_file
    from active_call.playbook.problems import PlaybookError
    from active_call.plugin.errors import PluginError, ProviderError
    from active_call.testing.text_call import text_calls

    from .typed import Screen, converse

    environ = environment(os.environ, Path(".env"))
    try:
        playbook = load_file(path, environ=environ)
        async with text_calls(environ) as calls, calls.hold(playbook, Screen()) as call:
            print(f"({call.brain}: {call.why})", file=sys.stderr)
            return await converse(call)
    except (PlaybookError, PluginError, ProviderError) as error:
        print(f"active-call chat: {error}", file=sys.stderr)
        return 1
