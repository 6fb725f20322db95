"""The agent in its call: what it is told of the caller's turns and keys, and what it says of its own accord."""

from collections.abc import Callable

from active_call.dialogue.agent import Agent, Reason
from active_call.playbook.acts import Act, Collect, Goto, Hangup
from active_call.turns import events as on
from active_call.turns.heard import Heard

from .contained import contained
from .follow_up import FollowUp
from .keys import Keys
from .reports import Reports
from .speaker import Speaker

GAVE_UP = Hangup(reason="Max follow-up reached")
"""The reference's words."""


class Conversation:
    """Owned by a pipeline that has an agent. `step` feeds the turn table, `ask` asks the brain, `silence` stops all."""

    def __init__(
        self,
        agent: Agent,
        speaker: Speaker,
        reports: Reports,
        *,
        now_ms: Callable[[], int],
        step: Callable[[on.Event], None],
        ask: Callable[[Reason], None],
        silence: Callable[[], None],
    ) -> None:
        self.reports = reports
        self._agent = agent
        self._speaker = speaker
        self._step = step
        self._ask = ask
        self._silence = silence
        self._ignored_turn = ""
        """The newest turn that was not for the brain."""
        self._follow_up = FollowUp(agent, ask=self._ask_silent_caller, give_up=self._give_up)
        self._keys = Keys(
            agent,
            reports,
            now_ms=now_ms,
            say=self._prompt,
            stop=self._stop_prompt,
            ask=lambda: self._speak_up("dtmf"),
            act=self._key_means,
        )

    def close(self) -> None:
        """The call ends: nothing is asked any more, and what is being collected has no result."""
        self._follow_up.stop()
        self._keys.close()

    # ------------------------------------------------------------ of its own accord

    def greet(self) -> None:
        greeting = self._agent.greeting
        if greeting and greeting.strip():
            self.reports.history("assistant", greeting, "system")
            self._step(on.AgentBegins())
            self._play_scene()
            # One with the caller's name in it is nobody else's.
            self._line(greeting, kept=greeting == self._agent.playbook.greeting)
        else:
            self._step(on.AgentBegins(complete=False))
            self._play_scene()
            self._ask("start")

    def apologise(self) -> None:
        self._line(self._agent.apology)

    def idle(self) -> None:
        """Nobody speaks and nobody has to."""
        if not self._keys.collecting.active:
            self._follow_up.start()

    def busy(self) -> None:
        self._follow_up.stop()

    @contained
    def _ask_silent_caller(self) -> None:
        self._speak_up("follow-up")

    @contained
    def _give_up(self) -> None:
        self.reports.act(GAVE_UP)

    def _speak_up(self, reason: Reason) -> None:
        self._step(on.AgentBegins(complete=False))
        self._ask(reason)

    def _line(self, text: str, *, kept: bool = False) -> str:
        utterance_id = self._speaker.line(text, kept=kept)
        self._agent.says(utterance_id, text)
        return utterance_id

    def _play_scene(self) -> None:
        if self._agent.scene.play:
            self._speaker.recording(self._agent.scene.play)

    # ------------------------------------------------------------ the caller's turn

    def caller_began(self) -> None:
        self._keys.collecting.caller_began()

    def caller_said_nothing(self) -> None:
        self._keys.collecting.caller_said_nothing()

    def caller_said(self, turn_id: str, text: str) -> None:
        """The brain is asked for the answer, unless the caller was to press keys."""
        self._follow_up.answered()
        if self._keys.collecting.caller_said(text):
            self._ignored_turn = ""
            self._agent.caller_said(text)
            self._ask("user")
        else:
            self._ignored_turn = turn_id
            self._step(on.ReplyDone())

    def take_back(self, turn_id: str) -> None:
        if turn_id != self._ignored_turn:
            self._agent.take_back()

    def amend(self, turn_id: str, text: str) -> None:
        if turn_id != self._ignored_turn:
            self._agent.amend(text)

    def heard(self, ledger: list[Heard]) -> None:
        """Of these utterances so much was heard, and no more will be."""
        for heard in ledger:
            self._agent.heard(heard)
        for heard in ledger:
            self._keys.collecting.over(heard.utterance_id)

    # ------------------------------------------------------------ keys

    def pressed(self, digit: str) -> None:
        self._follow_up.answered()
        self._keys.pressed(digit)

    def collect(self, act: Collect) -> None:
        self._keys.collecting.begin(act)

    def _key_means(self, act: Act) -> None:
        if not isinstance(act, Goto):
            self.reports.act(act)
        elif self.goto(act.scene):
            # The caller chose it: what is being said ends, the scene's recording is played, the brain is asked.
            self._silence()
            self._step(on.AgentBegins(complete=False))
            self._play_scene()
            self._ask("dtmf")

    def _prompt(self, text: str, interruptible: bool) -> str:
        self._step(on.AgentBegins(interruptible=interruptible))
        return self._line(text)

    def _stop_prompt(self, utterance_id: str) -> None:
        self.heard(self._speaker.cut(only=utterance_id))
        if not self._speaker.speaking:
            self._step(on.PlaybackHeard())

    def goto(self, scene: str) -> bool:
        """Go on in that scene; whether there is one of that name."""
        if not self._agent.goto(scene):
            self.reports.error("playbook", f"there is no scene {scene!r}; the conversation stays where it is")
            return False
        self._keys.collecting.drop()
        self._step(on.SceneChanged())
        return True
