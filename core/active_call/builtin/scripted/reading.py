"""From the playbook's `script` mapping to a `Script`: every problem is found at once and named by its place."""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from active_call.plugin import ErrorKind, ProviderError

from .matching import Words, words_of
from .rules import Rule, Script
from .slots import Slot

_SCRIPT_KEYS = ("rules", "slots", "fallback", "start", "follow_up")
_RULE_KEYS = ("when", "scene", "say", "set", "goto", "hangup", "refer", "priority")
_SLOT_KEYS = ("after", "words", "pattern", "choices", "scene")
_NAME = re.compile(r"[^\W\d][\w.-]*")
ANYTHING = "*"


class ScriptError(ProviderError):
    """The playbook's `script` cannot be used; `problems` says where and what to do, one line each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(ErrorKind.BAD_REQUEST, "\n- ".join([f"the playbook's script has {count}:", *problems]))


def validate_script(script: object) -> list[str]:
    """What is wrong with a `script`, one line per problem; empty when it can be used."""
    reader = _Reader()
    reader.script(script)
    return reader.problems


def read_script(script: Mapping[str, Any] | None) -> Script:
    """Raises `ScriptError`. No script at all is a script without rules: it only has the fallback line."""
    reader = _Reader()
    read = reader.script({} if script is None else script)
    if reader.problems:
        raise ScriptError(reader.problems)
    return read


class _Reader:
    """Reads on after a problem, so that an author sees all of them."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def script(self, value: object) -> Script:
        entries = self._mapping(value, "script", _SCRIPT_KEYS)
        rules = entries.get("rules") or []
        if not isinstance(rules, list | tuple):
            self._problem("script.rules", f"must be a list of rules, not {_kind(rules)}; begin each with `- when:`")
            rules = []
        slots = self._mapping(entries.get("slots") or {}, "script.slots", None)
        start, scene_starts = self._start(entries.get("start"))
        return Script(
            rules=tuple(self._rule(rule, f"script.rules[{i}]", i) for i, rule in enumerate(rules)),
            slots=tuple(self._slot(name, slot, f"script.slots.{name}") for name, slot in slots.items()),
            fallback=self._texts(entries.get("fallback"), "script.fallback"),
            follow_up=self._texts(entries.get("follow_up"), "script.follow_up"),
            start=start,
            scene_starts=scene_starts,
        )

    def _start(self, value: object) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
        if not isinstance(value, Mapping):
            return self._texts(value, "script.start"), {}
        return (), {str(scene): self._texts(text, f"script.start.{scene}") for scene, text in value.items()}

    def _rule(self, value: object, where: str, order: int) -> Rule:
        before = len(self.problems)
        entries = self._mapping(value, where, _RULE_KEYS)
        when = self._texts(entries.get("when"), f"{where}.when")
        hangup = entries.get("hangup", False)
        if not isinstance(hangup, bool):
            self._problem(f"{where}.hangup", f"must be true or false, not {_kind(hangup)}")
        priority = entries.get("priority", 0)
        if isinstance(priority, bool) or not isinstance(priority, int | float):
            self._problem(f"{where}.priority", f"must be a number, not {_kind(priority)}")
            priority = 0
        rule = Rule(
            order=order,
            when=self._phrases([text for text in when if text.strip() != ANYTHING], f"{where}.when"),
            anything=any(text.strip() == ANYTHING for text in when),
            scenes=frozenset(self._texts(entries.get("scene"), f"{where}.scene")),
            say=self._texts(entries.get("say"), f"{where}.say"),
            set=self._assignments(entries.get("set"), f"{where}.set"),
            goto=self._text(entries.get("goto"), f"{where}.goto"),
            refer=self._text(entries.get("refer"), f"{where}.refer"),
            hangup=bool(hangup),
            priority=priority,
        )
        if len(self.problems) == before:
            self._check_rule(rule, where, bool(when))
        return rule

    def _check_rule(self, rule: Rule, where: str, has_when: bool) -> None:
        if not has_when:
            self._problem(f"{where}.when", 'is missing: list the phrases that it answers, or "*" for anything')
        ends = [key for key in ("goto", "refer", "hangup") if getattr(rule, key)]
        if len(ends) > 1:
            self._problem(where, f"has {' and '.join(ends)}, but only one can happen; keep one")
        if not (ends or rule.say or rule.set):
            self._problem(where, "does nothing; add say, set, goto, refer or hangup")

    def _slot(self, name: object, value: object, where: str) -> Slot:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self._problem(where, "is not a variable name; use letters, digits and _, beginning with a letter")
        entries = self._mapping(value, where, _SLOT_KEYS)
        words = entries.get("words")
        if words is not None and (isinstance(words, bool) or not isinstance(words, int) or words < 1):
            self._problem(f"{where}.words", "must be a whole number of words, 1 or more")
            words = None
        if entries and not any(entries.get(key) for key in ("after", "pattern", "choices")):
            self._problem(where, "would match everything; add after, pattern or choices")
        if entries.get("pattern") and entries.get("choices"):
            self._problem(where, "has pattern and choices; keep one")
        choices = self._texts(entries.get("choices"), f"{where}.choices")
        return Slot(
            name=str(name),
            scenes=frozenset(self._texts(entries.get("scene"), f"{where}.scene")),
            after=self._phrases(self._texts(entries.get("after"), f"{where}.after"), f"{where}.after"),
            words=words,
            pattern=self._pattern(entries.get("pattern"), f"{where}.pattern"),
            choices=tuple(zip(choices, self._phrases(choices, f"{where}.choices"), strict=False)),
        )

    def _mapping(self, value: object, where: str, keys: tuple[str, ...] | None) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            expected = f"must be a mapping with the keys {', '.join(keys)}" if keys else "must be a mapping by name"
            self._problem(where, f"{expected}, not {_kind(value)}")
            return {}
        if keys is None:
            return dict(value)
        known = {"followUp": "follow_up"} if "follow_up" in keys else {}
        entries = {known.get(str(key), str(key)): entry for key, entry in value.items()}
        for key in entries:
            if key not in keys:
                close = get_close_matches(key, keys, n=1)
                hint = f"did you mean {close[0]}?" if close else f"the keys are {', '.join(keys)}"
                self._problem(f"{where}.{key}", f"is not a key here; {hint}")
        return entries

    def _texts(self, value: object, where: str) -> tuple[str, ...]:
        """A text or a list of texts."""
        if value is None:
            return ()
        if isinstance(value, list | tuple):
            if not value:
                self._problem(where, "is an empty list; remove it or add a text")
            read = [self._text(entry, f"{where}[{i}]") for i, entry in enumerate(value)]
        else:
            read = [self._text(value, where)]
        return tuple(text for text in read if text is not None)

    def _text(self, value: object, where: str) -> str | None:
        if value is None and not where.endswith("]"):
            return None
        if isinstance(value, bool):
            self._problem(where, "is true or false; YAML reads yes, no, on and off so: put the word in quotes")
        elif isinstance(value, int | float):
            self._problem(where, f"is a number; put it in quotes: {str(value)!r}")
        elif not isinstance(value, str):
            hint = "; a text with `: ` inside needs quotes" if isinstance(value, Mapping) else ""
            self._problem(where, f"must be a text, not {_kind(value)}{hint}")
        elif not value.strip():
            self._problem(where, "is empty; remove it or write a text")
        else:
            return value
        return None

    def _phrases(self, texts: list[str] | tuple[str, ...], where: str) -> tuple[Words, ...]:
        phrases = tuple(map(words_of, texts))
        for text, phrase in zip(texts, phrases, strict=True):
            if not phrase.forms:
                self._problem(where, f"{text!r} has no letters or digits, nobody can say it; write words")
        return phrases

    def _assignments(self, value: object, where: str) -> tuple[tuple[str, str], ...]:
        if value is None:
            return ()
        read: list[tuple[str, str]] = []
        for name, template in self._mapping(value, where, None).items():
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                self._problem(f"{where}.{name}", "is not a variable name; use letters, digits and _")
            elif template == "":
                read.append((name, ""))
            elif (text := self._text(template, f"{where}.{name}")) is not None:
                read.append((name, text))
        return tuple(read)

    def _pattern(self, value: object, where: str) -> re.Pattern[str] | None:
        text = self._text(value, where)
        try:
            return None if text is None else re.compile(text, re.IGNORECASE)
        except re.error as error:
            self._problem(where, f"is not a regular expression ({error}); a literal dot or plus needs a backslash")
            return None

    def _problem(self, where: str, what: str) -> None:
        self.problems.append(f"{where}: {what}" if not what.startswith("is ") else f"{where} {what}")


_KINDS: tuple[tuple[Callable[[object], bool], str], ...] = (
    (lambda value: value is None, "nothing"),
    (lambda value: isinstance(value, bool), "true or false"),
    (lambda value: isinstance(value, int | float), "a number"),
    (lambda value: isinstance(value, str), "a text"),
    (lambda value: isinstance(value, Mapping), "a mapping"),
    (lambda value: isinstance(value, list | tuple), "a list"),
)


def _kind(value: object) -> str:
    return next((name for test, name in _KINDS if test(value)), type(value).__name__)
