"""Rows of the state table for what the caller does: his voice, the words recognised in it, and what he types."""

from . import events as ev
from .moves import Moves, TurnState
from .policy import Brain
from .words import without_beginning


def speech_begins(moves: Moves, event: ev.SpeechStarted) -> None:
    moves.open_turn(min(event.at_ms, moves.now_ms))
    moves.enter(TurnState.USER_SPEAKING)


def speech_again(moves: Moves, event: ev.SpeechStarted) -> None:
    moves.discard_early(moves.turn)
    speech_begins(moves, event)


def speech_before_answer(moves: Moves, event: ev.SpeechStarted) -> None:
    moves.onset_ms = min(event.at_ms, moves.now_ms)


def speech_over_agent(moves: Moves, event: ev.SpeechStarted) -> None:
    if moves.unheard:
        speech_before_answer(moves, event)
    else:
        moves.open_turn(min(event.at_ms, moves.now_ms))


def speech_pauses(moves: Moves, event: ev.SpeechPaused) -> None:
    voice_off(moves, event)
    moves.decide()


def voice_off(moves: Moves, event: ev.SpeechPaused) -> None:
    moves.onset_ms = None
    if moves.turn is not None and moves.turn.paused_ms is None:
        moves.turn.pause(min(event.at_ms, moves.now_ms))


def verdict(moves: Moves, event: ev.TurnModelSaid) -> None:
    if moves.turn is not None:
        moves.turn.probability = event.probability


def recogniser_ends_turn(moves: Moves, _: ev.RecogniserEndedTurn) -> None:
    if moves.turn is not None:
        moves.turn.end(moves.now_ms)
        if moves.state is TurnState.USER_SPEAKING:
            moves.enter(TurnState.DECIDING)


# -- the caller's words


def partial(moves: Moves, event: ev.PartialText) -> None:
    last, text = moves.last, event.text
    if moves.turn is not None:
        if last is not None and moves.is_overdue(text):
            text = without_beginning(last.provisional, text)
        moves.turn.add_partial(text, moves.now_ms)


def final(moves: Moves, event: ev.FinalText) -> None:
    moves.last_final_ms = moves.now_ms
    if moves.last is not None and moves.is_overdue(event.text):
        moves.late_final(moves.last, event.text)
    elif moves.turn is not None:
        moves.turn.add_final(event.text)


def partial_before_answer(moves: Moves, event: ev.PartialText) -> None:
    """Words are quicker proof than the length of the voice that the caller goes on."""
    if moves.onset_ms is not None and not moves.policy.interruption.is_nothing(event.text):
        moves.caller_goes_on()
        partial(moves, event)


def final_before_answer(moves: Moves, event: ev.FinalText) -> None:
    if not event.text.strip():
        return
    last, announced = moves.last, moves.onset_ms is not None
    if moves.turn is not None and not announced and not moves.is_overdue(event.text):
        moves.turn.add_final(event.text)  # a turn that waits for its answer until the agent has finished
        return
    late = last is not None and not announced and (moves.unheard or moves.is_late())
    if last is not None and (late or moves.is_overdue(event.text)):
        moves.last_final_ms = moves.now_ms
        moves.late_final(last, event.text)
        return
    if announced:
        moves.caller_goes_on()
    else:
        moves.silence_agent(0)
        moves.open_turn(moves.now_ms, by_text=True)
        moves.caller_has_floor()
    final(moves, event)


def partial_over_agent(moves: Moves, event: ev.PartialText) -> None:
    if moves.unheard:
        partial_before_answer(moves, event)
        return
    guarded_ms, rules = moves.protected_until_ms, moves.policy.interruption
    counts = guarded_ms is not None and moves.now_ms >= guarded_ms and rules.qualifies(voiced_ms=0, text=event.text)
    if moves.turn is None and counts:
        # The recogniser hears what the voice detector missed.
        moves.open_turn(moves.now_ms, by_text=True)
    partial(moves, event)


def final_over_agent(moves: Moves, event: ev.FinalText) -> None:
    if moves.unheard:
        final_before_answer(moves, event)
    elif moves.last is not None and (moves.is_overdue(event.text) or (moves.turn is None and moves.is_late())):
        if event.text.strip():
            moves.last_final_ms = moves.now_ms
            moves.late_final(moves.last, event.text)
    elif moves.turn is not None:
        moves.turn.add_final(event.text)
    elif event.text.strip():
        moves.open_turn(moves.now_ms, by_text=True).add_final(event.text)


def final_without_speech(moves: Moves, event: ev.FinalText) -> None:
    if not event.text.strip():
        return
    moves.last_final_ms = moves.now_ms
    if moves.last is not None and moves.is_late():
        moves.late_final(moves.last, event.text)
    elif moves.policy.brain is not Brain.AUDIO:
        commit_text(moves, event.text)


def commit_text(moves: Moves, text: str) -> None:
    turn = moves.open_turn(moves.now_ms, by_text=True)
    turn.add_final(text)
    moves.commit(turn)


# -- text without speech


def typed(moves: Moves, event: ev.TypedText) -> None:
    if event.text.strip():
        commit_text(moves, event.text)


def typed_while_speaking(moves: Moves, event: ev.TypedText) -> None:
    if moves.turn is not None and event.text.strip():
        moves.turn.add_typed(event.text)


def typed_over_agent(moves: Moves, event: ev.TypedText) -> None:
    """A key or a typed line is meant: it needs no proof, and only an utterance nobody may interrupt makes it wait."""
    if not event.text.strip():
        return
    agent = moves.agent
    if moves.policy.brain is not Brain.NONE:
        if agent is not None and not agent.interruptible:
            turn = moves.open_turn(moves.now_ms, by_text=True)
            turn.add_typed(event.text)
            return
        if moves.turn is not None:
            moves.turn.add_typed(event.text)
            moves.take_floor()
            return
        moves.silence_agent(moves.policy.interruption.fade_ms)
    elif moves.turn is not None:
        moves.turn.add_typed(event.text)
        return
    commit_text(moves, event.text)
