"""Where an agent's words go. Playback is one mouth, a chat in the terminal another, tests have a third."""

from typing import Protocol

from active_call.playbook.acts import Act


class Mouth(Protocol):
    """An utterance is begun, gets speech and acts in order, and is finished; plain calls.

    An act is carried out when all speech before it was heard, or never.
    """

    def begin(self, utterance_id: str) -> None: ...
    def say(self, utterance_id: str, text: str, *, emotion: str | None = None) -> None:
        """One sentence or clause, blanks included: the pieces joined are the reply.

        `emotion`: how the model wants it said, as it wrote it; a mouth that cannot leaves it out.
        """
        ...

    def act(self, utterance_id: str, act: Act) -> None: ...
    def finish(self, utterance_id: str) -> None: ...
