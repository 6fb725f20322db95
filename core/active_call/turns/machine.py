"""The table of turn taking: who has the floor, and what each event does about it. Pure: values in, values out.

`docs/explanation/turn-taking.md` has the table in words, a diagram, and the reasons for the numbers.
"""

from collections.abc import Callable
from typing import Any

from . import agent, caller
from . import effects as do
from . import events as ev
from .moves import Moves, TurnState
from .policy import Policy
from .timers import TIMERS, alarms
from .words import join

IDLE, USER, DECIDING = TurnState.IDLE, TurnState.USER_SPEAKING, TurnState.DECIDING
THINKING, AGENT, HELD, ENDED = TurnState.THINKING, TurnState.AGENT_SPEAKING, TurnState.HELD_BACK, TurnState.ENDED


Handler = Callable[[Moves, Any], None]

TABLE: dict[tuple[TurnState, type[Any]], Handler] = {
    (IDLE, ev.SpeechStarted): caller.speech_begins,
    (IDLE, ev.SpeechPaused): caller.voice_off,
    (IDLE, ev.FinalText): caller.final_without_speech,
    (IDLE, ev.TypedText): caller.typed,
    (IDLE, ev.AgentBegins): agent.agent_begins,
    (IDLE, ev.ReplyReady): agent.reply_unasked,
    (IDLE, ev.PlaybackStarted): agent.sample_unasked,
    #
    (USER, ev.SpeechPaused): caller.speech_pauses,
    (USER, ev.RecogniserEndedTurn): caller.recogniser_ends_turn,
    (USER, ev.PartialText): caller.partial,
    (USER, ev.FinalText): caller.final,
    (USER, ev.TypedText): caller.typed_while_speaking,
    (USER, ev.AgentBegins): agent.agent_begins,
    (USER, ev.ReplyReady): agent.reply_decides,
    (USER, ev.InterruptCommand): agent.forget_debt,
    #
    (DECIDING, ev.SpeechStarted): caller.speech_again,
    (DECIDING, ev.SpeechPaused): caller.voice_off,
    (DECIDING, ev.TurnModelSaid): caller.verdict,
    (DECIDING, ev.RecogniserEndedTurn): caller.recogniser_ends_turn,
    (DECIDING, ev.PartialText): caller.partial,
    (DECIDING, ev.FinalText): caller.final,
    (DECIDING, ev.TypedText): caller.typed_while_speaking,
    (DECIDING, ev.AgentBegins): agent.agent_begins,
    (DECIDING, ev.ReplyReady): agent.reply_decides,
    (DECIDING, ev.InterruptCommand): agent.forget_debt,
    (DECIDING, ev.SceneChanged): agent.scene_changes,
    #
    (THINKING, ev.SpeechStarted): caller.speech_before_answer,
    (THINKING, ev.SpeechPaused): caller.voice_off,
    (THINKING, ev.PartialText): caller.partial_before_answer,
    (THINKING, ev.FinalText): caller.final_before_answer,
    (THINKING, ev.TypedText): caller.typed_over_agent,
    (THINKING, ev.AgentBegins): agent.agent_says_more,
    (THINKING, ev.ReplyReady): agent.reply_ready,
    (THINKING, ev.ReplyDone): agent.reply_done,
    (THINKING, ev.ReplyFailed): agent.reply_fails,
    (THINKING, ev.PlaybackStarted): agent.sample_after_pause,
    (THINKING, ev.PlaybackHeard): agent.heard,
    (THINKING, ev.InterruptCommand): agent.interrupt,
    #
    (AGENT, ev.SpeechStarted): caller.speech_over_agent,
    (AGENT, ev.SpeechPaused): caller.voice_off,
    (AGENT, ev.RecogniserEndedTurn): caller.recogniser_ends_turn,
    (AGENT, ev.PartialText): caller.partial_over_agent,
    (AGENT, ev.FinalText): caller.final_over_agent,
    (AGENT, ev.TypedText): caller.typed_over_agent,
    (AGENT, ev.AgentBegins): agent.agent_says_more,
    (AGENT, ev.ReplyReady): agent.reply_continues,
    (AGENT, ev.ReplyDone): agent.reply_done,
    (AGENT, ev.ReplyFailed): agent.reply_fails,
    (AGENT, ev.PlaybackStarted): agent.sample_left,
    (AGENT, ev.PlaybackDry): agent.dry,
    (AGENT, ev.PlaybackHeard): agent.heard,
    (AGENT, ev.InterruptCommand): agent.interrupt,
    #
    (HELD, ev.SpeechStarted): caller.speech_over_agent,
    (HELD, ev.SpeechPaused): caller.voice_off,
    (HELD, ev.RecogniserEndedTurn): caller.recogniser_ends_turn,
    (HELD, ev.PartialText): caller.partial_over_agent,
    (HELD, ev.FinalText): caller.final_over_agent,
    (HELD, ev.TypedText): caller.typed_over_agent,
    (HELD, ev.AgentBegins): agent.agent_says_more,
    (HELD, ev.ReplyReady): agent.reply_continues,
    (HELD, ev.ReplyDone): agent.reply_done,
    (HELD, ev.ReplyFailed): agent.reply_fails,
    (HELD, ev.PlaybackStarted): agent.sample_left,
    (HELD, ev.PlaybackDry): agent.dry,
    (HELD, ev.PlaybackHeard): agent.heard,
    (HELD, ev.InterruptCommand): agent.interrupt,
}
TABLE.update({(state, ev.HangUp): agent.hang_up for state in TurnState if state is not ENDED})
"""What an event does in a state. What is not listed does nothing there."""


class TurnMachine:
    """One per call. Feed every event to `step`, carry the effects out in order, and send a `Tick` at `deadline_ms`.

    `policy` may be replaced at any time. `ids` makes turn ids. Not thread-safe; it never blocks and never raises.
    """

    def __init__(self, policy: Policy, *, has_turn_model: bool, has_recogniser: bool, ids: Callable[[], str]) -> None:
        self._moves = Moves(policy, has_turn_model=has_turn_model, has_recogniser=has_recogniser, ids=ids)

    @property
    def state(self) -> TurnState:
        return self._moves.state

    @property
    def policy(self) -> Policy:
        return self._moves.policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._moves.policy = policy

    @property
    def pending_text(self) -> str:
        """What the caller said that no `Commit` has carried yet; for the record of a call that ends here."""
        moves = self._moves
        return join(moves.carried, moves.turn.text if moves.turn else "")

    @property
    def deadline_ms(self) -> int | None:
        """When a `Tick` is wanted at the latest; always later than the last step. None: idle or ended."""
        moves = self._moves
        return min((at for at in alarms(moves) if at > moves.now_ms), default=None)

    def step(self, event: ev.Event, now_ms: int) -> list[do.Effect]:
        """What to do about `event`, which happened at `now_ms`."""
        moves = self._moves
        moves.now_ms = max(now_ms, moves.now_ms)
        moves.out = []
        handler = TABLE.get((moves.state, type(event)))
        if handler is not None:
            handler(moves, event)
        # Timers that have run out act whatever it was that woke us; each state at most once.
        for _ in TurnState:
            before = moves.state
            if before in TIMERS:
                TIMERS[before](moves)
            if moves.state is before:
                break
        return moves.out
