"""The scripted brain: deterministic rules from the playbook's `script`, not a language model.

It needs no network, no key and no model, and writes the tags that a language model would write, so everything behind it
is the same. See `docs/reference/scripted-brain.md`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from active_call.plugin.host import Host
from active_call.plugin.providers import Settings

from .brain import ScriptedBrain, ScriptedSession
from .reading import ScriptError, read_script, validate_script

__all__ = ["ScriptError", "ScriptedBrain", "ScriptedSession", "open_brain", "read_script", "validate_script"]


@asynccontextmanager
async def open_brain(host: Host, settings: Settings) -> AsyncIterator[ScriptedBrain]:
    host.log.info("scripted brain: rules, not a language model")
    yield ScriptedBrain(host.run)
