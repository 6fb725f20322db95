"""What a script is once it has been read: rules, slots and the lines around them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from .matching import Words, exact_score, fuzzy_score
from .slots import Slot

DEFAULT_FALLBACK = {
    "en": "Sorry, I did not understand that. Could you say it in other words?",
    "zh": "抱歉，我没有听懂，请您换一种说法。",
}
DEFAULT_FOLLOW_UP = {"en": "Are you still there?", "zh": "请问您还在吗？"}


@dataclass(frozen=True, kw_only=True)
class Rule:
    order: int
    when: tuple[Words, ...] = ()
    anything: bool = False
    """`"*"` is among the phrases: applies when no other rule does."""
    scenes: frozenset[str] = frozenset()
    """Empty: any."""
    say: tuple[str, ...] = ()
    set: tuple[tuple[str, str], ...] = ()
    goto: str | None = None
    refer: str | None = None
    hangup: bool = False
    priority: float = 0


@dataclass(frozen=True, kw_only=True)
class Script:
    rules: tuple[Rule, ...] = ()
    slots: tuple[Slot, ...] = ()
    fallback: tuple[str, ...] = ()
    follow_up: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    scene_starts: dict[str, tuple[str, ...]] = field(default_factory=dict)


class _Strength(IntEnum):
    ANYTHING = 0
    FUZZY = 1
    EXACT = 2


def find_rule(rules: Iterable[Rule], heard: Words, scene: str) -> Rule | None:
    """The rule for what was heard in this scene.

    A phrase that stands there word for word beats one that is only like it, which beats `"*"`. Among equals: the higher
    priority, then a rule of this scene before a general one, then the better score, then the earlier rule.
    """
    here = [rule for rule in rules if not rule.scenes or scene in rule.scenes]
    for strength in (_Strength.EXACT, _Strength.FUZZY, _Strength.ANYTHING):
        scored = [(_score(rule, heard, strength), rule) for rule in here]
        found = [(rule.priority, bool(rule.scenes), score, -rule.order, rule) for score, rule in scored if score > 0]
        if found:
            return max(found, key=lambda entry: entry[:4])[4]
    return None


def _score(rule: Rule, heard: Words, strength: _Strength) -> float:
    if strength is _Strength.ANYTHING:
        return float(rule.anything and bool(heard.forms))
    score = exact_score if strength is _Strength.EXACT else fuzzy_score
    return max((score(phrase, heard) for phrase in rule.when), default=0.0)
