"""Any OpenAI-compatible chat endpoint as a brain: OpenAI, Ollama, vLLM, llama-server, a gateway.

See `docs/how-to/use-a-language-model.md`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from active_call.plugin.host import Host
from active_call.plugin.providers import Settings

from .brain import OpenAiChatBrain, OpenAiChatSession

__all__ = ["OpenAiChatBrain", "OpenAiChatSession", "open_brain"]


@asynccontextmanager
async def open_brain(host: Host, settings: Settings) -> AsyncIterator[OpenAiChatBrain]:
    yield OpenAiChatBrain(host)
