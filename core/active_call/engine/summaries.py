"""Summaries of long calls while they run (feature `rolling_summary`): asked for in the background, on a session of
their own, so that no reply waits for one.
"""

from active_call.dialogue.agent import Agent
from active_call.plugin.errors import ProviderError
from active_call.plugin.registry import Kind
from active_call.plugin.values import LlmOptions, Reasoning, ReplyRequest, Text, ToolCall, Usage
from active_call.providers.pool import ProviderPool
from active_call.providers.stream import read
from active_call.providers.trust import Trust, act_for

from .reports import Reports

FIRST_TEXT_MS = 60_000
"""Nobody waits for it."""
NEXT_TEXT_MS = 30_000


class Summaries:
    """Owned by a pipeline; `look` is a plain call."""

    def __init__(
        self, agent: Agent, pool: ProviderPool, reports: Reports, *, name: str, options: LlmOptions, trust: Trust
    ) -> None:
        self._agent = agent
        self._pool = pool
        self._reports = reports
        self._name = name
        self._options = options
        self._trust = trust

    def look(self) -> None:
        """Begin to summarise what is old, if there is enough of it."""
        request = self._agent.summary_due()
        if request is not None:
            self._reports.spawn("summary", self._make(request))

    async def _make(self, request: ReplyRequest) -> None:
        act_for(self._trust)
        pieces: list[str] = []

        def take(item: Text | Reasoning | ToolCall | Usage) -> None:
            if isinstance(item, Text):
                pieces.append(item.text)

        text = ""
        try:
            brain = await self._pool.open(Kind.LLM, self._name)
            async with brain.session(self._options) as session:
                await read(
                    session.reply(request),
                    take,
                    what=f"LLM {self._name}",
                    first_ms=FIRST_TEXT_MS,
                    idle_ms=NEXT_TEXT_MS,
                )
            text = "".join(pieces)
        except ProviderError as error:
            self._reports.error("llm", f"{self._name}: the call was not summarised: {error}")
        finally:
            # Without a text nothing changes, and it is tried again later.
            self._agent.summarised(text)
