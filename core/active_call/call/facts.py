"""What is known of a call: who, when, how it ended. The `hangup` event, `/list` and the call record are made of it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from active_call.protocol import events as ev
from active_call.protocol.options import CallOption, dump
from active_call.protocol.reasons import HangupReason, Initiator, reason_in_record
from active_call.protocol.wire import rfc3339
from active_call.store.records import CallRecord, Media

ANSWERED_CODE = 200


@dataclass(slots=True)
class CallFacts:
    """Times are epoch milliseconds."""

    id: str
    call_type: str
    started_ms: int
    option: CallOption | None = None
    ringing_ms: int | None = None
    answered_ms: int | None = None
    track_started_ms: int | None = None
    """When the caller's track began; None: there was none."""
    caller: str = ""
    callee: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    """The agent's, as they are now."""
    end: tuple[str, str] | None = None
    """Reason and initiator; the first ones count."""

    @property
    def reason(self) -> str:
        return self.end[0] if self.end else HangupReason.BY_SYSTEM

    @property
    def initiator(self) -> str:
        return self.end[1] if self.end else Initiator.SYSTEM

    def built_ins(self) -> dict[str, str]:
        """The variables that every call begins with: the client's own, and what is known of the call."""
        return {
            **((self.option.extra or {}) if self.option else {}),
            "session_id": self.id,
            "call_type": self.call_type.lower(),
            "caller": self.caller,
            "callee": self.callee,
            "start_time": rfc3339(self.started_ms),
        }

    def summary(self) -> dict[str, Any]:
        """An item of `/list`; secrets are hidden."""
        return {
            "id": self.id,
            "callType": self.call_type,
            "cs.option": dump(self.option) if self.option is not None else None,
            "ringTime": rfc3339(self.ringing_ms) if self.ringing_ms else None,
            "startTime": rfc3339(self.answered_ms) if self.answered_ms else None,
        }

    def hangup(self, now_ms: int) -> ev.Hangup:
        return ev.Hangup(
            track_id=self.id,
            timestamp=now_ms,
            reason=self.reason,
            initiator=self.initiator,
            start_time=self.started_ms,
            hangup_time=now_ms,
            answer_time=self.answered_ms,
            ringing_time=self.ringing_ms,
            from_=ev.Attendee.of(self.caller) if self.caller else None,
            to=ev.Attendee.of(self.callee) if self.callee else None,
            extra=dict(self.variables) or None,
        )

    def record(self, end_ms: int, recordings: tuple[Media, ...], dump_file: Path | None) -> CallRecord:
        """The call record: 200 once it was answered, whatever the end, else 0."""
        return CallRecord(
            call_type=self.call_type,
            call_id=self.id,
            option=dump(self.option) if self.option is not None else {},
            start_ms=self.started_ms,
            ring_ms=self.ringing_ms,
            answer_ms=self.answered_ms,
            end_ms=end_ms,
            caller=self.caller,
            callee=self.callee,
            status_code=ANSWERED_CODE if self.answered_ms else 0,
            hangup_reason=reason_in_record(self.reason),
            recorder=recordings,
            extras=dict(self.variables),
            dump_event_file=dump_file,
        )
