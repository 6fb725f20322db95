"""Which playbook answers an incoming call: rules on caller, callee and time, pure functions of them.

A pattern is searched for in the whole URI and in the bare number, so that `^\\+1` finds `sip:+15550100@example.com`.
Numbers of URIs: RFC 3261 section 19.1 (`sip:`), RFC 3966 (`tel:`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KEYS = ("caller", "callee", "time", "time_zone", "playbook")
URI = re.compile(r"<([^>]*)>|([a-zA-Z]+:[^\s;>]+)")
SPAN = re.compile(r"(?:(?P<days>[a-z,\- ]*[a-z])\s*)?(?:(?P<begin>\d{1,2}:\d\d)\s*-\s*(?P<end>\d{1,2}:\d\d))?")
MIDNIGHT = time(0)


class RoutingError(ValueError):
    """Rules that cannot be used; `problems` has a line each: the place, what is wrong, what to do."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of some days of the week; one that ends before it begins goes on past midnight."""

    days: frozenset[int] = frozenset(range(7))
    """0 is Monday: the day on which the span begins."""
    begin: time = MIDNIGHT
    end: time = MIDNIGHT
    """Not in it any more; midnight: to the end of the day."""

    def holds(self, now: datetime) -> bool:
        """Whether this local time is in it."""
        clock = now.time()
        today, yesterday = now.weekday(), (now - timedelta(days=1)).weekday()
        if self.end == MIDNIGHT or self.begin < self.end:
            return today in self.days and self.begin <= clock and (self.end == MIDNIGHT or clock < self.end)
        return (today in self.days and clock >= self.begin) or (yesterday in self.days and clock < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """All that is given must hold."""

    playbook: str
    caller: re.Pattern[str] | None = None
    callee: re.Pattern[str] | None = None
    spans: tuple[Span, ...] = ()
    """One of them; none given: at any time."""
    zone: tzinfo = UTC

    def matches(self, caller: str, callee: str, now: datetime) -> bool:
        return (
            _found(self.caller, caller)
            and _found(self.callee, callee)
            and (not self.spans or any(span.holds(now.astimezone(self.zone)) for span in self.spans))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """The first rule that matches, else the default, else nobody."""

    rules: tuple[Rule, ...] = ()
    default: str | None = None

    def playbook(self, caller: str, callee: str, now: datetime) -> str | None:
        """The name of the playbook for a call between these URIs (From and To); `now` is aware of its zone.

        None: the call is to be rejected.
        """
        return next((rule.playbook for rule in self.rules if rule.matches(caller, callee, now)), self.default)

    @property
    def playbooks(self) -> tuple[str, ...]:
        """Every name that can come out, each once: what has to be there when the server starts."""
        names = [rule.playbook for rule in self.rules] + ([self.default] if self.default else [])
        return tuple(dict.fromkeys(names))


def bare_number(uri: str) -> str:
    """What a person calls the number: `+15550100` of `"Ada" <sip:+1-555-0100;phone-context=x@example.com>`."""
    found = URI.search(uri)
    address = (found[1] or found[2]) if found else uri.strip()
    scheme, colon, rest = address.partition(":")
    if not colon:
        scheme, rest = "", address
    user, at, _ = rest.rpartition("@")
    if not at and scheme.lower() not in ("tel", ""):
        return ""
    number = unquote((user if at else rest).partition(";")[0].partition(":")[0])
    # Only what looks like a number loses its visual separators; `anne-marie` is a name.
    return re.sub(r"[-.() ]", "", number) if re.fullmatch(r"\+?[\d\-.() ]+", number) else number


def read_routing(
    rules: Iterable[Mapping[str, Any]], *, default: str | None = None, time_zone: str | None = None
) -> Routing:
    """From the configuration's tables. Raises `RoutingError` with every problem.

    A rule has `playbook` and any of `caller`, `callee` (regular expressions), `time` (`mon-fri 9:00-18:00`, or a list),
    `time_zone` (`Europe/Berlin`; else the one given here, else UTC).
    """
    problems: list[str] = []
    read = [_rule(rule, f"rules[{number}]", time_zone, problems) for number, rule in enumerate(rules)]
    if problems:
        raise RoutingError(problems)
    return Routing(rules=tuple(rule for rule in read if rule), default=default)


def read_span(text: str) -> Span:
    """`mon-fri 9:00-18:00`, `sat,sun`, `22:00-6:00`. Raises `ValueError`, which says how to write it."""
    found = SPAN.fullmatch(text.strip().lower())
    if found is None or not text.strip():
        raise ValueError(f"{text!r} is no time; write it as `mon-fri 9:00-18:00`, `sat,sun` or `22:00-6:00`")
    days = frozenset(day for part in (found["days"] or "mon-sun").split(",") for day in _days(part))
    if found["begin"] is None:
        return Span(days=days)
    begin, end = _clock(found["begin"]), _clock(found["end"])
    if begin == end != MIDNIGHT:
        raise ValueError(f"{text!r} ends when it begins; leave the hours out for the whole day")
    return Span(days=days, begin=begin, end=end)


def _rule(rule: Mapping[str, Any], where: str, time_zone: str | None, problems: list[str]) -> Rule | None:
    before = len(problems)
    problems += [
        f"{where}.{key} is not a key of a rule; the keys are {', '.join(KEYS)}" for key in rule.keys() - {*KEYS}
    ]
    playbook = rule.get("playbook")
    if not isinstance(playbook, str) or not playbook:
        problems.append(f"{where}.playbook is missing; name the playbook that answers")
    caller, callee = (_pattern(rule.get(side), f"{where}.{side}", problems) for side in ("caller", "callee"))
    spans = []
    times = rule.get("time")
    for text in times if isinstance(times, list | tuple) else [] if times is None else [times]:
        try:
            spans.append(read_span(str(text)))
        except ValueError as error:
            problems.append(f"{where}.time: {error}")
    zone = _zone(rule.get("time_zone", time_zone), f"{where}.time_zone", problems)
    if len(problems) > before:
        return None
    return Rule(playbook=str(playbook), caller=caller, callee=callee, spans=tuple(spans), zone=zone)


def _pattern(text: Any, where: str, problems: list[str]) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(str(text))
    except re.error as error:
        problems.append(f"{where} is not a regular expression ({error}); a literal + or . needs a backslash")
        return None


def _zone(name: Any, where: str, problems: list[str]) -> tzinfo:
    if name is None:
        return UTC
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems.append(f"{where}: there is no time zone {str(name)!r}; write it as `Europe/Berlin` or `UTC`")
        return UTC


def _days(part: str) -> Iterable[int]:
    names = [name.strip() for name in part.split("-")]
    known = [next((at for at, day in enumerate(DAYS) if len(name) > 2 and name[:3] == day), None) for name in names]
    if len(known) > 2 or None in known:
        raise ValueError(f"{part.strip()!r} are no days; the days are {', '.join(DAYS)}, and `mon-fri` is five of them")
    first, last = known[0] or 0, known[-1] or 0
    return ((first + step) % 7 for step in range((last - first) % 7 + 1))


def _clock(text: str) -> time:
    hour, minute = map(int, text.split(":"))
    if (hour, minute) == (24, 0):
        return MIDNIGHT
    if hour > 23 or minute > 59:
        raise ValueError(f"{text} is no time of day; the last is 23:59, and 24:00 is the end of the day")
    return time(hour, minute)


def _found(pattern: re.Pattern[str] | None, uri: str) -> bool:
    return pattern is None or bool(pattern.search(uri) or pattern.search(bare_number(uri)))
