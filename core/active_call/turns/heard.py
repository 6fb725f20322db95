"""What the caller really heard of an utterance, as the playback ledger counted it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard; history, `interruption`, `trackEnd`, subtitles and realtime truncation all use it."""

    utterance_id: str
    text: str
    """The words heard: `full_text[:position]`."""
    position: int
    """Index of the first character that was not heard."""
    total_chars: int
    heard_ms: int
    total_ms: int
    """Length of the audio received from the voice so far; it grows while the voice still delivers."""
    complete: bool
    """All of it was heard, and no more is to come."""
