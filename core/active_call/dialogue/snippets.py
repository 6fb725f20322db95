"""Ready pieces of prompt by name and language, and the whole system prompt put together from them.

`docs/reference/features.md` lists them and says how to replace one.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from active_call.playbook.model import DtmfCollector

FEATURES = (
    "intent_clarification",
    "emotion_resonance",
    "voice_emotion",
    "context_repair",
    "rolling_summary",
    "http_tool",
    "tool_instructions",
)
"""What `llm.features` may name without any file of one's own; `tool_instructions` is always there."""
LANGUAGES = ("en", "zh")
"""Every snippet of ours is there in these."""
LARGEST = 100_000
"""Bytes of a file."""
SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""Names and languages come from playbooks and become parts of file names."""

Report = Callable[[str], None]


def _ignore(problem: str) -> None:
    pass


class Snippets:
    """Looked for in the operator's folders, then among those of plugins, then among ours; each is read once."""

    def __init__(
        self,
        *,
        folders: Sequence[Path] = (),
        plugins: Mapping[str, str] | None = None,
        report: Report = _ignore,
    ) -> None:
        """`folders` hold `<name>.<language>.md`; `plugins` maps `<name>.<language>` to a text."""
        self._folders = tuple(folders)
        self._plugins = dict(plugins or {})
        self._report = report
        self._found: dict[tuple[str, str], str | None] = {}

    def find(self, name: str, language: str) -> str | None:
        """The text in that language (`zh-CN`, then `zh`), else in English; None and a report when there is none.

        An empty file is an empty text: that is how a piece is switched off.
        """
        key = name, language
        if key not in self._found:
            self._found[key] = self._look(name, language)
        return self._found[key]

    def _look(self, name: str, language: str) -> str | None:
        if not SAFE.fullmatch(name):
            self._report(f"a feature cannot be called {name[:64]!r}; use letters, digits, - and _")
            return None
        wanted = list(_tags(language))
        looked = list(dict.fromkeys([*wanted, "en"]))
        for tag in looked:
            text = self._read(f"{name}.{tag}")
            if text is not None:
                if tag not in wanted:
                    self._report(f"there is no {name}.{language}.md; the English text is used")
                return text.strip()
        self._report(f"there is no feature {name!r}; looked for {', '.join(f'{name}.{tag}.md' for tag in looked)}")
        return None

    def _read(self, stem: str) -> str | None:
        for folder in self._folders:
            path = folder / f"{stem}.md"
            try:
                if path.stat().st_size > LARGEST:
                    self._report(f"{path.name} is larger than {LARGEST} bytes and is not used")
                    continue
                return path.read_text(encoding="utf-8-sig")
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, UnicodeDecodeError) as error:
                self._report(f"{path.name} cannot be read and is not used: {type(error).__name__}")
        if stem in self._plugins:
            return self._plugins[stem]
        ours = files(__package__).joinpath("snippets", f"{stem}.md")
        return ours.read_text(encoding="utf-8") if ours.is_file() else None


def _tags(language: str) -> Iterator[str]:
    """`zh_CN` is looked for as `zh_CN`, `zh-cn` and `zh`."""
    for tag in (language, language.replace("_", "-").lower(), re.split(r"[-_]", language)[0].lower()):
        if SAFE.fullmatch(tag):
            yield tag


def assemble(
    scene_prompt: str,
    *,
    features: Sequence[str] = (),
    language: str = "en",
    collectors: Mapping[str, DtmfCollector] | None = None,
    other_scenes: Sequence[str] = (),
    tools: str | None = None,
    snippets: Snippets,
) -> str:
    """The whole system prompt of a scene.

    `scene_prompt` has been rendered; `tools` (`llm.toolInstructions`) replaces our own text about the tags and scenes.
    """
    parts = [scene_prompt.strip(), _features(features, language, snippets)]
    if tools is not None:
        parts.append(tools.strip())
    else:
        parts.append(snippets.find("tool_instructions", language) or "")
        if other_scenes:
            gotos = "\n".join(f'- <goto scene="{_escaped(scene)}"/>' for scene in other_scenes)
            parts.append(_filled("scenes", "{scenes}", gotos, language, snippets))
    if collectors:
        lines = "\n".join(collector_line(name, collectors[name], language) for name in sorted(collectors))
        parts.append(_filled("collectors", "{collectors}", lines, language, snippets))
    return "\n\n".join(part for part in parts if part)


def _features(features: Sequence[str], language: str, snippets: Snippets) -> str:
    # Listed as a feature or not, what the tags are is said once, further down.
    names = [name for name in dict.fromkeys(features) if name != "tool_instructions"]
    texts = [text for name in names if (text := snippets.find(name, language))]
    return "\n".join(["### Enhanced Capabilities:", *(f"- {text}" for text in texts)]) if texts else ""


def _filled(name: str, place: str, lines: str, language: str, snippets: Snippets) -> str:
    text = snippets.find(name, language)
    return text.replace(place, lines) if text else ""


WORDS = {
    "en": {
        "exact": "{0} digits",
        "between": "{0} to {1} digits",
        "least": "at least {0} digits",
        "most": "at most {0} digits",
        "key": "press {0} to finish",
        "between_words": ", ",
        "line": "- {0}: {1} ({2})",
        "plain": "- {0} ({1})",
    },
    "zh": {
        "exact": "{0}位数字",
        "between": "{0}到{1}位数字",
        "least": "至少{0}位数字",
        "most": "最多{0}位数字",
        "key": "按{0}结束",
        "between_words": "，",
        "line": "- {0}：{1}（{2}）",
        "plain": "- {0}（{1}）",
    },
}


def collector_line(name: str, rules: DtmfCollector, language: str) -> str:
    """What the model is told of one collector: `- pin: the PIN (4 digits, press # to finish)`."""
    words = WORDS["zh" if language.lower().startswith("zh") else "en"]
    facts = []
    if rules.digits:
        facts.append(words["exact"].format(rules.digits))
    elif rules.min_digits and rules.max_digits:
        facts.append(words["between"].format(rules.min_digits, rules.max_digits))
    elif rules.min_digits:
        facts.append(words["least"].format(rules.min_digits))
    elif rules.max_digits:
        facts.append(words["most"].format(rules.max_digits))
    if rules.finish_key:
        facts.append(words["key"].format(rules.finish_key))
    detail, described = words["between_words"].join(facts), (rules.description or "").strip()
    if described and detail:
        return words["line"].format(name, described, detail)
    return words["plain"].format(name, detail) if detail else f"- {name}" + (f": {described}" if described else "")


def _escaped(scene: str) -> str:
    return scene.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
