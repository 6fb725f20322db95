"""What no file of the project may hold, and how long a file may be."""

import re
from pathlib import Path

import pytest
from tests.house.files import ROOT, ours, text_of

# One character in brackets each, so that this file does not find itself.
LEAKS = {
    "an address of a package registry": r"p[y]pi\.org|python[h]osted\.|registry\.npm[j]s|deb\.debia[n]\.org",
    "a path of somebody's machine": r"/wor[k]/|/hom[e]/[a-z]|/User[s]/[A-Za-z]|/tm[p]/[a-z]+_jobs|C:\\User[s]\\",
    "a private key": r"-----BEGI[N] [A-Z ]*PRIVATE KEY",
    "a key of a vendor": r"\b(s[k]-[\w-]{20,}|AKI[A][0-9A-Z]{16}|gh[pousr]_\w{30,}|AIz[a][\w-]{30,}|xo[x][bp]-\d{8,})",
}
LONGEST = 400
"""Lines: what is read in one sitting. A file that outgrows it lacks a concept, not a line in the list below."""
LONGEST_TEST = 500
"""Cases side by side are read one at a time."""
CROWDED = {Path("tests/turns/test_machine.py"): 760}
"""Longer ones. They may become shorter, never longer, and leave the list when they are short enough."""


@pytest.mark.parametrize("what", LEAKS)
def test_no_file_holds(what: str) -> None:
    found = [
        f"{path}:{number}: {line.strip()[:120]}"
        for path in ours()
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if re.search(LEAKS[what], line)
    ]
    assert not found, f"{what}:\n" + "\n".join(found)


def test_the_patterns_find_what_they_are_for() -> None:
    samples = {
        "an address of a package registry": "https://py" + "pi.org/simple",
        "a path of somebody's machine": "/ho" + "me/alice/active-call",
        "a private key": "-----BEG" + "IN RSA PRIVATE KEY-----",
        "a key of a vendor": "sk" + "-abcdefghijklmnopqrstuvwxyz",
    }
    assert {what for what, text in samples.items() if re.search(LEAKS[what], text)} == set(LEAKS)


def longest(path: Path) -> int:
    return CROWDED.get(path, LONGEST_TEST if "tests" in path.parts else LONGEST)


def test_a_file_of_code_is_read_in_one_sitting() -> None:
    lengths = {path: len(text_of(path).splitlines()) for path in ours(".py")}
    assert {path: length for path, length in lengths.items() if length > longest(path)} == {}


def test_the_list_of_long_files_has_none_that_is_short() -> None:
    assert [path for path in CROWDED if len(text_of(path).splitlines()) <= LONGEST_TEST] == []


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = [
        f"{page} -> {target}"
        for page in ours(".md")
        for target in re.findall(r"\]\(([^)\s]+)\)", _without_code(text_of(page)))
        if not _leads_somewhere(page, target)
    ]
    assert not broken


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def _leads_somewhere(page: Path, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return True
    path, _, anchor = target.partition("#")
    file = (ROOT / page.parent / path).resolve() if path else ROOT / page
    if not file.exists():
        return False
    return not anchor or anchor in {_slug(title) for title in re.findall(r"(?m)^#+ (.+)$", file.read_text("utf-8"))}


def _slug(title: str) -> str:
    """As GitHub makes an anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
