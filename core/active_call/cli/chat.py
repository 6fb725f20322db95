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
    from active_call.dialogue.agent import Agent
    from active_call.playbook.load import load_file
    from active_call.playbook.problems import PlaybookError
    from active_call.plugin.discovery import discover
    from active_call.plugin.errors import PluginError, ProviderError
    from active_call.plugin.registry import Kind
    from active_call.protocol.ids import new_session_id
    from active_call.providers.choice import brain
    from active_call.providers.host import CoreHost
    from active_call.providers.pool import ProviderPool
    from active_call.store.models import ModelStore, default_root

    from .typed import Conversation

    environ = environment(os.environ, Path(".env"))
    try:
        playbook = load_file(path, environ=environ)
        agent = Agent(playbook, {"session_id": new_session_id(), "call_type": "text", "caller": "", "callee": ""})
        registry = discover()
        options = agent.llm_options
        named = playbook.config.llm.provider if playbook.config.llm else None
        name, why = brain(registry, named, options.base_url, environ)
        print(f"({name}: {why})", file=sys.stderr)
        host = CoreHost(ModelStore(default_root(environ), registry.models), environ=environ)
        try:
            async with ProviderPool(registry, host) as pool:
                provider = await pool.open(Kind.LLM, name)
                async with provider.session(options) as session:
                    return await Conversation(agent, session, name).run()
        finally:
            await host.aclose()
    except (PlaybookError, PluginError, ProviderError) as error:
        print(f"active-call chat: {error}", file=sys.stderr)
        return 1
