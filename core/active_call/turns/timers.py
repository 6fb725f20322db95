"""What a state does when one of its times has come, and when that is."""

from collections.abc import Callable

from . import effects as do
from . import events as ev
from .agent import answer, reply_fails
from .moves import Moves, TurnState


def turn_too_long(moves: Moves) -> None:
    turn = moves.turn
    if turn is not None and moves.now_ms >= turn.clock_ms + moves.policy.endpointing.max_turn_ms:
        turn.break_off()
        moves.enter(TurnState.DECIDING)


def endpoint(moves: Moves) -> None:
    turn = moves.turn
    if turn is None:
        return
    if moves.over(turn):
        moves.conclude(turn)
    else:
        moves.start_early(turn)


def caller_goes_on(moves: Moves) -> None:
    onset_ms = moves.onset_ms
    if onset_ms is not None and moves.now_ms - onset_ms >= moves.policy.interruption.thinking_min_ms:
        moves.caller_goes_on()


def thinking_timers(moves: Moves) -> None:
    caller_goes_on(moves)
    if moves.state is TurnState.THINKING and moves.now_ms >= moves.entered_ms + moves.policy.thinking_limit_ms:
        moves.out.append(do.CancelReply(answer(moves).turn_id))
        reply_fails(moves, ev.ReplyFailed())


def agent_timers(moves: Moves) -> None:
    caller_goes_on(moves)
    if moves.state is TurnState.AGENT_SPEAKING and moves.turn is not None:
        moves.weigh(moves.turn)
    if moves.state is TurnState.AGENT_SPEAKING and moves.turn is not None:
        moves.hear_out(moves.turn)
    if moves.state is TurnState.AGENT_SPEAKING and moves.now_ms >= moves.entered_ms + speaking_limit_ms(moves):
        moves.silence_agent(0)
        moves.agent_finished()


def speaking_limit_ms(moves: Moves) -> int:
    agent, policy = moves.agent, moves.policy
    silent = agent is not None and agent.started_ms is None and not agent.fixed
    return policy.first_sample_limit_ms if silent else policy.speaking_limit_ms


def held_back_timers(moves: Moves) -> None:
    turn = moves.turn
    if turn is None:
        moves.resume()
        return
    if moves.proven(turn):
        moves.take_floor()
        return
    moves.hear_out(turn)
    if moves.state is TurnState.HELD_BACK and turn.paused_ms is not None:
        silent_since = max(turn.paused_ms, moves.entered_ms)
        if moves.now_ms >= silent_since + moves.policy.interruption.held_back_deadline_ms:
            moves.resume()


def alarms(moves: Moves) -> list[int]:
    """All the times at which something could have to be done; those that are past have been dealt with."""
    policy, state, turn = moves.policy, moves.state, moves.turn
    rules, endpointing = policy.interruption, policy.endpointing
    at: list[int] = []
    if state in (TurnState.IDLE, TurnState.ENDED):
        return at
    if turn is not None and turn.paused_ms is None:
        at.append(turn.clock_ms + endpointing.max_turn_ms)
    elif turn is not None and turn.paused_ms is not None:
        at.append(turn.paused_ms + moves.wait_ms())
    if turn is not None and turn.flushed_ms is not None:
        at.append(turn.flushed_ms + endpointing.final_wait_ms)
    if moves.onset_ms is not None:
        at.append(moves.onset_ms + rules.thinking_min_ms)
    if state is TurnState.THINKING:
        at.append(moves.entered_ms + policy.thinking_limit_ms)
    if state is TurnState.AGENT_SPEAKING:
        at.append(moves.entered_ms + speaking_limit_ms(moves))
        if turn is not None and (protected_until_ms := moves.protected_until_ms) is not None:
            at += [protected_until_ms, max(protected_until_ms, turn.stretch_ms + rules.min_speech_ms)]
    if state is TurnState.HELD_BACK and turn is not None:
        enough_ms = rules.proof_ms if moves.words_expected else rules.deaf_proof_ms
        silent_since = max(turn.paused_ms or 0, moves.entered_ms)
        at.append(turn.stretch_ms + enough_ms if turn.paused_ms is None else silent_since + rules.held_back_deadline_ms)
    return at


TIMERS: dict[TurnState, Callable[[Moves], None]] = {
    TurnState.USER_SPEAKING: turn_too_long,
    TurnState.DECIDING: endpoint,
    TurnState.THINKING: thinking_timers,
    TurnState.AGENT_SPEAKING: agent_timers,
    TurnState.HELD_BACK: held_back_timers,
}
"""Called after every event, whichever it was that woke us; each looks at the time itself."""
