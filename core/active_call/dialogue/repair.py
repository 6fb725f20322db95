"""Context repair after the agent began to answer too early (feature `context_repair`).

Until a sample of the answer was heard, turn taking itself takes the turn back and joins the texts (`Uncommit`, then a
`Commit` of the whole). This is for the answer that was cut off after its first words.
"""

from collections.abc import Sequence

from active_call.plugin.values import Message
from active_call.turns.words import join

FRAGMENT = 15
"""Characters; an answer of which more was heard has said something and stays."""


def with_caller(
    messages: Sequence[Message], text: str, *, cut_short: bool, since_ms: int, window_ms: int
) -> tuple[Message, ...]:
    """The history after the caller has said `text`.

    `cut_short`: the last answer was interrupted; `since_ms` ago its words were handed to the voice. An answer that was
    heard whole is never withdrawn, however short: "Your name?" is a question.
    """
    said = Message(role="user", content=text)
    last = messages[-1] if messages else None
    if not cut_short or since_ms >= window_ms or last is None or not _fragment(last):
        return (*messages, said)
    before = messages[-2] if len(messages) > 1 else None
    if before is None or before.role != "user":
        return (*messages[:-1], said)
    return (*messages[:-2], Message(role="user", content=join(before.content, text)))


def _fragment(message: Message) -> bool:
    return message.role == "assistant" and not message.tool_calls and len(message.content.strip()) < FRAGMENT
