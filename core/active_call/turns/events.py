"""What happens to a turn: the inputs of `TurnMachine.step`.

All times are milliseconds of the one monotonic clock. Media translates voice edges, recogniser output and notices of
the playback ledger into these; a realtime session reports the same ones.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller's voice is on."""

    at_ms: int
    """When it truly began, before the detector was sure."""


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The caller's voice is off, perhaps for good."""

    at_ms: int
    """When speech truly ended; silence counts from here, not from when we were told."""


@dataclass(frozen=True, slots=True)
class TurnModelSaid:
    """The turn model's verdict on the present pause. Verdicts on a pause that is over are not passed on."""

    probability: float
    """That the caller is done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class PartialText:
    """What the recogniser believes so far; replaces the previous one. Never repeats what a `FinalText` has settled."""

    text: str


@dataclass(frozen=True, slots=True)
class FinalText:
    """A piece of speech, settled. A turn may have several. Blank: nothing was said."""

    text: str


@dataclass(frozen=True, slots=True)
class RecogniserEndedTurn:
    """A recogniser (or realtime model) that judges ends of turns itself says this one is over."""


@dataclass(frozen=True, slots=True)
class TypedText:
    """Text without speech: typed, or the meaning of a key pressed."""

    text: str


@dataclass(frozen=True, slots=True)
class AgentBegins:
    """The agent says something that answers no turn: greeting, follow-up, prompt, a controller's `tts`."""

    interruptible: bool = True
    complete: bool = True
    """Its text is fixed. False: a brain makes it, and `ReplyDone` says when there is no more."""


@dataclass(frozen=True, slots=True)
class ReplyReady:
    """The first sentence of a reply was handed to playback."""


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """The brain's stream is complete; all of it was handed to playback."""


@dataclass(frozen=True, slots=True)
class ReplyFailed:
    """The brain (or every voice) failed; no more of this reply will come."""


@dataclass(frozen=True, slots=True)
class PlaybackStarted:
    """The first sample of the utterance has left."""


@dataclass(frozen=True, slots=True)
class PlaybackDry:
    """Nothing is queued now; the leg may still hold the last samples."""


@dataclass(frozen=True, slots=True)
class PlaybackHeard:
    """Everything said so far was heard, to the last sample."""


@dataclass(frozen=True, slots=True)
class InterruptCommand:
    """Somebody in charge wants the agent to be silent."""


@dataclass(frozen=True, slots=True)
class SceneChanged:
    """Instructions, tools or policy are no longer the same."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """The call is over."""


@dataclass(frozen=True, slots=True)
class Tick:
    """`TurnMachine.deadline_ms` has come."""


Event = (
    SpeechStarted
    | SpeechPaused
    | TurnModelSaid
    | PartialText
    | FinalText
    | RecogniserEndedTurn
    | TypedText
    | AgentBegins
    | ReplyReady
    | ReplyDone
    | ReplyFailed
    | PlaybackStarted
    | PlaybackDry
    | PlaybackHeard
    | InterruptCommand
    | SceneChanged
    | HangUp
    | Tick
)
