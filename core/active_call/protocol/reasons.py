"""Why a call ended and who ended it: the words of the `hangup` command and event and of call records."""

from enum import StrEnum


class HangupReason(StrEnum):
    """Why a call ended; anything else is passed on as text."""

    BY_CALLER = "byCaller"
    BY_CALLEE = "byCallee"
    BY_REFER = "byRefer"
    BY_SYSTEM = "bySystem"
    AUTOHANGUP = "autohangup"
    INACTIVITY_TIMEOUT = "inactivityTimeout"
    NO_ANSWER = "noAnswer"
    NO_BALANCE = "noBalance"
    ANSWER_MACHINE = "answerMachine"
    SERVER_UNAVAILABLE = "serverUnavailable"
    CANCELED = "canceled"
    REJECTED = "rejected"
    FAILED = "failed"

    @classmethod
    def parse(cls, text: str) -> "HangupReason | str":
        """`caller`, `byCaller`, `BY_CALLER`, ... -> the member; an unknown text comes back as it is."""
        return _REASONS.get(text.strip().lower().replace("_", "").replace("-", ""), text)


_REASONS = {
    **{reason.value.lower(): reason for reason in HangupReason},
    **{reason.value.lower().removeprefix("by"): reason for reason in HangupReason},
    "cancelled": HangupReason.CANCELED,
}


class Initiator(StrEnum):
    """Who ended the call: a party, or `system` for commands, timers and the operator."""

    CALLER = "caller"
    CALLEE = "callee"
    SYSTEM = "system"


_BY_INITIATOR = {
    Initiator.CALLER: HangupReason.BY_CALLER,
    Initiator.CALLEE: HangupReason.BY_CALLEE,
    Initiator.SYSTEM: HangupReason.AUTOHANGUP,
}


def hangup_reason(reason: str | None, initiator: str | None = None) -> HangupReason | str:
    """What a `hangup` command means: a known `initiator` overrides `reason`; neither: by the system."""
    if initiator in _BY_INITIATOR:
        return _BY_INITIATOR[Initiator(initiator)]
    return HangupReason.parse(reason) if reason else HangupReason.BY_SYSTEM


def reason_in_record(reason: str) -> str | dict[str, str]:
    """The form in a call record: the enum's text, or `{"other": text}`."""
    known = HangupReason.parse(reason)
    return known.value if isinstance(known, HangupReason) else {"other": reason}
