"""The books of the machine: one turn of the caller, one utterance of the agent. No decisions are made here."""

from dataclasses import dataclass, field

from .words import begins_alike, join, without_beginning, words


@dataclass(slots=True)
class Turn:
    """What is known of one turn of the caller. It may consist of several stretches of voice and several final texts."""

    id: str
    clock_ms: int
    """Since when its length is counted."""
    stretch_ms: int
    """When the latest stretch of voice began."""
    paused_ms: int | None = None
    """When that stretch truly ended; None while the voice is on."""
    by_text: bool = False
    """No voice was detected; it is known from the recogniser's text alone."""
    finals: list[str] = field(default_factory=list)
    provisional: str = ""
    """Words whose final is overdue: a partial that we had to take at its word."""
    partial: str = ""
    final_here: bool = False
    """A final has come since the voice paused."""
    final_in_stretch: bool = False
    """A final has come since the voice began."""
    flushed_ms: int | None = None
    """When the recogniser was told to finalise, since the voice paused."""
    ended: bool = False
    """It is over whatever the silence says: the recogniser judged so, or it was too long."""
    settled: bool = False
    """Over and with its text, but the agent is speaking."""
    probability: float | None = None
    dismissed: str | None = None
    """What it had said when the agent, after holding back, took it for nothing."""
    early: str | None = None
    """The text of the early start."""
    committed_ms: int | None = None
    answered: bool = False
    """The first sample of its answer has left; it can no longer be taken back."""

    @property
    def text(self) -> str:
        return join(*self.finals, self.provisional, self.partial)

    @property
    def complete(self) -> bool:
        """No text is outstanding."""
        return self.final_here and not self.partial

    def voiced_ms(self, now_ms: int) -> int:
        """The length of the latest stretch of voice."""
        return 0 if self.by_text else (now_ms if self.paused_ms is None else self.paused_ms) - self.stretch_ms

    def pause(self, at_ms: int) -> None:
        self.paused_ms = max(at_ms, self.stretch_ms)
        if self.ended:
            return  # its text has been asked for already
        self.probability, self.flushed_ms, self.final_here = None, None, False

    def go_on(self, at_ms: int) -> None:
        """The voice is on again."""
        if self.flushed_ms is not None and not self.final_here:
            self.trust_partial()
        self.stretch_ms, self.paused_ms, self.by_text = at_ms, None, False
        self.probability, self.flushed_ms = None, None
        self.final_here = self.final_in_stretch = self.ended = self.settled = False

    def reopen(self, at_ms: int) -> None:
        """It was committed too early."""
        self.go_on(at_ms)
        self.clock_ms, self.committed_ms = at_ms, None

    def end(self, now_ms: int) -> None:
        """The recogniser itself judged that it is over: it need not be told, and the last final counts."""
        self.ended = True
        self.flushed_ms = now_ms
        self.final_here = self.final_here or self.final_in_stretch

    def break_off(self) -> None:
        """It was too long: it is over although the voice is on, and the recogniser has to be asked for the rest."""
        self.ended, self.final_here = True, False

    def add_partial(self, text: str, now_ms: int) -> None:
        self.partial = text.strip()
        if begins_alike(self.provisional, self.partial):
            self.provisional = ""  # the recogniser has not given up on those words: this is its better reading
        if self.by_text:
            self.paused_ms = now_ms

    def add_final(self, text: str) -> None:
        text = text.strip()
        # A final replaces the words it is a better reading of; words of an earlier stretch stay.
        if self.provisional and text and not begins_alike(self.provisional, text):
            self.finals.append(self.provisional)
        if text:
            self.provisional = ""
            self.finals.append(text)
        self.partial = ""
        self.final_here = self.final_in_stretch = True

    def add_typed(self, text: str) -> None:
        """Text that was not spoken; whatever is still outstanding from the recogniser stays so."""
        self.finals.append(text.strip())

    def trust_partial(self) -> None:
        """Take the partial for what was said: its final did not come in time."""
        self.provisional, self.partial = join(self.provisional, self.partial), ""

    def take_late(self, text: str) -> str:
        """What of an overdue final is new, now that it is too late to correct the text."""
        new = text.strip()
        if self.provisional and begins_alike(self.provisional, new):
            new = without_beginning(self.provisional, new)
        self.finals.append(self.provisional)
        self.provisional = ""
        return new


@dataclass(slots=True)
class Utterance:
    """What is known of what the agent says now."""

    turn_id: str | None
    """The turn it answers."""
    began_ms: int
    interruptible: bool = True
    fixed: bool = False
    """Its text needs no brain (greeting, `tts`): speech before its first sample does not make it superfluous."""
    done: bool = False
    """No more of it will come."""
    started_ms: int | None = None
    dry: bool = False
    heard: bool = False
    """All that was said of it so far was heard."""


def same_words(one: str, other: str) -> bool:
    """Whether two texts differ in case and punctuation at most."""
    return words(one) == words(other)
