"""Cuts a stream of text into pieces that a voice can speak one by one, each as early as it sounds natural.

A piece ends with a sentence. The first piece that says anything may already end at a clause (`,` `:` or a dash) once it
holds `EARLY` characters, because the caller hears nothing before it. Short sentences are not joined. The pieces put
together are the text, blanks included; `speakable` makes of a piece what a voice should get.
"""

import re

EARLY = 40
"""Characters after which the first piece may end at a clause; a CJK character counts as three, it takes as long."""
LONGEST = 300
"""Characters of a piece; text without an end of sentence is cut at the last blank before."""

CJK = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
IS_CJK = re.compile(f"[{CJK}]")
CLOSERS = "\"'”’»)]}』」）】》*_`"
# A newline, a run of Chinese ends, a run of Latin ends, or a clause.
CANDIDATE = re.compile(r"(?P<line>\n)|(?P<wide>[。！？；]+)|(?P<latin>[.!?;…]+)|(?P<clause>[,:，、：—])")
AFTER = re.compile(rf"[{re.escape(CLOSERS)}]*")
WORDS = re.compile(r"[^\W_]")
NOT_BLANK = re.compile(r"\S")
LAST_WORD = re.compile(r"[^\s(\[\"“'‘]*\Z")

# fmt: off
NEVER_ENDS = frozenset({
    "dr", "mr", "mrs", "ms", "prof", "rev", "hon", "gen", "col", "capt", "lt", "sgt", "st", "mt", "mme", "mlle",
    "vs", "e.g", "i.e", "cf", "approx", "dept", "fig", "tel",
    "jan", "feb", "apr", "aug", "sept", "oct", "nov", "dec",
})
# fmt: on
"""Abbreviations that go on: a title before a name, a month before a day."""
BEFORE_A_NUMBER = frozenset({"no", "nos", "p", "pp", "vol"})
"""Abbreviations only in front of a digit; otherwise words of their own."""
INITIALS = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]\Z")


class SentenceSplitter:
    """Pieces come out the same however the text is fed; time is linear in the text."""

    def __init__(self) -> None:
        self._text = ""
        self._first = True

    def feed(self, text: str) -> list[str]:
        """The pieces that are complete now."""
        self._text += text
        pieces: list[str] = []
        start = 0
        while length := self._cut(self._text[start : start + LONGEST]):
            pieces.append(self._text[start : start + length])
            start += length
            self._first = self._first and not WORDS.search(pieces[-1])
        self._text = self._text[start:]
        return pieces

    def close(self) -> list[str]:
        """The rest; the splitter is then as new."""
        rest, self._text, self._first = self._text, "", True
        return [rest] if rest else []

    def _cut(self, window: str) -> int:
        """The length of the first piece of `window`, 0 if that needs more text."""
        # Blanks and stray marks wait for the words they belong to.
        words = WORDS.search(window)
        for found in CANDIDATE.finditer(window, words.end()) if words else ():
            end = _end(window, found, self._first)
            if end is None:
                break
            if end:
                return end
        if len(window) < LONGEST:
            return 0
        blank = max(window.rfind(" "), window.rfind("\n"), window.rfind("\t"))
        return blank + 1 if blank > 0 else LONGEST


def _end(window: str, found: re.Match[str], first: bool) -> int | None:
    """Where the piece that this candidate closes ends; 0: it closes none, None: that needs more text."""
    kind, at = found.lastgroup, found.end()
    if kind == "line":
        return at
    if kind == "clause" and not (first and _weight(window[: found.start()]) >= EARLY):
        return 0
    closed = AFTER.match(window, at)
    end = closed.end() if closed else at
    if end == len(window):
        return None
    if kind == "wide" or found[0] in "，、：—":
        return end
    if not window[end].isspace():
        return end if IS_CJK.match(window[end]) else 0
    if kind == "clause":
        return end + 1
    following = NOT_BLANK.search(window, end)
    if "\n" in window[end : following.start() if following else None]:
        return end + 1
    if following is None:
        return None
    return end + 1 if _ends(window[: found.start()], found[0], following[0]) else 0


def _ends(before: str, mark: str, following: str) -> bool:
    """Whether a Latin mark with a blank behind it ends a sentence, by the word before and the character after it."""
    if mark == ";":
        return True
    if following.islower():
        return False
    if mark != ".":
        return True
    match = LAST_WORD.search(before)
    word = match[0] if match else ""
    if word.lower() in NEVER_ENDS or (word.lower() in BEFORE_A_NUMBER and following.isdigit()):
        return False
    if word.lower() in ("a.m", "p.m"):
        return not following.isdigit()
    if INITIALS.match(word) or (len(word) == 1 and word.isalpha() and word.isascii() and word != "I"):
        return False
    # "1." at the start of a line or of the text numbers an item.
    return not (word.isdigit() and len(word) <= 2 and not before[: -len(word)].rpartition("\n")[2].strip())


def _weight(text: str) -> int:
    return len(text) + 2 * len(IS_CJK.findall(text))
