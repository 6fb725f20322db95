"""Events: what the server sends, one model each. Times are Unix milliseconds, given by the caller."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, TypeAdapter, computed_field
from pydantic_core import PydanticSerializationError

from .reasons import HangupReason as HangupReason
from .reasons import Initiator as Initiator
from .reasons import hangup_reason as hangup_reason
from .reasons import reason_in_record as reason_in_record
from .wire import Instant, Spellings, Whole, WireModel


class _Event(WireModel):
    event: str
    timestamp: Whole


class _TrackEvent(WireModel):
    event: str
    track_id: str
    timestamp: Whole


class _LegEvent(_TrackEvent):
    refer: bool | None = None
    """True: the transferred leg's."""


# ---------------------------------------------------------------- the life of a call


class Incoming(_TrackEvent):
    """An inbound call is there to be accepted."""

    event: Literal["incoming"] = "incoming"
    caller: str
    callee: str
    sdp: str
    headers: dict[str, str] | None = None


class Answer(_LegEvent):
    """The call is established."""

    event: Literal["answer"] = "answer"
    sdp: str = ""
    refer: bool | None = False


class MediaReady(_TrackEvent):
    """The first audio of the other side arrived."""

    event: Literal["mediaReady"] = "mediaReady"


class Reject(_LegEvent):
    """The other side refused, or there was nothing to accept."""

    event: Literal["reject"] = "reject"
    reason: str
    code: Whole | None = None


class Ringing(_LegEvent):
    """The other side rings."""

    event: Literal["ringing"] = "ringing"
    early_media: bool = False
    refer: bool | None = False


class Attendee(WireModel):
    """One party of a SIP call."""

    username: str
    realm: str
    source: str

    @classmethod
    def of(cls, uri: str) -> "Attendee":
        """From a SIP URI, with or without display name, port and parameters."""
        source = uri.partition("<")[2].partition(">")[0] or uri
        user, at, host = re.sub(r"^sips?:", "", source, flags=re.IGNORECASE).rpartition("@")
        realm = re.match(r"\[[^\]]*\]|[^:;?>]*", host)
        return cls(username=user.partition(":")[0] if at else "", realm=realm[0] if realm else "", source=source)


class Hangup(_LegEvent):
    """The call ended; the last event of every call (with `refer` true: only the transferred leg ended)."""

    event: Literal["hangup"] = "hangup"
    reason: str | None = None
    """A `HangupReason` or another text."""
    initiator: str | None = None
    start_time: Instant
    hangup_time: Instant
    answer_time: Instant | None = None
    ringing_time: Instant | None = None
    from_: Attendee | None = Field(default=None, alias="from")
    to: Attendee | None = None
    extra: dict[str, Any] | None = None


class Inactivity(_TrackEvent):
    """Nothing was heard for `inactivityTimeout`; a hang-up follows."""

    event: Literal["inactivity"] = "inactivity"


class Hold(_LegEvent):
    """The other side put the call on hold, or took it back."""

    event: Literal["hold"] = "hold"
    on_hold: bool
    refer: bool | None = False


class TransferRequest(_LegEvent):
    """The other side asks to be transferred (SIP REFER)."""

    event: Literal["transferRequest"] = "transferRequest"
    refer_to: str
    referred_by: str | None = None


class Message(_LegEvent):
    """The other side sent a SIP MESSAGE."""

    event: Literal["message"] = "message"
    body: str
    content_type: str | None = None


# ---------------------------------------------------------------- hearing


class Speaking(_LegEvent):
    """The caller speaks."""

    event: Literal["speaking"] = "speaking"
    start_time: Whole
    is_filler: bool | None = None
    confidence: float | None = 1.0


class Silence(_LegEvent):
    """The caller fell silent, or did not speak in time."""

    event: Literal["silence"] = "silence"
    start_time: Whole
    duration: Whole


class Eou(_LegEvent):
    """The caller has finished, or has not. Sent as `completed` and as `complete`, which the Go client reads."""

    SPELLINGS: ClassVar[Spellings] = {"complete": "completed"}

    event: Literal["eou"] = "eou"
    completed: bool
    interrupt_point: Whole | None = None
    text: str | None = None

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated properties
    @property
    def complete(self) -> bool:
        return self.completed


class _Transcript(_LegEvent):
    index: Whole
    text: str
    start_time: Whole
    """Never left out: the Go client dereferences it unchecked."""
    end_time: Whole
    is_filler: bool | None = None
    confidence: float | None = None
    task_id: str | None = None


class AsrFinal(_Transcript):
    """What the caller said."""

    event: Literal["asrFinal"] = "asrFinal"


class AsrDelta(_Transcript):
    """What the caller has said so far; replaces the previous one of this `index`."""

    event: Literal["asrDelta"] = "asrDelta"


class Dtmf(_LegEvent):
    """A key was pressed: `0` to `9`, `*`, `#`, `A` to `D`."""

    event: Literal["dtmf"] = "dtmf"
    digit: str


class RingbackState(_LegEvent):
    """What the early media of an outbound call says."""

    event: Literal["ringbackState"] = "ringbackState"
    state: str
    state_index: Whole
    confidence: float
    prev_state: str | None = None
    prev_confidence: float | None = None
    is_final: bool = False


class AnswerMachineDetection(_TrackEvent):
    """A machine answered."""

    event: Literal["answerMachineDetection"] = "answerMachineDetection"
    start_time: Whole
    end_time: Whole
    text: str


# ---------------------------------------------------------------- speaking


class TrackStart(_TrackEvent):
    """Audio begins: a party's, or a playback."""

    event: Literal["trackStart"] = "trackStart"
    play_id: str | None = None


class TrackEnd(_TrackEvent):
    """Audio ended; `duration` is what was heard, in ms."""

    event: Literal["trackEnd"] = "trackEnd"
    duration: Whole
    ssrc: Whole
    play_id: str | None = None


class Interruption(_TrackEvent):
    """A playback was cut."""

    event: Literal["interruption"] = "interruption"
    play_id: str | None = None
    subtitle: str | None = None
    """What was heard."""
    position: Whole = 0
    """Characters heard."""
    total_duration: Whole
    current: Whole
    """Ms heard."""


# ---------------------------------------------------------------- the agent


class Interrupt(WireModel):
    """A realtime model was interrupted. The one event without a time."""

    event: Literal["interrupt"] = "interrupt"
    receiver: str | None = None


class FunctionCall(_TrackEvent):
    """A realtime model calls a function of the client's."""

    event: Literal["functionCall"] = "functionCall"
    call_id: str
    name: str
    arguments: str
    """JSON."""


class Metrics(_Event):
    """How long a stage took, in ms."""

    event: Literal["metrics"] = "metrics"
    key: str
    duration: Whole = 0
    data: Any = None


class AddHistory(_Event):
    """A line of the conversation."""

    event: Literal["addHistory"] = "addHistory"
    sender: str | None = None
    speaker: str
    text: str


# ---------------------------------------------------------------- the rest


class Error(_TrackEvent):
    """Something failed; the call goes on unless `hangup` follows."""

    event: Literal["error"] = "error"
    sender: str
    error: str
    code: Whole | None = None


class Custom(_Event):
    """What a client sent with `custom`."""

    event: Literal["custom"] = "custom"
    sender: str | None = None
    data: Any = None


class Other(_TrackEvent):
    """What has no event of its own."""

    event: Literal["other"] = "other"
    sender: str
    extra: dict[str, str] | None = None


class Ping(_Event):
    """The keep-alive, as it stands in dump files; on a socket it is a ping frame."""

    event: Literal["ping"] = "ping"
    payload: str | None = None


Event = (
    Incoming
    | Answer
    | MediaReady
    | Reject
    | Ringing
    | Hangup
    | Inactivity
    | Hold
    | TransferRequest
    | Message
    | Speaking
    | Silence
    | Eou
    | AsrFinal
    | AsrDelta
    | Dtmf
    | RingbackState
    | AnswerMachineDetection
    | TrackStart
    | TrackEnd
    | Interruption
    | Interrupt
    | FunctionCall
    | Metrics
    | AddHistory
    | Error
    | Custom
    | Other
    | Ping
)


def to_wire(event: Event) -> dict[str, Any]:
    """The JSON object: camelCase, `event` first, nothing that is None."""
    return event.model_dump(mode="json", by_alias=True, exclude_none=True)


def to_json(event: Event) -> str:
    """The text frame."""
    try:
        return event.model_dump_json(by_alias=True, exclude_none=True)
    except PydanticSerializationError:
        return json.dumps(event.model_dump(by_alias=True, exclude_none=True))


def event_from(data: Mapping[str, Any]) -> Event:
    """The event in a JSON object, for clients and tests. Raises `pydantic.ValidationError`."""
    return _adapter().validate_python(data)


@cache
def _adapter() -> TypeAdapter[Event]:
    return TypeAdapter(Annotated[Event, Field(discriminator="event")])
