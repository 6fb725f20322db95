"""What is to be done: the outputs of `TurnMachine.step`, carried out in order by whoever called it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TurnBegan:
    """The caller has (perhaps) begun a turn. Every turn ends in a `Commit` or a `DropTurn`, or with the call."""

    turn_id: str


@dataclass(frozen=True, slots=True)
class StartFollowUp:
    """Nobody speaks and nobody has to: start the follow-up timer anew. Emitted whenever the machine becomes idle."""


@dataclass(frozen=True, slots=True)
class StopFollowUp:
    """Stop the follow-up timer. Emitted whenever the machine ceases to be idle."""


@dataclass(frozen=True, slots=True)
class AskTurnModel:
    """Ask whether the caller is done; the answer is `TurnModelSaid`."""

    turn_id: str


@dataclass(frozen=True, slots=True)
class EndOfTurn:
    """Tell the recogniser to yield the `FinalText` of what it has heard. May come again if the same turn goes on."""

    turn_id: str


@dataclass(frozen=True, slots=True)
class StartEarly:
    """Ask the brain now, on a snapshot of the history and this text; nothing may come of it before `Commit`."""

    turn_id: str
    text: str


@dataclass(frozen=True, slots=True)
class DiscardEarly:
    """Cancel the early start and forget it."""

    turn_id: str


@dataclass(frozen=True, slots=True)
class Commit:
    """`text` is the caller's turn: it goes to the history, and the brain is asked for the answer."""

    turn_id: str
    text: str
    """The whole text, carried and merged words included. Blank only for a brain that hears audio."""
    early: bool = False
    """The early start was made with these words: go on with it instead of asking again."""


@dataclass(frozen=True, slots=True)
class Uncommit:
    """Take the turn's text out of the history again, with all that came of it; the same id will be committed anew."""

    turn_id: str


@dataclass(frozen=True, slots=True)
class Amend:
    """The text of a committed turn is now `text` (the whole of it). Nobody is asked."""

    turn_id: str
    text: str


@dataclass(frozen=True, slots=True)
class AppendToNextTurn:
    """Words that came too late for their turn. The machine keeps them: the next `Commit` already begins with them.

    For the log, and for the record of a call that ends before there is a next turn.
    """

    text: str


@dataclass(frozen=True, slots=True)
class DropTurn:
    """Nothing was said; the turn leaves no trace."""

    turn_id: str


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Stop the brain and the voice that answer this turn. None: the utterance that answers no turn."""

    turn_id: str | None


@dataclass(frozen=True, slots=True)
class HoldBack:
    """Pause playback, after fading for `fade_ms`. `Cut` or `Resume` follows, or the call ends."""

    fade_ms: int


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on where playback was held back."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut playback and drop what is queued; the history keeps what was heard."""

    fade_ms: int


@dataclass(frozen=True, slots=True)
class Apologise:
    """Say the line for failures."""


Effect = (
    TurnBegan
    | StartFollowUp
    | StopFollowUp
    | AskTurnModel
    | EndOfTurn
    | StartEarly
    | DiscardEarly
    | Commit
    | Uncommit
    | Amend
    | AppendToNextTurn
    | DropTurn
    | CancelReply
    | HoldBack
    | Resume
    | Cut
    | Apologise
)
