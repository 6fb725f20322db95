"""Commands: what a client sends, one model each, and the parser that says what is wrong with the rest."""

import difflib
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, get_args

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails, from_json

from .options import CallOption, RecorderOption, ReferOption, SynthesisOption, overlay
from .wire import U32, Spellings, StringMap, WireModel


class Invite(WireModel):
    """Begin the call."""

    command: Literal["invite"] = "invite"
    option: CallOption = Field(default_factory=CallOption)


class Accept(WireModel):
    """Answer the pending inbound call."""

    command: Literal["accept"] = "accept"
    option: CallOption = Field(default_factory=CallOption)


class Reject(WireModel):
    """Refuse the pending inbound call."""

    command: Literal["reject"] = "reject"
    reason: str = ""
    code: U32 | None = None
    """SIP status; None: 603."""


class Ringing(WireModel):
    """Tell the pending inbound call that it rings, with or without early media."""

    command: Literal["ringing"] = "ringing"
    ringtone: str | None = None
    """File or URL played as early media."""
    recorder: RecorderOption | None = None
    early_media: bool = False


class Tts(WireModel):
    """Speak."""

    command: Literal["tts"] = "tts"
    text: str
    """With `base64`: raw 16-bit little-endian mono PCM."""
    speaker: str | None = None
    play_id: str | None = None
    auto_hangup: bool = False
    streaming: bool = False
    end_of_stream: bool = False
    option: SynthesisOption | None = None
    wait_input_timeout: U32 | None = None
    """Ms."""
    base64: bool = False
    cache_key: str | None = None

    @property
    def ends_stream(self) -> bool:
        """A command that does not stream is complete in itself."""
        return self.end_of_stream or not self.streaming

    def voice(self, session: SynthesisOption | None) -> SynthesisOption | None:
        """How to speak this in a session whose `tts` option is `session`; the command's own `speaker` comes first."""
        option = overlay(session, self.option)
        if self.speaker is None:
            return option
        return (option or SynthesisOption()).model_copy(update={"speaker": self.speaker})


class Play(WireModel):
    """Play a file or URL."""

    command: Literal["play"] = "play"
    url: str
    play_id: str | None = None
    auto_hangup: bool = False
    wait_input_timeout: U32 | None = None
    """Ms."""
    offset_ms: U32 | None = None

    @property
    def track_play_id(self) -> str:
        """The id in the events; the URL when none was given."""
        return self.play_id or self.url


class Interrupt(WireModel):
    """Stop what is being played."""

    command: Literal["interrupt"] = "interrupt"
    graceful: bool = False
    """Finish the sentence being heard."""
    fade_out_ms: U32 | None = None


class Pause(WireModel):
    """Hold what is being played."""

    command: Literal["pause"] = "pause"


class Resume(WireModel):
    """Go on with what was paused."""

    command: Literal["resume"] = "resume"


class Hangup(WireModel):
    """End the call, or with `refer` only the transferred leg."""

    command: Literal["hangup"] = "hangup"
    reason: str | None = None
    initiator: str | None = None
    headers: StringMap | None = None
    """Added to the BYE."""
    refer: bool = False


class Refer(WireModel):
    """Transfer the caller."""

    command: Literal["refer"] = "refer"
    caller: str = ""
    """Empty: the original caller."""
    callee: str
    options: ReferOption = Field(default_factory=ReferOption)


class Message(WireModel):
    """Send a SIP MESSAGE within the call."""

    SPELLINGS: ClassVar[Spellings] = {"text": "body"}

    command: Literal["message"] = "message"
    body: str
    content_type: str = "text/plain;charset=utf-8"
    headers: StringMap | None = None
    refer: bool = False


class Bridge(WireModel):
    """Connect the audio of this call with another's."""

    command: Literal["bridge"] = "bridge"
    target_session_id: str


class Unbridge(WireModel):
    """Undo `bridge`."""

    command: Literal["unbridge"] = "unbridge"
    target_session_id: str


class Mute(WireModel):
    """Silence one track, or all."""

    command: Literal["mute"] = "mute"
    track_id: str | None = None


class Unmute(WireModel):
    """Undo `mute`."""

    command: Literal["unmute"] = "unmute"
    track_id: str | None = None


class History(WireModel):
    """Note what was said; comes back as `addHistory`."""

    command: Literal["history"] = "history"
    speaker: str
    text: str


class Custom(WireModel):
    """Anything; comes back as a `custom` event to all readers of the call."""

    KEEPS_NULL: ClassVar[frozenset[str]] = frozenset({"data"})

    command: Literal["custom"] = "custom"
    data: Any
    sender: str | None = None


class AddIceCandidate(WireModel):
    """Trickle ICE; an empty candidate ends the candidates."""

    SPELLINGS: ClassVar[Spellings] = {"sdpMLineIndex": "sdp_mline_index"}

    command: Literal["addIceCandidate"] = "addIceCandidate"
    candidate: str
    sdp_mid: str | None = None
    sdp_mline_index: U32 | None = None


Command = (
    Invite
    | Accept
    | Reject
    | Ringing
    | Tts
    | Play
    | Interrupt
    | Pause
    | Resume
    | Hangup
    | Refer
    | Message
    | Bridge
    | Unbridge
    | Mute
    | Unmute
    | History
    | Custom
    | AddIceCandidate
)

COMMANDS: Mapping[str, type[Command]] = {kind.model_fields["command"].default: kind for kind in get_args(Command)}
"""By the name on the wire."""


class BadCommand(Exception):
    """A text that is no command. Carries no value of it, only where it is wrong, so it may be logged and sent back."""

    def __init__(self, place: str, problem: str, remedy: str) -> None:
        self.place, self.problem, self.remedy = place, problem, remedy
        super().__init__(f"{place}: {problem}; {remedy}")


def parse_command(text: str | bytes) -> Command:
    """The command in one text frame. Raises `BadCommand`."""
    try:
        data = from_json(text.encode() if isinstance(text, str) else text, allow_inf_nan=False)
    except UnicodeEncodeError:  # a str with half a surrogate pair
        raise BadCommand("text", "not valid Unicode", "send UTF-8") from None
    except ValueError as error:
        problem, _, where = str(error).partition(" at line ")
        place = f"line {where}" if where else "text"
        raise BadCommand(place, f"not JSON: {problem}", 'send one object, e.g. {"command":"hangup"}') from None
    return command_from(data)


def command_from(data: Any) -> Command:
    """The command in a JSON value. Raises `BadCommand`.

    The model is found by a look-up in `COMMANDS`: what a tagged union would do, with better errors.
    """
    if not isinstance(data, dict):
        raise BadCommand("command", f"expected an object, got {_json_type(data)}", 'send e.g. {"command":"hangup"}')
    name = data.get("command")
    if not isinstance(name, str):
        raise _unnamed(data)
    kind = COMMANDS.get(name)
    if kind is None:
        raise BadCommand("command", f"unknown command {_short(name)!r}", _did_you_mean(name))
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise _explained(name, error) from None


def _unnamed(data: dict[Any, Any]) -> BadCommand:
    if data.get("command") is not None:
        return BadCommand(
            "command", f"should be a string, got {_json_type(data['command'])}", f"one of {', '.join(COMMANDS)}"
        )
    other = next((key for key in data if isinstance(key, str) and key.lower() == "command"), None)
    if other is not None:
        return BadCommand("command", "missing", f'the key is "command", not "{other}"')
    return BadCommand("command", "missing", f'name one: {{"command":"..."}} with {", ".join(COMMANDS)}')


def _did_you_mean(name: str) -> str:
    known = {command.lower(): command for command in COMMANDS}
    close = difflib.get_close_matches(name[:64].lower(), known, n=1)
    return f'did you mean "{known[close[0]]}"?' if close else f"known are {', '.join(COMMANDS)}"


def _explained(command: str, error: ValidationError) -> BadCommand:
    first, *others = error.errors(include_url=False, include_context=False)
    place = _short(".".join((command, *map(str, first["loc"]))), 120)
    more = f" (and {len(others)} more)" if others else ""
    if first["type"] == "missing":
        return BadCommand(place, f"missing{more}", f'"{first["loc"][-1]}" must be given')
    return BadCommand(place, f"{_requirement(first)}{more}", "correct the value")


_WANTED = {
    "string_type": "should be a string",
    "model_type": "should be an object",
    "dict_type": "should be an object",
    "list_type": "should be a list",
}


def _requirement(error: ErrorDetails) -> str:
    wanted = _WANTED.get(error["type"]) or error["msg"].replace("Input should be", "should be", 1)
    return f"{wanted}, got {_json_type(error['input'])}"


def _json_type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case dict():
            return "an object"
        case list():
            return "a list"
    return type(value).__name__


def _short(text: str, limit: int = 40) -> str:
    return text if len(text) <= limit else text[:limit] + "..."
