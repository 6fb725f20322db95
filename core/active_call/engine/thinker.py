"""Asks the brain and carries its answer to the mouth; one reply at a time, cancelled as a whole."""

import asyncio
import time
import uuid
from collections.abc import Callable

from active_call.dialogue.agent import Agent, Reason
from active_call.dialogue.mouth import Mouth
from active_call.dialogue.reply import Reply
from active_call.playbook.acts import Malformed
from active_call.plugin.errors import ErrorKind, ProviderError
from active_call.plugin.providers import BrainSession
from active_call.plugin.values import Reasoning, Text, ToolCall, Usage
from active_call.providers.errors import classify
from active_call.providers.stream import read
from active_call.providers.trust import Trust, act_for

from .reports import Reports, Task

FIRST_TEXT_MS = 30_000
"""A large model on a small machine may need it; whoever has waited so long is spared a second try."""
NEXT_TEXT_MS = 30_000
RETRY_S = 0.5
MAY_BE_SILENT = frozenset({"start", "follow-up"})
"""Where an empty reply is no failure: nobody waits for an answer."""


class Thinker:
    """Owned by a pipeline. `on_text`, `on_speech`, `on_done(spoke)` and `on_failed` are plain calls.

    It may be asked before its session is there (`ready`, `unavailable`): the question waits.
    """

    def __init__(
        self,
        agent: Agent,
        mouth: Mouth,
        reports: Reports,
        *,
        name: str,
        trust: Trust,
        on_text: Callable[[], None],
        on_speech: Callable[[], None],
        on_done: Callable[[bool], None],
        on_failed: Callable[[], None],
    ) -> None:
        self.name = name
        self._trust = trust
        self._agent = agent
        self._mouth = mouth
        self._reports = reports
        self._on_text = on_text
        self._on_speech = on_speech
        self._on_done = on_done
        self._on_failed = on_failed
        self._session: BrainSession | None = None
        self._settled = asyncio.Event()
        self._task: Task | None = None
        self._reply: Reply | None = None

    def ready(self, session: BrainSession) -> None:
        self._session = session
        self._settled.set()

    def unavailable(self) -> None:
        """There is no brain; every question fails."""
        self._settled.set()

    def ask(self, reason: Reason) -> str:
        """Ask for a reply; its utterance id comes back at once, its words go to the mouth."""
        self.cancel()
        reply = self._reply = self._new_reply(str(uuid.uuid4()))
        self._task = self._reports.spawn(f"llm {self.name}", self._think(reply, reason))
        return reply.utterance_id

    def cancel(self) -> Reply | None:
        """Stop the brain; the reply that was under way, if any."""
        task, self._task = self._task, None
        reply, self._reply = self._reply, None
        if task is None or task.done() or reply is None:
            return None
        task.cancel()
        reply.abandon()
        return reply

    def _new_reply(self, utterance_id: str) -> Reply:
        return Reply(utterance_id, self._agent, self._mouth, on_speech=self._on_speech, on_malformed=self._malformed)

    # ------------------------------------------------------------ one answer

    async def _think(self, reply: Reply, reason: Reason) -> None:
        act_for(self._trust)
        await self._settled.wait()
        problem = None
        for again in (False, True):
            problem = await self._try(reply, reason)
            if problem is None:
                reply.close()
                self._report(reply)
                if reply.begun or (reason in MAY_BE_SILENT and reply.unreadable is None):
                    self._on_done(reply.begun)
                    return
                # The caller waits for an answer and this is none.
                if not again:
                    reply = self._reply = self._new_reply(reply.utterance_id)
            elif again or reply.raw or not problem.kind.retryable or problem.kind is ErrorKind.TIMEOUT:
                break
            else:
                await asyncio.sleep(min(problem.retry_after_s or RETRY_S, 2.0))
        if self._session is not None:  # else that was said when it could not be opened
            self._reports.error("llm", f"{self.name}: {problem or 'the reply was empty, twice'}", 500)
        reply.abandon()
        self._on_failed()

    async def _try(self, reply: Reply, reason: Reason) -> ProviderError | None:
        """Ask once; what went wrong."""
        if self._session is None:
            return ProviderError(ErrorKind.BAD_REQUEST, "not available")
        request = self._agent.request(reason)
        data = {"history_length": len(request.messages), "playId": reply.utterance_id}
        self._reports.metrics("llm_call_start", 0, data)
        reply.asked_s = time.monotonic()

        def take(item: Text | Reasoning | ToolCall | Usage) -> None:
            if reply.first_text_s is None and isinstance(item, Text) and item.text:
                reply.first_text_s = time.monotonic()
                self._on_text()
            reply.take(item)

        try:
            await read(
                self._session.reply(request),
                take,
                what=f"LLM {self.name}",
                first_ms=FIRST_TEXT_MS,
                idle_ms=NEXT_TEXT_MS,
            )
        except Exception as error:  # a brain can raise anything
            return classify(error)
        return None

    def _report(self, reply: Reply) -> None:
        now_s = time.monotonic()
        first_s = now_s if reply.first_text_s is None else reply.first_text_s
        if reply.unreadable is not None:
            self._reports.error("llm", f"{self.name}: {reply.unreadable}")
        elif reply.raw.strip():
            self._reports.history("assistant", reply.raw, "llm")
        data = {
            "response": reply.raw,
            "reasoning": reply.reasoning,
            "is_json_mode": reply.is_json,
            "duration": round((now_s - reply.asked_s) * 1000),
            "ttfb": round((first_s - reply.asked_s) * 1000),
            "playId": reply.utterance_id,
        }
        self._reports.metrics("llm_response", 0, data)

    def _malformed(self, tag: Malformed) -> None:
        self._reports.error("playbook", f"a tag in the reply was left out: {tag.problem}")
