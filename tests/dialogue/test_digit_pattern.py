"""Regular expressions over digits that always end."""

import re
import time
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.dialogue.digit_pattern import LONGEST_PATTERN, LONGEST_TEXT, DigitPattern, PatternError


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^\d{4}$", "1234", True),
        (r"^\d{4}$", "12345", False),
        (r"\d{4}", "12345", True),
        (r"^1[3-9]\d{9}$", "13800138000", True),
        (r"^1[3-9]\d{9}$", "12800138000", False),
        (r"^(?!0000)\d{4}$", "0000", False),
        (r"^(?!0000)\d{4}$", "0001", True),
        (r"^(?P<day>0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])$", "3112", True),
        (r"^(?P<day>0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])$", "3213", False),
        (r"\A\*?[0-9#]+\Z", "*12#", True),
        (r"(?<=9)1", "91", True),
        (r"(?<!9)1", "91", False),
        (r"[^\]\d]", "12A", True),
        ("AB", "0AB0", True),
        (r"1{,}2", "2", True),
        (r"\x31", "1", True),
        (r"\b1", "1*1", True),
        (r"\B1", "1*1", False),
        ("", "", True),
        ("a{}", "", False),
    ],
)
def test_it_finds_what_re_finds(pattern: str, text: str, found: bool) -> None:
    assert (re.search(pattern, text) is not None) is found
    assert DigitPattern(pattern).found_in(text) is found


ATOMS = st.sampled_from(["1", "2", "#", r"\*", ".", r"\d", r"\D", r"\w", "[12]", "[^1]", "^", "$", r"\b", "A", "B"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def repeated(part: str, quantifier: str) -> str:
        return f"(?:{part}){quantifier}"

    quantifiers = st.sampled_from(["*", "+", "?", "*?", "{2}", "{1,3}", "{,2}", "{2,}", "{0}", "{2,3}?"])
    return st.one_of(
        st.lists(inner, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: "(" + "|".join(parts) + ")"),
        st.builds(repeated, inner, quantifiers),
        inner.map("(?={})".format),
        inner.map("(?!{})".format),
    )


@given(st.recursive(ATOMS, _grown, max_leaves=8), st.text("12A*#", max_size=7))
def test_any_pattern_finds_what_re_finds(pattern: str, text: str) -> None:
    if len(pattern) > LONGEST_PATTERN:
        return
    assert DigitPattern(pattern).found_in(text) is (re.search(pattern, text) is not None)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^(\d+)+$",
        r"^(\d|\d\d)+#$",
        r"^(?:(?:(?:1*)*)*)*$",
        r"^" + r"(?:\d?){20}" * 16 + r"#$",
        "(" * 25 + r"\d" + "){9,}" * 25,
        r"^(?:\d{9,99}){9,99}$",
    ],
)
def test_a_pattern_that_would_stop_every_call_ends_at_once(pattern: str) -> None:
    began = time.perf_counter()
    DigitPattern(pattern).found_in("1" * (LONGEST_TEXT - 1) + "*")
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("[0-9", "not a regular expression"),
        (r"(\d)\1", "not known here"),
        ("(?i)a", "not known here"),
        ("(?>1)2", "not known here"),
        ("1++", "possessive"),
        (r"(\d)?(?(1)1|2)", "not known here"),
        ("1" * (LONGEST_PATTERN + 1), "longer than"),
        ("(" * 40 + ")" * 40, "within each other"),
        ("1{99999999999999999999}", "not a regular expression"),
    ],
)
def test_what_cannot_be_searched_in_bounded_time_is_refused_with_a_reason(pattern: str, reason: str) -> None:
    with pytest.raises(PatternError, match=reason):
        DigitPattern(pattern)


@given(st.text("(){}[]|?*+^$\\.,:!=<P>d12-", max_size=12))
def test_whatever_is_written_is_understood_as_re_does_or_refused(pattern: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # re's "possible nested set"
        try:
            compiled = DigitPattern(pattern)
        except PatternError:
            return
        for text in ("", "1", "12", "d1", "2-1"):
            assert compiled.found_in(text) is (re.search(pattern, text) is not None)


def test_a_text_that_is_too_long_does_not_match() -> None:
    assert not DigitPattern("1").found_in("1" * (LONGEST_TEXT + 1))
