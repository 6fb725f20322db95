"""`{{ name }}` in a script's texts, and the tags in which a reply tells what it does."""

import re
from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

_PLACE = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
_SENTENCE_END = re.compile(r"(?<=[。！？\n])|(?<=[.!?])(?=\s)")
_NOT_SPOKEN = str.maketrans("", "", "<>{}`")
"""What a caller said may be spoken back but never be read as a tag or as a JSON reply."""


def render(template: str, variables: Mapping[str, str]) -> str:
    """Fill the places; an unknown name becomes nothing."""
    return _PLACE.sub(lambda place: variables.get(place[1], ""), template)


def render_speech(template: str, variables: Mapping[str, str]) -> str:
    """As `render`, but values cannot open a tag; the tags that the author wrote stay."""
    spoken = _PLACE.sub(lambda place: variables.get(place[1], "").translate(_NOT_SPOKEN), template)
    return spoken.strip()


def sentences(text: str) -> Iterator[str]:
    """The text in pieces that end with a sentence; joined they are the text."""
    yield from (piece for piece in _SENTENCE_END.split(text) if piece)


def tag(name: str, **attributes: str) -> str:
    """`<name key="value"/>`, escaped."""
    inside = "".join(
        f' {key}="{escape(value, {chr(34): "&quot;", chr(10): "&#10;"})}"' for key, value in attributes.items()
    )
    return f"<{name}{inside}/>"
