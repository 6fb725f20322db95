"""What a reply can do besides speaking: the values that the tags of a playbook stand for."""

from dataclasses import dataclass
from typing import Literal

HttpMethod = Literal["GET", "POST", "PUT"]


@dataclass(frozen=True, slots=True)
class Hangup:
    """`<hangup/>`: end the call once everything before it was heard."""

    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Refer:
    """`<refer to=""/>`: transfer the caller to a SIP URI or number."""

    to: str


@dataclass(frozen=True, slots=True)
class SendMessage:
    """`<message body="" contentType="" refer=""/>`: a SIP MESSAGE within the call, or on its transfer leg (`refer`)."""

    body: str
    content_type: str = "text/plain;charset=utf-8"
    refer: bool = False


@dataclass(frozen=True, slots=True)
class PlayFile:
    """`<play file=""/>`: play a file or URL at this place of the reply."""

    file: str


@dataclass(frozen=True, slots=True)
class Goto:
    """`<goto scene=""/>`: go on in another scene; no new answer is asked for."""

    scene: str


@dataclass(frozen=True, slots=True)
class SetVar:
    """`<set_var key="" value=""/>`: remember a variable of the call."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Http:
    """`<http url="" method="" body=""/>`: fetch something; the model reads the result in its next turn."""

    url: str
    method: HttpMethod = "GET"
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Collect:
    """`<collect type="" var="" prompt=""/>`: gather keypad digits by the collector `type` into the variable `var`."""

    type: str
    var: str
    prompt: str | None = None


Act = Hangup | Refer | SendMessage | PlayFile | Goto | SetVar | Http | Collect


@dataclass(frozen=True, slots=True)
class Malformed:
    """A tag that is neither spoken nor carried out."""

    text: str
    """As the model wrote it; never longer than `tags.LONGEST`."""
    problem: str
    """What is wrong with it, for a person or for the model to read."""
    name: str = ""
    """The tag's name if it is one of ours, else empty."""
