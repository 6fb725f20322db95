"""Emotion tags in replies (`[happy]`, feature `voice_emotion`): split off the speech, however the tokens fall.

Voices that know the emotion get it with the words behind it (`SpeakRequest.emotion`); nobody hears the tag.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

# fmt: off
FAMILIES: dict[str, tuple[str, ...]] = {
    "neutral": ("calm", "normal", "serious", "平静", "中性", "正常", "严肃"),
    "happy": ("cheerful", "joyful", "glad", "friendly", "excited", "enthusiastic", "amused",
              "开心", "高兴", "快乐", "愉快", "兴奋", "热情", "友好"),
    "sad": ("sorrowful", "disappointed", "unhappy", "难过", "悲伤", "伤心", "失望"),
    "angry": ("annoyed", "frustrated", "生气", "愤怒", "恼火"),
    "surprised": ("amazed", "astonished", "curious", "惊讶", "吃惊", "好奇"),
    "fearful": ("afraid", "scared", "worried", "anxious", "concerned", "害怕", "担心", "焦虑"),
    "disgusted": ("厌恶", "反感"),
    "gentle": ("caring", "warm", "empathetic", "sympathetic", "comforting", "soft", "tender", "apologetic", "sorry",
               "温柔", "关切", "同情", "安慰", "温暖", "抱歉"),
}
# fmt: on
"""What the tags are, and what else models write for them."""
FAMILY = {name: family for family, others in FAMILIES.items() for name in (family, *others)}
LONGEST = 24
"""Characters of a name."""
OPENERS = "[【"
NAME = r"[^\W\d_](?:[^\W\d]|[ '-])*"
TAG = re.compile(rf"[\[【] ?(?P<name>{NAME}?) ?[\]】]")
BEGINNING = re.compile(rf"[\[【] ?(?:{NAME})?")


@dataclass(frozen=True, slots=True)
class Emotion:
    """What follows is said so; `name` as the model wrote it, in lower case."""

    name: str


class EmotionSplitter:
    """Stands between the tag parser and the splitting into sentences. Text is held back only while it may be a tag."""

    def __init__(self, *, known: Collection[str] = (), expected: bool = False) -> None:
        """`known`: what the voice understands, beside `FAMILIES`.

        `expected`: the model was told to write emotions (the feature is on). Then any other word in brackets is a
        stage direction such as `[laughs]` and dropped, unless it is the text of a Markdown link.
        """
        self._known = {name.casefold() for name in known}
        self._expected = expected
        self._held = ""

    def feed(self, text: str) -> list[str | Emotion]:
        """What is certain now; no string is empty."""
        self._held += text
        return self._take(whole=False)

    def close(self) -> list[str | Emotion]:
        """The rest; the splitter is then as new."""
        return self._take(whole=True)

    def _take(self, *, whole: bool) -> list[str | Emotion]:
        held, out = self._held, list[str | Emotion]()
        at = start = 0
        while (start := _opener(held, start)) >= 0:
            tag = TAG.match(held, start)
            if tag is None or len(tag["name"]) > LONGEST:
                if not whole and _may_become_a_tag(held, start):
                    break
                start += 1
                continue
            name = tag["name"].casefold()
            known = name in FAMILY or name in self._known
            direction = self._expected and len(name) > 1
            if not known and direction and tag.end() == len(held) and not whole:
                break  # the `(` of a link may follow
            if not known and (not direction or held.startswith("(", tag.end())):
                start = tag.end()
                continue
            _add(out, held[at:start])
            if known:
                out.append(Emotion(name))
            at = start = tag.end()
        end = start if start >= 0 else len(held)
        _add(out, held[at:end])
        self._held = held[end:]
        return out


def _opener(text: str, start: int) -> int:
    found = [at for opener in OPENERS if (at := text.find(opener, start)) >= 0]
    return min(found, default=-1)


def _may_become_a_tag(text: str, start: int) -> bool:
    beginning = BEGINNING.match(text, start)
    return beginning is not None and beginning.end() == len(text) and len(text) - start <= LONGEST + 3


def _add(out: list[str | Emotion], text: str) -> None:
    if text:
        out.append(text)


def nearest(name: str, offered: Collection[str]) -> str | None:
    """What a voice with these emotions (`TtsTraits.emotions`) is asked for; None: it has nothing like it."""
    by_name = {other.casefold(): other for other in offered}
    if name in by_name:
        return by_name[name]
    family = FAMILY.get(name)
    if family is None:
        return None
    if family in by_name:
        return by_name[family]
    return next((by_name[other] for other in FAMILIES[family] if other in by_name), None)
