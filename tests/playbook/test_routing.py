"""Which playbook answers."""

from datetime import UTC, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.playbook.routing import RoutingError, Span, bare_number, read_routing, read_span

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday


def choose(
    rules: list[dict[str, Any]],
    *,
    caller: str = "sip:+15550100@example.com",
    callee: str = "sip:100@example.com",
    now: datetime = NOON,
    **other: Any,
) -> str | None:
    return read_routing(rules, **other).playbook(caller, callee, now)


@pytest.mark.parametrize(
    ("uri", "number"),
    [
        ("sip:+15550100@example.com", "+15550100"),
        ('"Ada" <sip:+1-555-0100;phone-context=x@example.com:5060;transport=tcp>;tag=1', "+15550100"),
        ("tel:+1(555)0100;ext=7", "+15550100"),
        ("sips:%2B15550100@example.com", "+15550100"),
        ("sip:anne-marie@example.com", "anne-marie"),
        ("sip:bob:secret@example.com", "bob"),
        ("sip:example.com", ""),
        ("+1 555 0100", "+15550100"),
        ("100", "100"),
        ("", ""),
    ],
)
def test_the_bare_number_is_what_a_person_calls_it(uri: str, number: str) -> None:
    assert bare_number(uri) == number


def test_an_anchored_pattern_finds_the_number_and_the_whole_uri_is_searched_too() -> None:
    rules = [{"caller": r"^\+1", "playbook": "us.md"}, {"caller": r"@example\.com", "playbook": "domain.md"}]
    assert choose(rules) == "us.md"
    assert choose(rules, caller="sip:+49301@example.com") == "domain.md"
    assert choose([{"caller": r"^sip:\+1", "playbook": "us.md"}]) == "us.md"


def test_the_first_rule_of_which_all_holds_wins_then_the_default_then_nobody() -> None:
    rules = [
        {"caller": r"^\+1", "callee": "^200$", "playbook": "a.md"},
        {"callee": "^100$", "playbook": "b.md"},
        {"playbook": "c.md"},
    ]
    assert choose(rules) == "b.md"
    assert choose(rules, callee="sip:200@example.com") == "a.md"
    assert choose(rules[:1], default="d.md") == "d.md"
    assert choose(rules[:1]) is None
    assert read_routing(rules, default="a.md").playbooks == ("a.md", "b.md", "c.md")


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("mon-fri 9:00-18:00", ["Mon 09:00", "Fri 17:59"], ["Mon 08:59", "Mon 18:00", "Sat 12:00"]),
        ("22:00-6:00", ["Mon 22:00", "Tue 05:59"], ["Mon 12:00", "Mon 06:00"]),
        ("fri 22:00-6:00", ["Fri 23:00", "Sat 03:00"], ["Fri 03:00", "Sun 03:00", "Sat 23:00"]),
        ("Sat, Sunday", ["Sat 00:00", "Sun 23:59"], ["Mon 00:00"]),
        ("fri-mon", ["Fri 12:00", "Sun 12:00", "Mon 12:00"], ["Tue 12:00", "Thu 12:00"]),
        ("18:00-24:00", ["Mon 23:59"], ["Tue 00:00"]),
    ],
)
def test_a_span_holds_its_hours(text: str, inside: list[str], outside: list[str]) -> None:
    days = {"Mon": 23, "Tue": 24, "Wed": 25, "Thu": 26, "Fri": 27, "Sat": 28, "Sun": 29}

    def at(moment: str) -> datetime:
        day, clock = moment.split()
        return datetime.combine(datetime(2026, 11, days[day]), time.fromisoformat(clock))

    span = read_span(text)
    assert [moment for moment in inside if not span.holds(at(moment))] == []
    assert [moment for moment in outside if span.holds(at(moment))] == []


def test_hours_are_those_of_the_time_zone() -> None:
    rules = [{"time": "mon 13:00-14:00", "time_zone": "Europe/Berlin", "playbook": "open.md"}]
    assert choose(rules, default="closed.md") == "open.md"  # noon in London is one o'clock in Berlin
    assert choose(rules, default="closed.md", now=NOON.replace(month=7, day=20, hour=11)) == "open.md"  # summer time
    assert choose(rules, default="closed.md", now=NOON.replace(hour=13)) == "closed.md"
    several = [{"time": ["sat", "mon 11:00-13:00"], "playbook": "open.md"}]
    assert choose(several, default="closed.md") == "open.md"
    assert choose(several, default="closed.md", time_zone="Asia/Tokyo") == "closed.md"


@given(begin=st.integers(0, 1439), end=st.integers(0, 1439), at=st.integers(0, 1439))
def test_a_span_and_the_span_of_the_other_hours_share_no_minute(begin: int, end: int, at: int) -> None:
    if begin == end or 0 in (begin, end):
        return
    first, second = (time(*divmod(minute, 60)) for minute in (begin, end))
    now = datetime(2026, 11, 23, *divmod(at, 60))
    assert Span(begin=first, end=second).holds(now) is not Span(begin=second, end=first).holds(now)


def test_every_problem_of_the_rules_is_told_with_its_place() -> None:
    with pytest.raises(RoutingError) as raised:
        read_routing(
            [
                {"caller": "+1", "playbook": "a.md"},
                {"callr": "x", "time": "noon", "time_zone": "Mars/Olympus"},
                {"playbook": "a.md", "time": ["25:00-26:00", "mon-xyz", "9:00-9:00"]},
            ]
        )
    text = "\n".join(raised.value.problems)
    assert "rules[0].caller is not a regular expression" in text
    assert "rules[1].callr is not a key" in text
    assert "rules[1].playbook is missing" in text
    assert "rules[1].time: 'noon'" in text
    assert "there is no time zone 'Mars/Olympus'" in text
    assert "25:00 is no time of day" in text
    assert "'mon-xyz' are no days" in text
    assert "ends when it begins" in text
