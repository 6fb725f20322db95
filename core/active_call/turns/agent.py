"""Rows of the state table for what the agent does: replies, playback, and the commands of those in charge."""

from . import effects as do
from . import events as ev
from .moves import Moves, TurnState
from .policy import Brain
from .turn import Utterance


def agent_begins(moves: Moves, event: ev.AgentBegins) -> None:
    moves.discard_early(moves.turn)
    moves.agent = Utterance(
        None, moves.now_ms, interruptible=event.interruptible, fixed=event.complete, done=event.complete
    )
    moves.enter(TurnState.AGENT_SPEAKING)


def agent_says_more(moves: Moves, event: ev.AgentBegins) -> None:
    """It speaks of its own accord while an answer is being made or given: both are one utterance."""
    agent = answer(moves)
    agent.interruptible = agent.interruptible and event.interruptible
    agent.fixed = agent.fixed and event.complete
    agent.done = agent.done and event.complete
    agent.dry = agent.heard = False
    if moves.state is TurnState.THINKING:
        moves.enter(TurnState.AGENT_SPEAKING)
    elif moves.state is TurnState.HELD_BACK and not agent.interruptible:
        moves.resume()


def answer(moves: Moves) -> Utterance:
    """The utterance being said, or the one that now begins to answer the last turn."""
    if moves.agent is None:
        moves.agent = Utterance(moves.last.id if moves.last else None, moves.now_ms)
    return moves.agent


def reply_ready(moves: Moves, _: object) -> None:
    agent = answer(moves)
    agent.dry = agent.heard = False
    moves.enter(TurnState.AGENT_SPEAKING)


def reply_unasked(moves: Moves, _: ev.ReplyReady) -> None:
    moves.agent = Utterance(None, moves.now_ms)
    moves.enter(TurnState.AGENT_SPEAKING)


def reply_decides(moves: Moves, event: ev.ReplyReady) -> None:
    """A realtime model answers: by that it has judged that the turn is over."""
    if moves.policy.brain is Brain.AUDIO and moves.turn is not None:
        moves.commit(moves.turn)
        reply_ready(moves, event)


def reply_continues(moves: Moves, _: ev.ReplyReady) -> None:
    agent = answer(moves)
    agent.dry = agent.heard = False
    if agent.turn_id is None:
        agent.fixed = agent.done = False


def sample_unasked(moves: Moves, _: ev.PlaybackStarted) -> None:
    moves.agent = Utterance(None, moves.now_ms, fixed=True, done=True, started_ms=moves.now_ms)
    moves.enter(TurnState.AGENT_SPEAKING)


def sample_after_pause(moves: Moves, event: ev.PlaybackStarted) -> None:
    reply_ready(moves, event)
    sample_left(moves, event)


def sample_left(moves: Moves, _: ev.PlaybackStarted) -> None:
    agent = answer(moves)
    agent.heard = False
    if agent.started_ms is None:
        agent.started_ms = moves.now_ms
    if moves.last is not None and agent.turn_id == moves.last.id:
        moves.last.answered = True
    if moves.onset_ms is not None:
        moves.open_turn(moves.onset_ms)
        moves.onset_ms = None


def dry(moves: Moves, _: ev.PlaybackDry) -> None:
    agent = moves.agent
    if agent is not None and agent.started_ms is not None and not agent.done:
        agent.dry = True
        if moves.state is TurnState.AGENT_SPEAKING:
            moves.run_dry()


def heard(moves: Moves, event: ev.PlaybackHeard) -> None:
    agent = moves.agent
    if agent is None:
        return
    agent.heard = True
    if agent.done:
        finish(moves)
    elif moves.state is not TurnState.THINKING:
        dry(moves, ev.PlaybackDry())


def reply_done(moves: Moves, _: ev.ReplyDone) -> None:
    agent = moves.agent
    if agent is None:
        moves.caller_has_floor()
        return
    agent.done = True
    if agent.heard:
        finish(moves)
    elif moves.state is TurnState.THINKING:
        # The leg still holds the last samples; `PlaybackHeard` follows.
        moves.enter(TurnState.AGENT_SPEAKING)


def finish(moves: Moves) -> None:
    if moves.state is TurnState.HELD_BACK:
        moves.out.append(do.Resume())
    moves.agent_finished()


def reply_fails(moves: Moves, _: ev.ReplyFailed) -> None:
    agent = answer(moves)
    agent.done = True
    if moves.policy.brain is not Brain.NONE:
        agent.heard = agent.dry = False
        moves.out.append(do.Apologise())
    if moves.state is TurnState.THINKING:
        moves.enter(TurnState.AGENT_SPEAKING)


# -- commands


def interrupt(moves: Moves, _: ev.InterruptCommand) -> None:
    moves.owed = False
    moves.silence_agent(0 if moves.state is TurnState.HELD_BACK else moves.policy.interruption.fade_ms)
    moves.agent_finished()


def forget_debt(moves: Moves, _: ev.InterruptCommand) -> None:
    moves.owed = False


def scene_changes(moves: Moves, _: ev.SceneChanged) -> None:
    """The early start was made with the old instructions; what is being said was begun in the old scene and goes on."""
    moves.discard_early(moves.turn)


def hang_up(moves: Moves, _: ev.HangUp) -> None:
    moves.enter(TurnState.ENDED)
    moves.out = []
