"""A call in text: the dialogue and the brain are real, there is no media. `chat` and playbook tests hold such calls."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Protocol

from active_call.dialogue.agent import Agent, Reason
from active_call.dialogue.collecting import Collecting
from active_call.dialogue.reply import Reply
from active_call.playbook.acts import Act, Collect, Goto, Hangup, Malformed, PlayFile
from active_call.playbook.model import Playbook
from active_call.plugin.discovery import discover
from active_call.plugin.errors import ProviderError
from active_call.plugin.providers import BrainSession
from active_call.plugin.registry import Kind, Registry
from active_call.protocol.ids import new_session_id
from active_call.providers.choice import brain
from active_call.providers.host import CoreHost
from active_call.providers.pool import ProviderPool
from active_call.providers.stream import read
from active_call.store.models import ModelStore, default_root

PATIENCE_MS = 60_000
"""How long a brain may take to begin, and between two pieces."""


class Audience(Protocol):
    """Whoever watches the agent; plain calls, in order."""

    def begins(self) -> None: ...
    def says(self, text: str) -> None: ...
    def does(self, act: Act) -> None: ...
    def ends(self) -> None: ...
    def trouble(self, text: str) -> None:
        """Something did not work: a tag that is none, a key without meaning, a brain that failed."""
        ...

    def failed(self, text: str) -> None:
        """The brain had no answer; the apology follows."""
        ...


class TextCall:
    """What is said is heard at once, so an act is due when it is written. Time passes in `wait` alone."""

    def __init__(self, agent: Agent, session: BrainSession, brain: str, why: str, audience: Audience) -> None:
        self.agent = agent
        self.brain = brain
        """The provider's name."""
        self.why = why
        """Why it was chosen."""
        self.over = False
        """The agent has hung up."""
        self._session = session
        self._audience = audience
        self._now_ms = 0
        self._collect: Collect | None = None
        self._asked_about_keys = False
        self._collecting = Collecting(
            agent,
            now_ms=lambda: self._now_ms,
            say=self._prompt,
            stop=lambda utterance_id: None,
            ask=self._keys_are_pressed,
            report=audience.trouble,
        )
        self._mouth = _Mouth(self, audience)
        self._silent_ms = 0
        self._unanswered = 0

    # ------------------------------------------------------------ what the caller does

    async def begin(self) -> None:
        """The call is answered: the agent greets, or its brain is asked to begin."""
        self._enter()
        greeting = self.agent.greeting
        if greeting and greeting.strip():
            self._line("greeting", greeting)
        else:
            await self._ask("start")

    async def say(self, text: str) -> None:
        self._caller_acts()
        self._collecting.caller_began()
        if self._collecting.caller_said(text):
            self.agent.caller_said(text)
            await self._ask("user")
        else:
            self._audience.trouble("a number is being collected: what is said is ignored")

    async def press(self, key: str) -> None:
        """One key of the telephone; those of the scene count before those of the playbook."""
        self._caller_acts()
        if self._collecting.press(key):
            await self._answer_keys()
            return
        act = self.agent.key(key)
        if act is None:
            self._audience.trouble(f"key {key} does nothing in scene {self.agent.scene.id}")
            return
        self.carry_out(act)
        if isinstance(act, Goto) and self.agent.scene.id == act.scene:
            self._enter()
            await self._ask("dtmf")

    async def wait(self, ms: int) -> None:
        """Nobody says anything for so long: the agent follows up by its playbook, and in the end hangs up."""
        while not self.over and (due_ms := self._collecting.deadline_ms) is not None:
            if due_ms > self._now_ms + ms:
                self._now_ms += ms
                return
            ms -= max(0, due_ms - self._now_ms)
            self._now_ms = max(due_ms, self._now_ms)
            self._collecting.tick()
            await self._answer_keys()
        self._now_ms += ms
        rules = self.agent.follow_up
        while not self.over and rules is not None and ms >= rules.timeout - self._silent_ms:
            ms -= rules.timeout - self._silent_ms
            self._silent_ms = 0
            if self._unanswered >= rules.max_count:
                self.carry_out(Hangup("Max follow-up reached"))
                return
            self._unanswered += 1
            await self._ask("follow-up")
            rules = self.agent.follow_up
        self._silent_ms += ms

    def _caller_acts(self) -> None:
        self._silent_ms = self._unanswered = 0

    # ------------------------------------------------------------ the agent

    def carry_out(self, act: Act) -> None:
        """An act that is due. Nothing happens any more once the agent has hung up."""
        if self.over:
            return
        if isinstance(act, Goto) and not self.agent.goto(act.scene):
            self._audience.trouble(f"there is no scene {act.scene!r}")
            return
        self.over = isinstance(act, Hangup)
        if self.over or isinstance(act, Goto):
            self._collecting.drop()
        self._audience.does(act)
        if isinstance(act, Collect):
            self._collect = act  # due when the reply has been said

    async def _ask(self, reason: Reason) -> None:
        reply = Reply(str(uuid.uuid4()), self.agent, self._mouth, on_speech=lambda: None, on_malformed=self._malformed)
        try:
            await read(
                self._session.reply(self.agent.request(reason)),
                reply.take,
                what=f"LLM {self.brain}",
                first_ms=PATIENCE_MS,
                idle_ms=PATIENCE_MS,
            )
        except ProviderError as error:
            reply.abandon()
            self._audience.failed(f"error in {self.brain}: {error}")
            self._line("apology", self.agent.apology)
            return
        reply.close()
        act, self._collect = self._collect, None
        if act is not None and not self.over:
            self._collecting.begin(act)
            await self._answer_keys()

    def _keys_are_pressed(self) -> None:
        self._asked_about_keys = True

    async def _answer_keys(self) -> None:
        """The collector is done, and the brain answers."""
        asked, self._asked_about_keys = self._asked_about_keys, False
        if asked and not self.over:
            await self._ask("dtmf")

    def _prompt(self, text: str, interruptible: bool) -> None:
        """What a collector says is heard at once, like everything."""
        self._line(str(uuid.uuid4()), text)

    def _line(self, name: str, text: str) -> None:
        """A line of the agent's own, not the brain's."""
        self.agent.says(name, text)
        self._audience.begins()
        self._audience.says(text)
        self._audience.ends()

    def _enter(self) -> None:
        if self.agent.scene.play:
            self._audience.does(PlayFile(self.agent.scene.play))

    def _malformed(self, tag: Malformed) -> None:
        self._audience.trouble(f"{tag.text} was left out: {tag.problem}")


class _Mouth:
    """A `Mouth` whose words are heard when they are said."""

    def __init__(self, call: TextCall, audience: Audience) -> None:
        self._call = call
        self._audience = audience

    def begin(self, utterance_id: str) -> None:
        self._audience.begins()

    def say(self, utterance_id: str, text: str, *, emotion: str | None = None) -> None:
        self._audience.says(text)

    def act(self, utterance_id: str, act: Act) -> None:
        self._call.carry_out(act)

    def finish(self, utterance_id: str) -> None:
        self._audience.ends()


class TextCalls:
    """What text calls share: the registry and the opened brains."""

    def __init__(self, pool: ProviderPool, environ: Mapping[str, str]) -> None:
        self._pool = pool
        self._environ = environ

    @asynccontextmanager
    async def hold(
        self,
        playbook: Playbook,
        audience: Audience,
        *,
        variables: Mapping[str, str] | None = None,
        brain_name: str | None = None,
    ) -> AsyncIterator[TextCall]:
        """A call that has not begun. `brain_name` overrules the playbook. Raises `ProviderError` and `PluginError`."""
        built_in = {"session_id": new_session_id(), "call_type": "text", "caller": "", "callee": ""}
        built_in["start_time"] = datetime.now(UTC).isoformat(timespec="milliseconds")
        known = {**(playbook.config.extra or {}), **built_in, **(variables or {})}
        agent = Agent(playbook, known, report=audience.trouble)
        options = agent.llm_options
        named = brain_name or (playbook.config.llm.provider if playbook.config.llm else None)
        name, why = brain(self._pool.registry, named, options.base_url, self._environ)
        provider = await self._pool.open(Kind.LLM, name)
        async with provider.session(options) as session:
            yield TextCall(agent, session, name, why, audience)


@asynccontextmanager
async def text_calls(environ: Mapping[str, str], registry: Registry | None = None) -> AsyncIterator[TextCalls]:
    """Whoever holds text calls; providers are closed at the end."""
    registry = registry or discover()
    host = CoreHost(ModelStore(default_root(environ), registry.models), environ=environ)
    try:
        async with ProviderPool(registry, host) as pool:
            yield TextCalls(pool, environ)
    finally:
        await host.aclose()
