"""Call records (CDR): what is known of a call once it is over, as the JSON that sinks receive.

The keys, their order and the file names are the wire's: `docs/reference/call-records.md`.
"""

import json
import logging
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .hiding import hide

log = logging.getLogger(__name__)

_NAMESPACE = uuid.UUID("6f6e6c79-6f6e-6365-8000-63616c6c7264")
_UNSAFE = re.compile(r"[^A-Za-z0-9._:@+=-]|\.(?=\.)")
"""What a session id cannot hold; a track's name may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """One recording of a call."""

    track_id: str
    path: Path
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """Times are Unix milliseconds. `option` is the call option as the protocol dumps it: without its secrets."""

    call_type: str
    """`webSocket`, `webrtc`, `sip`, `b2bua`."""
    call_id: str
    option: Mapping[str, Any]
    start_ms: int
    ring_ms: int | None = None
    answer_ms: int | None = None
    end_ms: int
    caller: str = ""
    callee: str = ""
    status_code: int = 0
    """As SIP has them; 0: it never came to an answer or a refusal."""
    hangup_reason: str | Mapping[str, str]
    """A name of the protocol's, or `{"other": text}`."""
    recorder: tuple[Media, ...] = ()
    extras: Mapping[str, Any] = field(default_factory=dict)
    """The call's variables."""
    dump_event_file: Path | None = None
    refer_callrecord: "CallRecord | None" = None
    """Of the leg that the caller was transferred to."""

    def as_json(self, secrets: Iterable[str] = ()) -> dict[str, Any]:
        """The JSON object, without what is absent. The values `secrets` are `***` wherever they stand in it."""
        # Through text: what is not JSON becomes text too, so that no variable of a playbook can lose a record.
        plain = json.loads(json.dumps(self._fields(), default=str))
        hidden: dict[str, Any] = hide(plain, secrets)
        return hidden

    def _fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "callType": self.call_type,
            "option": dict(self.option),
            "callId": self.call_id,
            "startTime": rfc3339(self.start_ms),
            "ringTime": None if self.ring_ms is None else rfc3339(self.ring_ms),
            "answerTime": None if self.answer_ms is None else rfc3339(self.answer_ms),
            "endTime": rfc3339(self.end_ms),
            "caller": self.caller,
            "callee": self.callee,
            "statusCode": self.status_code,
            "hangupReason": self.hangup_reason,
            "recorder": [{"trackId": m.track_id, "path": str(m.path), "size": m.size} for m in self.recorder] or None,
            "extras": dict(self.extras) or None,
            "dumpEventFile": None if self.dump_event_file is None else str(self.dump_event_file),
            "referCallrecord": None if self.refer_callrecord is None else self.refer_callrecord._fields(),
        }
        return {key: value for key, value in fields.items() if value is not None}


def rfc3339(unix_ms: int) -> str:
    """`2026-11-23T06:22:54.433Z`"""
    seconds, ms = divmod(unix_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03}Z"


# ---------------------------------------------------------------- names, from a record as it arrives at a sink


def idempotency_key(record: Mapping[str, Any]) -> str:
    """The same UUID at every attempt to deliver this record, and of no other record."""
    return str(uuid.uuid5(_NAMESPACE, f"{record['callId']} {record['startTime']}"))


def record_name(record: Mapping[str, Any]) -> str:
    """`YYYYMMDD/YYYYMMDD-HHMMSS_<callId>.json`: when the call began, in local time as in the reference."""
    began = _began(record)
    return f"{began:%Y%m%d}/{began:%Y%m%d-%H%M%S}_{_safe(record['callId'])}.json"


def media_name(record: Mapping[str, Any], track_id: str, path: Path) -> str:
    """`YYYYMMDD/<callId>_<trackId>_<file>`"""
    return f"{_began(record):%Y%m%d}/{_safe(record['callId'])}_{_safe(track_id)}_{_safe(path.name)}"


def events_name(record: Mapping[str, Any]) -> str:
    """`YYYYMMDD/<callId>.jsonl`"""
    return f"{_began(record):%Y%m%d}/{_safe(record['callId'])}.jsonl"


def media_of(record: Mapping[str, Any]) -> list[tuple[str, Path]]:
    """Track and file of each recording, of the transferred leg too."""
    inner = record.get("referCallrecord")
    own = [(media["trackId"], Path(media["path"])) for media in record.get("recorder", ())]
    return own + (media_of(inner) if inner else [])


def events_of(record: Mapping[str, Any]) -> Path | None:
    """The dump file of the call's events."""
    file = record.get("dumpEventFile")
    return Path(file) if file else None


def there(file: Path) -> bool:
    """Whether a record's file still exists. One that is gone must not hold back the record: it is logged."""
    if file.is_file():
        return True
    log.warning("call record: %s is gone; the record is delivered without it", file.name)
    return False


def to_text(record: Mapping[str, Any]) -> str:
    """As it is written and sent."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def _began(record: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(record["startTime"]).astimezone()


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name)
