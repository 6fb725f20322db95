"""The moves of turn taking: what a row of the state table is made of. The rows themselves are in `machine`."""

from collections.abc import Callable
from enum import StrEnum

from . import effects as do
from .policy import Brain, Policy
from .turn import Turn, Utterance, same_words
from .words import begins_alike, join


class TurnState(StrEnum):
    IDLE = "idle"
    USER_SPEAKING = "user_speaking"
    DECIDING = "deciding"
    THINKING = "thinking"
    AGENT_SPEAKING = "agent_speaking"
    HELD_BACK = "held_back"
    ENDED = "ended"


class Moves:
    """The facts of one call and the moves that change them; every move appends its effects to `out`.

    `turn` is the caller's open turn, `last` the one that was committed last, `agent` the utterance that is being said.
    While the agent has the floor, `turn` is speech over its voice: it waits there until it is known what it is.
    """

    def __init__(self, policy: Policy, *, has_turn_model: bool, has_recogniser: bool, ids: Callable[[], str]) -> None:
        self.policy = policy
        self.state = TurnState.IDLE
        self.has_turn_model = has_turn_model
        self.has_recogniser = has_recogniser
        self.ids = ids
        self.turn: Turn | None = None
        self.last: Turn | None = None
        self.agent: Utterance | None = None
        self.out: list[do.Effect] = []
        self.now_ms = 0
        self.entered_ms = 0
        self.onset_ms: int | None = None
        """When a voice began that is on while the answer is on its way, and is still too short to count."""
        self.last_final_ms: int | None = None
        self.carried = ""
        """Words that came too late for their turn."""
        self.owed = False
        """The reply to `last` was cancelled unheard, because of speech that may turn out to be nothing."""

    # -- the floor

    def enter(self, state: TurnState) -> None:
        if TurnState.IDLE in (state, self.state) and state is not self.state:
            self.out.append(do.StartFollowUp() if state is TurnState.IDLE else do.StopFollowUp())
        if state not in (TurnState.THINKING, TurnState.AGENT_SPEAKING):
            self.onset_ms = None
        self.state, self.entered_ms = state, self.now_ms

    def open_turn(self, at_ms: int, *, by_text: bool = False) -> Turn:
        """The turn the caller's speech belongs to: the open one, or a new one."""
        if self.turn is None:
            self.turn = Turn(self.ids(), clock_ms=at_ms, stretch_ms=at_ms)
            self.out.append(do.TurnBegan(self.turn.id))
            if by_text:
                self.turn.by_text, self.turn.paused_ms = True, at_ms
        elif not by_text:
            self.turn.go_on(at_ms)
        return self.turn

    def decide(self) -> None:
        """The caller paused: find out whether he is done."""
        self.enter(TurnState.DECIDING)
        turn = self.turn
        if turn is None or turn.ended or turn.paused_ms is None or not self.has_turn_model:
            return
        if self.now_ms < turn.paused_ms + self.policy.endpointing.wait_ms(None):
            self.out.append(do.AskTurnModel(turn.id))

    def caller_has_floor(self) -> None:
        """The agent is silent and has nothing more to say."""
        self.agent = None
        if self.turn is None and self.onset_ms is not None:
            self.open_turn(self.onset_ms)
        if self.turn is None:
            self.enter(TurnState.IDLE)
        elif self.turn.paused_ms is None:
            self.enter(TurnState.USER_SPEAKING)
        else:
            self.decide()

    def silence_agent(self, fade_ms: int) -> None:
        """Stop what is said and what is being prepared."""
        answering = self.agent.turn_id if self.agent else (self.last.id if self.last else None)
        if self.agent is not None:
            self.out.append(do.Cut(fade_ms))
        if self.agent is None or not self.agent.done:
            self.out.append(do.CancelReply(answering))
        self.agent = None

    def take_floor(self) -> None:
        """It was an interruption."""
        faded = self.state is TurnState.HELD_BACK
        self.silence_agent(0 if faded else self.policy.interruption.fade_ms)
        if self.turn is not None:
            self.turn.settled = False
        self.caller_has_floor()

    def agent_finished(self) -> None:
        """The agent's utterance was heard to its end; speech over it now counts as far as it means something."""
        turn = self.turn
        if turn is not None and turn.settled and turn.paused_ms is not None:
            rules = self.policy.interruption
            answer = self.now_ms - turn.paused_ms <= rules.answer_window_ms
            self.agent = None
            if answer or not rules.is_nothing(turn.text):
                self.commit(turn)
            else:
                self.drop(turn)
            return
        self.caller_has_floor()

    # -- the caller's turn

    def wait_ms(self) -> int:
        """The silence that ends the open turn."""
        endpointing = self.policy.endpointing
        if self.state is TurnState.HELD_BACK:
            # Both are silent and the agent waits for words: ask for them as early as a turn model would.
            return endpointing.wait_ms(1.0)
        probability = self.turn.probability if self.turn and self.state is TurnState.DECIDING else None
        return endpointing.wait_ms(probability)

    def over(self, turn: Turn) -> bool:
        """Whether the turn has reached its end and its text; asks the recogniser for it on the way."""
        silent_since = turn.paused_ms
        if not turn.ended and (silent_since is None or self.now_ms < silent_since + self.wait_ms()):
            return False
        if turn.flushed_ms is None:
            turn.flushed_ms = self.now_ms
            if self.has_recogniser:
                self.out.append(do.EndOfTurn(turn.id))
        if not self.has_recogniser or turn.complete or self.policy.brain is Brain.AUDIO:
            return True
        if self.now_ms >= turn.flushed_ms + self.policy.endpointing.final_wait_ms:
            turn.trust_partial()
            return True
        return False

    def conclude(self, turn: Turn) -> None:
        if turn.text or self.policy.brain is Brain.AUDIO:
            self.commit(turn)
        else:
            self.drop(turn)

    def commit(self, turn: Turn) -> None:
        """The text goes to the history and the brain begins."""
        turn.finals, self.carried = [join(self.carried, *turn.finals)], ""
        if turn.partial:
            turn.trust_partial()
        early = turn.early is not None and same_words(turn.early, turn.text)
        if not early:
            self.discard_early(turn)
        turn.early = None
        turn.committed_ms = self.now_ms
        self.last, self.turn, self.owed = turn, None, False
        self.out.append(do.Commit(turn.id, turn.text, early))
        if self.policy.brain is not Brain.NONE:
            self.enter(TurnState.THINKING)
        elif self.agent is None:
            self.enter(TurnState.IDLE)

    def drop(self, turn: Turn) -> None:
        """Nothing was said. An answer that it kept from being given is due again."""
        self.discard_early(turn)
        self.turn = None
        self.out.append(do.DropTurn(turn.id))
        if self.agent is not None:
            return
        if self.owed and self.last is not None:
            self.ask_again(self.last)
        else:
            self.enter(TurnState.IDLE)

    def ask_again(self, turn: Turn) -> None:
        self.out.append(do.Uncommit(turn.id))
        self.commit(turn)

    def discard_early(self, turn: Turn | None) -> None:
        if turn is not None and turn.early is not None:
            self.out.append(do.DiscardEarly(turn.id))
            turn.early = None

    def start_early(self, turn: Turn) -> None:
        """Start the brain before the turn is certain to be over, on a text that is not only a guess."""
        policy, text = self.policy, join(self.carried, turn.text)
        if turn.probability is None:
            likely = not self.has_turn_model
        else:
            likely = turn.probability > policy.endpointing.threshold
        if not policy.early_start or policy.brain is not Brain.TEXT or not likely or not text:
            return
        if turn.early is not None and (turn.partial or same_words(turn.early, text)):
            return
        self.discard_early(turn)
        turn.early = text
        self.out.append(do.StartEarly(turn.id, text))

    # -- an answer that nobody has heard yet

    @property
    def unheard(self) -> bool:
        """Whether the answer to `last` is on its way and none of it has been heard, so that it can be taken back."""
        if self.last is None or self.last.answered:
            return False
        if self.state is TurnState.THINKING:
            return self.agent is None
        agent = self.agent
        if agent is None or self.state is not TurnState.AGENT_SPEAKING:
            return False
        return agent.turn_id == self.last.id and agent.interruptible and agent.started_ms is None

    def caller_goes_on(self) -> None:
        """He spoke again before he was answered: context repair, or a new turn if he took his time."""
        at_ms = self.now_ms if self.onset_ms is None else self.onset_ms
        last, unheard = self.last, self.unheard and self.policy.brain is Brain.TEXT
        self.silence_agent(0)
        if unheard and last is not None and last.committed_ms is not None:
            soon = at_ms - last.committed_ms <= self.policy.endpointing.repair_window_ms
            if soon and self.turn is None:
                self.out.append(do.Uncommit(last.id))
                last.reopen(at_ms)
                self.turn, self.last = last, None
                self.enter(TurnState.USER_SPEAKING)
                return
            self.owed = True
        self.open_turn(at_ms)
        self.caller_has_floor()

    def late_final(self, last: Turn, text: str) -> None:
        """A final of a turn that is already committed: it may correct the answer, and never causes a second one."""
        if self.policy.brain is not Brain.TEXT:
            last.add_final(text)
            self.out.append(do.Amend(last.id, last.text))
        elif self.unheard:
            before = last.text
            last.add_final(text)
            if not same_words(before, last.text):
                self.silence_agent(0)
                self.ask_again(last)
        elif new := last.take_late(text):
            if self.turn is not None and self.turn.partial:
                self.turn.add_final(new)  # one final for the overdue words and for those said since
                return
            self.carried = join(self.carried, new)
            self.out.append(do.AppendToNextTurn(new))

    def is_late(self) -> bool:
        """Whether text that no voice announced belongs to the turn committed last."""
        if self.last is None or self.last.committed_ms is None:
            return False
        if self.policy.brain is Brain.AUDIO:
            return True
        return self.now_ms - self.last.committed_ms <= self.policy.endpointing.late_final_ms

    def is_overdue(self, text: str) -> bool:
        """Whether `text` is the final for which the last commit did not wait, though speech has begun since."""
        last = self.last
        if last is None or not self.is_late():
            return False
        if self.policy.brain is Brain.AUDIO:
            return not last.text
        return begins_alike(last.provisional, text)

    # -- speech over the agent's voice

    @property
    def protected_until_ms(self) -> int | None:
        """The time from which speech over the agent's voice counts; None: never, as things are."""
        agent, rules = self.agent, self.policy.interruption
        if agent is None or not agent.interruptible or self.policy.brain is Brain.NONE:
            return None
        if agent.started_ms is None:
            # No sound was made that could come back as echo. A fixed text is said before anyone may object, though.
            return None if agent.fixed else self.entered_ms
        return rules.protected_until_ms(agent.started_ms, self.last_final_ms)

    @property
    def words_expected(self) -> bool:
        return self.has_recogniser and self.policy.brain is not Brain.AUDIO

    def proven(self, turn: Turn) -> bool:
        return self.policy.interruption.proven(
            voiced_ms=turn.voiced_ms(self.now_ms), text=turn.text, words_expected=self.words_expected
        )

    def weigh(self, turn: Turn) -> None:
        """Decide whether speech over the agent's voice makes it hold back, or takes the floor at once."""
        protected_until_ms = self.protected_until_ms
        agent = self.agent
        if agent is None or protected_until_ms is None or self.now_ms < protected_until_ms:
            return
        if turn.paused_ms is not None and turn.paused_ms < agent.began_ms:
            return  # he had stopped before the agent began: this is no answer to its voice
        rules = self.policy.interruption
        voiced_ms = turn.voiced_ms(self.now_ms) if turn.paused_ms is None else 0
        if not rules.qualifies(voiced_ms=voiced_ms, text="" if turn.text == turn.dismissed else turn.text):
            return
        if self.proven(turn):
            self.take_floor()
        else:
            self.out.append(do.HoldBack(rules.fade_ms))
            self.enter(TurnState.HELD_BACK)

    def resume(self) -> None:
        """It was nothing: the agent goes on."""
        if self.turn is not None:
            self.turn.dismissed = self.turn.text
        self.out.append(do.Resume())
        self.enter(TurnState.AGENT_SPEAKING)
        self.run_dry()

    def run_dry(self) -> None:
        """Nothing is queued but more will come: the agent is thinking again, unless the caller is about to speak."""
        agent = self.agent
        waiting = self.turn is None or self.turn.settled
        if agent is None or not agent.dry or agent.done or not waiting or self.policy.brain is Brain.NONE:
            return
        agent.started_ms = None
        self.enter(TurnState.THINKING)

    def hear_out(self, turn: Turn) -> None:
        """Carry on with the turn that was begun over the agent's voice: ask for its text, and keep what it says."""
        if turn.settled:
            return
        if turn.paused_ms is None and self.now_ms >= turn.clock_ms + self.policy.endpointing.max_turn_ms:
            turn.break_off()
        if not self.over(turn):
            return
        held_back = self.state is TurnState.HELD_BACK
        nothing = self.policy.interruption.is_nothing(turn.text)
        if self.policy.brain is Brain.NONE:
            self.conclude(turn)
        elif turn.text or self.policy.brain is Brain.AUDIO:
            turn.settled = True
        else:
            self.drop(turn)
        if held_back and nothing and self.state is TurnState.HELD_BACK:
            self.resume()
        else:
            self.run_dry()
