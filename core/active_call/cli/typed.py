"""The typed conversation of `chat`: a mouth that prints, and hears everything at once."""

import asyncio
import sys
import uuid

from active_call.dialogue.agent import Agent, Reason
from active_call.dialogue.reply import Reply
from active_call.playbook.acts import Act, Goto, Hangup, Malformed
from active_call.plugin.errors import ProviderError
from active_call.plugin.providers import BrainSession
from active_call.providers.stream import read


class Conversation:
    """Implements `Mouth`: what is said is printed and thereby heard, so an act is due when it is written."""

    def __init__(self, agent: Agent, session: BrainSession, name: str) -> None:
        self._agent = agent
        self._session = session
        self._name = name
        self._over = False
        self._at_line_start = True

    async def run(self) -> int:
        """Until the agent hangs up or the input ends; the exit status."""
        greeting = self._agent.greeting
        if greeting and greeting.strip():
            self._agent.says("greeting", greeting)
            self.say("greeting", greeting)
            self.finish("greeting")
        else:
            await self._ask("start")
        while not self._over:
            print("> ", end="", flush=True)
            line = await asyncio.to_thread(sys.stdin.readline)
            if not line:
                print()
                return 0
            if line.strip():
                self._agent.caller_said(line.strip())
                await self._ask("user")
        return 0

    async def _ask(self, reason: Reason) -> None:
        reply = Reply(str(uuid.uuid4()), self._agent, self, on_speech=lambda: None, on_malformed=self._malformed)
        try:
            await read(
                self._session.reply(self._agent.request(reason)),
                reply.take,
                what=f"LLM {self._name}",
                first_ms=60_000,
                idle_ms=60_000,
            )
        except ProviderError as error:
            reply.abandon()
            print(f"(error in {self._name}: {error})", file=sys.stderr)
            self.say("apology", self._agent.apology)
            self.finish("apology")
            return
        reply.close()

    # ------------------------------------------------------------ Mouth

    def begin(self, utterance_id: str) -> None:
        self._at_line_start = True

    def say(self, utterance_id: str, text: str) -> None:
        if not self._over:
            print(text.lstrip() if self._at_line_start else text, end="", flush=True)
            self._at_line_start = False

    def act(self, utterance_id: str, act: Act) -> None:
        match act:
            case Hangup():
                self._over = True
                print("\n(the agent hangs up)", end="")
            case Goto(scene):
                known = self._agent.goto(scene)
                print(f"\n({'scene' if known else 'there is no scene'}: {scene})")
                self._at_line_start = True
            case _:
                print(f"\n({act})")
                self._at_line_start = True

    def finish(self, utterance_id: str) -> None:
        print(flush=True)
        self._at_line_start = True

    def _malformed(self, tag: Malformed) -> None:
        print(f"\n(a tag was left out: {tag.problem})", file=sys.stderr)
