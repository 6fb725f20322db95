"""Summaries: the older part of a long call while it runs (`rolling_summary`), and the whole call when it is over.

Only values: who asks the brain does so in the background, and a reply never waits for it.
"""

import re
from collections.abc import Mapping, Sequence

from active_call.playbook.tags import TagParser
from active_call.plugin.values import Message, ReplyRequest

from .snippets import Snippets

KEEP = 6
"""The newest messages stay as they are."""
MARK = "[Previous Context Summary]: "
"""Stands before the summary in the system prompt; the feature's text tells the model of it."""
KINDS = ("short", "detailed", "intent", "json")
"""What `posthook.summary` may be; anything else is a prompt of the author's."""

FENCED = re.compile(r"\A\s*```[A-Za-z]*\s*(.*?)\s*(?:```\s*)?\Z", re.DOTALL)


class RollingSummary:
    """One per call. `messages` are always the history without the system prompt.

    The summary stands outside the history, so it survives a change of scene.
    """

    def __init__(self, limit: int, *, keep: int = KEEP) -> None:
        """`limit`: messages, the system prompt included, after which (and `keep` more) older ones are summarised."""
        self.text = ""
        self._limit = limit
        self._keep = keep
        self._asked: tuple[Message, ...] | None = None
        self._not_before = 0

    def due(self, messages: Sequence[Message]) -> tuple[Message, ...] | None:
        """What is to be summarised now; None: nothing, or it is being done. `done` or `failed` must follow."""
        count = len(messages) + 1
        short = count <= self._limit + self._keep or count <= self._keep + 1
        if self._asked is not None or short or len(messages) < self._not_before:
            return None
        end = len(messages) - self._keep
        # A tool's result stays with its call.
        while end > 0 and messages[end].role == "tool":
            end -= 1
        if end <= 0:
            return None
        self._asked = tuple(messages[:end])
        return self._asked

    def request(self, older: Sequence[Message], prompt: str, *, scene: str = "default") -> ReplyRequest:
        """How to ask for the summary of `older`, which continues the one before."""
        before = [Message(role="system", content=MARK + self.text)] if self.text else []
        return ReplyRequest(messages=(*before, *older, _instruction(prompt)), reason="summary", scene=scene)

    def done(self, text: str, messages: Sequence[Message]) -> int:
        """How many of `messages`, as they are now, the summary replaces from the front.

        0: they are no longer those that were summarised, or there is no text; nothing changes.
        """
        asked, text = self._asked or (), plain(text)
        if not text or not asked or tuple(messages[: len(asked)]) != asked:
            self.failed(messages)
            return 0
        self._asked, self._not_before = None, 0
        self.text = text
        return len(asked)

    def failed(self, messages: Sequence[Message]) -> None:
        """Nothing changes; it is tried again when as much more was said as is kept."""
        self._asked = None
        self._not_before = len(messages) + self._keep

    def added_to(self, system_prompt: str) -> str:
        """The system prompt with the summary at its end."""
        return f"{system_prompt}\n\n{MARK}{self.text}" if self.text else system_prompt


def rolling_prompt(language: str, snippets: Snippets) -> str:
    """What the brain is asked for while the call runs."""
    return snippets.find("summary_rolling", language) or "Summarise the key details and intent of this conversation."


# -- when the call is over


def post_call_prompt(summary: str | None, language: str, snippets: Snippets) -> str | None:
    """What `posthook.summary` means; None: no summary is wanted."""
    wanted = (summary or "").strip()
    if wanted.lower() in KINDS:
        return snippets.find(f"summary_{wanted.lower()}", language)
    return wanted or None


def post_call_request(
    messages: Sequence[Message],
    prompt: str,
    *,
    system: str = "",
    scene: str = "default",
    variables: Mapping[str, str] | None = None,
) -> ReplyRequest:
    """How to ask for it. `system` is the last scene's text, which an author's prompt may refer to."""
    before = [Message(role="system", content=system)] if system.strip() else []
    asked = (*before, *messages, _instruction(prompt))
    return ReplyRequest(messages=asked, reason="summary", scene=scene, variables=dict(variables or {}))


def plain(text: str) -> str:
    """A summary as the brain wrote it, without tags, the fence around it and spare blanks."""
    parser = TagParser()
    pieces = [*parser.feed(text), *parser.close()]
    speech = "".join(piece for piece in pieces if isinstance(piece, str))
    fenced = FENCED.match(speech)
    return (fenced[1] if fenced else speech).strip()


def _instruction(prompt: str) -> Message:
    return Message(role="user", content=prompt)
