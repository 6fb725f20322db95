"""Asks the brain and carries its answer to the mouth; one reply at a time, cancelled as a whole."""

import asyncio
import time
import uuid
from collections.abc import Callable

from active_call.dialogue.agent import Agent, Reason
from active_call.dialogue.mouth import Mouth
from active_call.dialogue.reply import Reply
from active_call.playbook.acts import Malformed
from active_call.plugin.errors import ProviderError
from active_call.plugin.providers import BrainSession
from active_call.plugin.values import Reasoning, Text, ToolCall, Usage
from active_call.providers.stream import read

from .reports import Reports, Task

FIRST_TEXT_MS = 30_000
NEXT_TEXT_MS = 30_000
RETRY_S = 0.5


class Thinker:
    """Owned by a pipeline. `on_text`, `on_speech`, `on_done` and `on_failed` are plain calls."""

    def __init__(
        self,
        session: BrainSession,
        agent: Agent,
        mouth: Mouth,
        reports: Reports,
        *,
        name: str,
        on_text: Callable[[], None],
        on_speech: Callable[[], None],
        on_done: Callable[[bool], None],
        on_failed: Callable[[], None],
    ) -> None:
        self._session = session
        self._agent = agent
        self._mouth = mouth
        self._reports = reports
        self._name = name
        self._on_text = on_text
        self._on_speech = on_speech
        self._on_done = on_done
        self._on_failed = on_failed
        self._task: Task | None = None
        self.reply: Reply | None = None

    def ask(self, reason: Reason) -> str:
        """Ask for a reply; its utterance id comes back at once, its words go to the mouth."""
        self.cancel()
        reply = self.reply = Reply(
            str(uuid.uuid4()),
            self._agent,
            self._mouth,
            on_speech=self._on_speech,
            on_malformed=self._malformed,
        )
        self._task = self._reports.spawn(f"llm {self._name}", self._think(reply, reason))
        return reply.utterance_id

    def cancel(self) -> Reply | None:
        """Stop the brain; the reply that was under way, if any."""
        task, self._task = self._task, None
        reply, self.reply = self.reply, None
        if task is None or task.done() or reply is None:
            return None
        task.cancel()
        reply.abandon()
        return reply

    async def _think(self, reply: Reply, reason: Reason) -> None:
        request = self._agent.request(reason)
        began = time.monotonic()
        first: float | None = None
        self._reports.metrics(
            "llm_call_start", 0, {"history_length": len(request.messages), "playId": reply.utterance_id}
        )

        def take(item: Text | Reasoning | ToolCall | Usage) -> None:
            nonlocal first
            if first is None and isinstance(item, Text) and item.text:
                first = time.monotonic()
                self._on_text()
            reply.take(item)

        for again in (False, True):
            try:
                await read(
                    self._session.reply(request),
                    take,
                    what=f"LLM {self._name}",
                    first_ms=FIRST_TEXT_MS,
                    idle_ms=NEXT_TEXT_MS,
                )
                break
            except ProviderError as error:
                if again or reply.raw or not error.kind.retryable:
                    self._reports.error("llm", f"{self._name}: {error}", 500)
                    reply.abandon()
                    self._on_failed()
                    return
                await asyncio.sleep(min(error.retry_after_s or RETRY_S, 2.0))
        reply.close()
        if reply.raw.strip():
            self._reports.history("assistant", reply.raw, "llm")
        took = round((time.monotonic() - began) * 1000)
        data = {
            "response": reply.raw,
            "reasoning": reply.reasoning,
            "is_json_mode": False,
            "duration": took,
            "ttfb": round(((first or began) - began) * 1000),
            "playId": reply.utterance_id,
        }
        self._reports.metrics("llm_response", 0, data)
        self._on_done(reply.begun)

    def _malformed(self, tag: Malformed) -> None:
        self._reports.error("playbook", f"a tag in the reply was left out: {tag.problem}")
