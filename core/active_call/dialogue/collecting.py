"""The collector of a call: runs one `Collector` at a time and carries out what it wants. No timer: its owner has one.

`docs/reference/collectors.md` says what an author sees of it.
"""

from collections.abc import Callable

from active_call.playbook.acts import Collect
from active_call.playbook.render import render

from .agent import Agent
from .collector import Collector, unknown_collector
from .keypad import (
    Ask,
    Begun,
    CallerBegan,
    CallerSaid,
    CallerSaidNothing,
    Dropped,
    Effect,
    Event,
    Note,
    PassOn,
    Pressed,
    PromptOver,
    Say,
    SetVariable,
    StopPrompt,
    Tick,
)


class Collecting:
    """One per call. Its owner sends `tick` at `deadline_ms`, which changes with everything that happens here."""

    def __init__(
        self,
        agent: Agent,
        *,
        now_ms: Callable[[], int],
        say: Callable[[str, bool], str | None],
        stop: Callable[[str], None],
        ask: Callable[[], None],
        report: Callable[[str], None],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`say(text, interruptible)` gives the id of the utterance, whose end or cut comes back as `over`; None: it was
        heard at once. `stop` cuts it. `ask` asks the brain, `report` tells the author. `changed`: there may be another
        `deadline_ms`.
        """
        self._agent = agent
        self._now_ms = now_ms
        self._say = say
        self._stop = stop
        self._ask = ask
        self._report = report
        self._changed = changed
        self._collector: Collector | None = None
        self._prompt: tuple[str, int] | None = None
        """The utterance that is the prompt, and of which attempt."""
        self._in_vain = False
        """The brain was told that there is no such collector, and nobody has said or pressed anything since."""

    @property
    def active(self) -> bool:
        """Whether the keys belong to a collector now."""
        return self._collector is not None

    @property
    def deadline_ms(self) -> int | None:
        return self._collector.deadline_ms if self._collector is not None else None

    # ------------------------------------------------------------ what happens

    def begin(self, act: Collect) -> None:
        """All speech before that `<collect>` was heard."""
        self.drop()
        known = self._agent.playbook.config.dtmf_collectors
        rules = known.get(act.type)
        if rules is None:
            self._agent.history.note(unknown_collector(act.type, known))
            # Once: a model that insists would talk to itself.
            again, self._in_vain = self._in_vain, True
            if not again:
                self._ask()
            return
        self._in_vain = False
        self._collector = Collector(
            rules,
            act.var,
            prompt=act.prompt,
            language=self._agent.playbook.language,
            render=lambda text: render(text, self._agent.variables),
        )
        if self._collector.problem is not None:
            self._report(self._collector.problem)
        self._step(Begun())

    def press(self, key: str) -> bool:
        """Whether the key belonged to a collector."""
        self._in_vain = False
        if self._collector is None:
            return False
        self._step(Pressed(key))
        return True

    def caller_began(self) -> None:
        self._step(CallerBegan())

    def caller_said(self, text: str) -> bool:
        """Whether the words are for the brain."""
        self._in_vain = False
        if self._collector is None:
            return True
        return any(isinstance(effect, PassOn) for effect in self._step(CallerSaid(text)))

    def caller_said_nothing(self) -> None:
        self._step(CallerSaidNothing())

    def over(self, utterance_id: str) -> None:
        """An utterance was heard to its end, or cut."""
        if self._prompt is not None and self._prompt[0] == utterance_id:
            attempt, self._prompt = self._prompt[1], None
            self._step(PromptOver(attempt))

    def tick(self) -> None:
        self._step(Tick())

    def drop(self) -> None:
        """The call is over, the scene has changed, or another collector takes its place."""
        self._step(Dropped())
        self._stop_prompt()

    # ------------------------------------------------------------ what is done about it

    def _step(self, event: Event) -> list[Effect]:
        collector = self._collector
        if collector is None:
            return []
        effects = collector.step(event, self._now_ms())
        if collector.done:
            # Before the effects: what the brain is asked may come back here.
            self._collector = None
        for effect in effects:
            self._carry_out(effect, collector)
        self._changed()
        return effects

    def _carry_out(self, effect: Effect, collector: Collector) -> None:
        match effect:
            case Say(text, attempt):
                utterance_id = self._say(text, collector.rules.interruptible)
                if utterance_id is None:
                    self._step(PromptOver(attempt))
                else:
                    self._prompt = utterance_id, attempt
            case StopPrompt():
                self._stop_prompt()
            case SetVariable(name, value):
                self._agent.set_variable(name, value)
            case Note(text):
                self._agent.history.note(text)
            case Ask():
                self._ask()
            case PassOn():
                pass  # the answer to `caller_said`

    def _stop_prompt(self) -> None:
        if self._prompt is not None:
            # First forgotten: the cut is no news to the collector.
            utterance_id, self._prompt = self._prompt[0], None
            self._stop(utterance_id)
