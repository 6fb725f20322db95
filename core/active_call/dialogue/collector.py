"""The table of a collector: how a number is taken from the keypad. Pure: values in, values out.

One per `<collect>`. Whoever holds it speaks, cuts, asks and sets the timer; see `docs/reference/collectors.md`.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from active_call.playbook.model import DIGITS, DtmfCollector

from .digit_pattern import LONGEST_TEXT, DigitPattern, PatternError
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
)

PROMPT_LIMIT_MS = 120_000
"""A prompt longer than this is taken for a lost notice of its end."""
SPEECH_LIMIT_MS = 120_000
"""A caller who began to speak and of whom we have not heard for so long does not."""
LONGEST = LONGEST_TEXT
"""Keys; the collector finishes there."""


class State(StrEnum):
    NEW = "new"
    PROMPTING = "prompting"
    """The prompt is being heard; no timer of the caller's runs."""
    WAITING = "waiting"
    """For the first key."""
    ENTERING = "entering"
    LISTENING = "listening"
    """The caller speaks, which he may; the timers stand still."""
    DONE = "done"


TEXTS = {
    "en": {
        "few": "Expected at least {wanted} digits, got {got}",
        "many": "Expected at most {wanted} digits, got {got}",
        "format": "Input format is incorrect",
    },
    "zh": {
        "few": "至少需要{wanted}位数字，只收到{got}位",
        "many": "最多只能输入{wanted}位数字，收到了{got}位",
        "format": "输入格式不正确",
    },
}
"""Said before another attempt when the playbook has no `errorMessage`."""


class Collector:
    """Feed every event to `step`, carry the effects out in order, and send a `Tick` at `deadline_ms`."""

    def __init__(
        self,
        rules: DtmfCollector,
        variable: str,
        *,
        prompt: str | None = None,
        language: str = "en",
        render: Callable[[str], str] = str,
    ) -> None:
        """`prompt` was written by the model; `render` fills the templates of the author's `errorMessage`."""
        self.rules = rules
        self.variable = variable
        self.state = State.NEW
        self.digits = ""
        self.retries = 0
        self.problem: str | None = None
        """Why the pattern is not used; None: it is, or there is none."""
        self._prompt = (prompt or "").strip()
        self._texts = TEXTS["zh" if language.lower().startswith("zh") else "en"]
        self._render = render
        self._pattern = self._compiled()
        self._finish_key = (rules.finish_key or "").strip().upper()
        self._now_ms = 0
        self._entered_ms = 0
        self._started_ms: int | None = None  # since when the caller has had time; None: the prompt is not over
        self._last_key_ms = 0
        self._out: list[Effect] = []

    @property
    def done(self) -> bool:
        return self.state is State.DONE

    @property
    def deadline_ms(self) -> int | None:
        """When a `Tick` is wanted; later than the last step. None: not begun, or done."""
        match self.state:
            case State.PROMPTING:
                return self._entered_ms + PROMPT_LIMIT_MS
            case State.LISTENING:
                return self._entered_ms + SPEECH_LIMIT_MS
            case State.WAITING:
                return self._end_ms
            case State.ENTERING:
                return min(self._end_ms, self._last_key_ms + 1000 * self.rules.inter_digit_timeout)
        return None

    @property
    def _end_ms(self) -> int:
        return (self._started_ms or 0) + 1000 * self.rules.timeout

    def step(self, event: Event, now_ms: int) -> list[Effect]:
        """What to do about `event`, which happened at `now_ms`."""
        self._now_ms = max(now_ms, self._now_ms)
        self._out = []
        if not isinstance(event, Dropped):
            self._time_passes()  # what was due before this event comes before it
        handler = TABLE.get((self.state, type(event)))
        if handler is not None:
            handler(self, event)
        self._time_passes()
        return self._out

    # -- the table's moves

    def _begin(self, event: Begun) -> None:
        self._speak(self._prompt)

    def _prompt_over(self, event: PromptOver) -> None:
        if event.attempt == self.retries:
            self._start()

    def _prompt_over_unseen(self, event: PromptOver) -> None:
        """The caller speaks: his time begins when he has stopped."""
        if event.attempt == self.retries:
            self._started_ms = self._now_ms

    def _press_over_prompt(self, event: Pressed) -> None:
        if (key := event.key.strip().upper()) in KEYS:
            self._out.append(StopPrompt())
            self._start()
            self._key(key)

    def _press_instead(self, event: Pressed) -> None:
        """He spoke, or coughed, and presses keys after all."""
        if (key := event.key.strip().upper()) in KEYS:
            if self._started_ms is None:
                self._out.append(StopPrompt())
            self._start()
            self._key(key)

    def _press(self, event: Pressed) -> None:
        if (key := event.key.strip().upper()) in KEYS:
            self._key(key)

    def _listen(self, event: CallerBegan) -> None:
        if self.rules.interruptible:
            self._enter(State.LISTENING)

    def _go_on(self, event: CallerSaidNothing) -> None:
        if self._started_ms is None:
            self._enter(State.PROMPTING)
        else:
            self._start()

    def _said(self, event: CallerSaid) -> None:
        if not self.rules.interruptible:
            return
        if not event.text.strip():
            if self.state is State.LISTENING:
                self._go_on(CallerSaidNothing())
            return
        self._note(f"[DTMF collection ended for '{self.variable}': the caller spoke instead]")
        self._out.append(PassOn(event.text))
        self._enter(State.DONE)

    def _drop(self, event: Dropped) -> None:
        self._enter(State.DONE)

    # -- what they consist of

    def _enter(self, state: State) -> None:
        self.state = state
        self._entered_ms = self._now_ms

    def _speak(self, text: str) -> None:
        if not text:
            self._start()
            return
        self._started_ms = None
        self._out.append(Say(text, self.retries))
        self._enter(State.PROMPTING)

    def _start(self) -> None:
        """The caller has all his time from now."""
        self._started_ms = self._last_key_ms = self._now_ms
        self._enter(State.ENTERING if self.digits else State.WAITING)

    def _key(self, key: str) -> None:
        if key == self._finish_key:
            self._finish()
            return
        self.digits += key
        self._last_key_ms = self._now_ms
        self._enter(State.ENTERING)
        enough = self.rules.digits or self.rules.max_digits
        if (enough and not self._finish_key and len(self.digits) >= enough) or len(self.digits) >= LONGEST:
            self._finish()

    def _time_passes(self) -> None:
        # A retry or the end of a prompt may be due as well; each state at most once.
        for _ in State:
            deadline_ms = self.deadline_ms
            if deadline_ms is None or deadline_ms > self._now_ms:
                return
            self._out_of_time()

    def _out_of_time(self) -> None:
        match self.state:
            case State.PROMPTING:
                self._start()
            case State.LISTENING:
                self._go_on(CallerSaidNothing())
            case State.WAITING:
                self._note(f"[DTMF collection timed out for '{self.variable}']")
                self._ask()
            case _:
                self._finish()

    def _finish(self) -> None:
        wrong = self._wrong()
        if wrong is None:
            self._out.append(SetVariable(self.variable, self.digits))
            self._note(f"[DTMF collection completed for '{self.variable}': {self.digits}]")
            self._ask()
        elif self.retries >= self.rules.retry_times:
            self._note(f"[DTMF collection failed for '{self.variable}' after {self.retries} retries]")
            self._ask()
        else:
            self.retries += 1
            self.digits = ""
            written = self.rules.validation.error_message if self.rules.validation else None
            self._speak((self._render(written).strip() if written else "") or wrong)

    def _wrong(self) -> str | None:
        """What is wrong with the digits, for the caller."""
        got = len(self.digits)
        least = self.rules.digits or self.rules.min_digits or 0
        most = self.rules.digits or self.rules.max_digits
        if got < least:
            return self._texts["few"].format(wanted=least, got=got)
        if most and got > most:
            return self._texts["many"].format(wanted=most, got=got)
        if self._pattern is not None and not self._pattern.found_in(self.digits):
            return self._texts["format"]
        return None

    def _note(self, text: str) -> None:
        self._out.append(Note(text))

    def _ask(self) -> None:
        self._out.append(Ask())
        self._enter(State.DONE)

    def _compiled(self) -> DigitPattern | None:
        if self.rules.validation is None:
            return None
        try:
            return DigitPattern(self.rules.validation.pattern)
        except PatternError as error:
            self.problem = f"the pattern of the collector for {self.variable!r} is not used: {error}"
            return None


KEYS = frozenset(DIGITS)
Handler = Callable[[Collector, Any], None]
TABLE: dict[tuple[State, type[Any]], Handler] = {
    (State.NEW, Begun): Collector._begin,
    #
    (State.PROMPTING, PromptOver): Collector._prompt_over,
    (State.PROMPTING, Pressed): Collector._press_over_prompt,
    (State.PROMPTING, CallerBegan): Collector._listen,
    (State.PROMPTING, CallerSaid): Collector._said,
    #
    (State.WAITING, Pressed): Collector._press,
    (State.WAITING, CallerBegan): Collector._listen,
    (State.WAITING, CallerSaid): Collector._said,
    #
    (State.ENTERING, Pressed): Collector._press,
    (State.ENTERING, CallerBegan): Collector._listen,
    (State.ENTERING, CallerSaid): Collector._said,
    #
    (State.LISTENING, PromptOver): Collector._prompt_over_unseen,
    (State.LISTENING, Pressed): Collector._press_instead,
    (State.LISTENING, CallerSaid): Collector._said,
    (State.LISTENING, CallerSaidNothing): Collector._go_on,
}
TABLE.update({(state, Dropped): Collector._drop for state in State if state is not State.DONE})
"""What an event does in a state. What is not listed does nothing there."""


def unknown_collector(type: str, known: Iterable[str]) -> str:
    """The system note for a `<collect>` of a type that the playbook does not have."""
    return f"[Unknown DTMF collector type '{type}'. Available types: {', '.join(sorted(known)) or 'none'}]"
