"""What was said, as a model is told it: never a word of ours that was not heard, never one the caller did not say."""

from dataclasses import dataclass

from active_call.plugin.values import Message
from active_call.turns.heard import Heard


@dataclass(slots=True)
class _Entry:
    message: Message
    utterance_id: str | None = None


class History:
    def __init__(self) -> None:
        self._entries: list[_Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(entry.message for entry in self._entries)

    def caller(self, text: str) -> None:
        self._entries.append(_Entry(Message(role="user", content=text)))

    def take_back(self) -> str | None:
        """Undo the newest caller message (the caller went on speaking); returns its text."""
        for index in range(len(self._entries) - 1, -1, -1):
            if self._entries[index].message.role == "user":
                return self._entries.pop(index).message.content
        return None

    def amend(self, text: str) -> None:
        """The newest caller message is now `text`."""
        for entry in reversed(self._entries):
            if entry.message.role == "user":
                entry.message = Message(role="user", content=text)
                return

    def note(self, text: str) -> None:
        """A fact for the model, e.g. the result of a request."""
        self._entries.append(_Entry(Message(role="system", content=text)))

    def drop_first(self, count: int) -> None:
        """The oldest `count` messages are in a summary now."""
        del self._entries[:count]

    def agent(self, utterance_id: str, text: str) -> None:
        """What the agent is about to say, tags included, until the ledger says how much was heard."""
        for entry in self._entries:
            if entry.utterance_id == utterance_id:
                entry.message = Message(role="assistant", content=text)
                return
        self._entries.append(_Entry(Message(role="assistant", content=text), utterance_id))

    def heard(self, heard: Heard) -> None:
        """Truncate that utterance to what was heard; nothing heard, nothing said."""
        for entry in self._entries:
            if entry.utterance_id == heard.utterance_id and not heard.complete:
                text = heard.text.strip()
                if text:
                    entry.message = Message(role="assistant", content=text)
                else:
                    self._entries.remove(entry)
                return
