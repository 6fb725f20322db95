"""Says everything that is wrong with a playbook before a caller finds out."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .acts import Act, Collect, Goto, Malformed
from .document import Document
from .load import build, load_document, read_file
from .model import Playbook, Scene
from .problems import PlaybookError, Problem, Severity
from .render import syntax
from .tags import TagParser

ScriptCheck = Callable[[object], Sequence[str]]
"""What is wrong with a `script`, a line each that begins with the place: `script.rules[0].when is missing`."""

PROVIDERS = (
    ("asr", "provider", "asr", "recogniser"),
    ("tts", "provider", "tts", "voice"),
    ("vad", "type", "vad", "voice activity detector"),
    ("eou", "type", "turn", "end-of-turn model"),
    ("llm", "provider", "llm", "brain"),
    ("realtime", "provider", "realtime", "realtime model"),
)
"""Section, its key, the kind of provider, what a person calls that."""
WITHOUT = frozenset({"nop"})
"""Names that mean "none"."""
PLACEHOLDER = re.compile(r"[{}<>\[\]$]|^\W*$")
SCRIPT_PLACE = re.compile(r"script(?:\.[\w-]+|\[\d+\])*")

Path_ = tuple[str | int, ...]


def check(
    playbook: str | Path,
    *,
    providers: Mapping[str, Collection[str]],
    environ: Mapping[str, str],
    name: str = "playbook",
    trusted: bool = True,
    script_check: ScriptCheck | None = None,
) -> list[Problem]:
    """The problems of a file (`Path`) or of a text (`str`, called `name`), in the file's order.

    `providers` has the installed names by kind (`asr`, `tts`, `vad`, `turn`, `llm`, `realtime`); a kind that is not in
    it is not checked.
    """
    try:
        text, file = (read_file(playbook), str(playbook)) if isinstance(playbook, Path) else (playbook, name)
        document = load_document(text, file=file, environ=environ, trusted=trusted)
        checked = build(document, name=name, trusted=trusted)
    except PlaybookError as error:
        return list(error.problems)
    lint = _Lint(document, checked)
    found = [*checked.problems, *lint.problems(providers, script_check)]
    return sorted(dict.fromkeys(found), key=lambda problem: (problem.line, problem.column))


class _Lint:
    def __init__(self, document: Document, playbook: Playbook) -> None:
        self.document = document
        self.playbook = playbook
        script = playbook.config.script or {}
        rules = script.get("rules")
        self.rules = [rule if isinstance(rule, Mapping) else {} for rule in rules] if isinstance(rules, list) else []
        self.acts = {scene.id: list(tags(scene.body)) for scene in playbook.scenes.values()}

    def problems(self, providers: Mapping[str, Collection[str]], script_check: ScriptCheck | None) -> Iterator[Problem]:
        yield from self._providers(providers)
        yield from self._llm()
        yield from self._front_matter()
        for scene in self.playbook.scenes.values():
            yield from self._scene(scene)
        yield from self._unreachable()
        script = self.playbook.config.script
        if script is not None and script_check:
            for line in script_check(script):
                yield self.document.problem(_place(line), line)

    def _providers(self, providers: Mapping[str, Collection[str]]) -> Iterator[Problem]:
        for section, key, kind, called in PROVIDERS:
            option = getattr(self.playbook.config, section)
            name = getattr(option, key) if option else None
            if name is None or kind not in providers or name in providers[kind] or name in WITHOUT or "://" in name:
                continue
            have = ", ".join(sorted(providers[kind]))
            remedy = f"installed are: {have}" if have else "install a plugin that has it"
            # Either may be what was written; the place is the section's if it is neither.
            path = next(
                (path for path in ((section, key), (section, "provider")) if self.document.has(path)), (section,)
            )
            problem = f"no {called} is called {name!r}"
            yield self.document.problem(path, problem, f"{remedy}; see `active-call plugins`")

    def _llm(self) -> Iterator[Problem]:
        config = self.playbook.config
        if config.llm is None and config.realtime is None:
            problem, remedy = "there is no llm, so nobody answers", "add `llm:` with a `provider:`"
            yield self.document.problem((), problem, remedy, severity=Severity.WARNING)
        if config.llm and config.llm.prompt:
            problem, remedy = "llm.prompt has no effect", "write the prompt below the front matter"
            yield self.document.problem(("llm", "prompt"), problem, remedy, severity=Severity.WARNING)

    def _front_matter(self) -> Iterator[Problem]:
        config = self.playbook.config
        for digit, action in config.dtmf.items():
            yield from self._goto(action.scene, ("dtmf", digit))
        spoken: list[tuple[Path_, Any]] = [(("greeting",), config.greeting)]
        spoken.append((("llm", "greeting"), config.llm.greeting if config.llm else None))
        for number, rule in enumerate(self.rules):
            here: Path_ = ("script", "rules", number)
            yield from self._goto(rule.get("goto"), (*here, "goto"))
            for scene in _list(rule.get("scene")):
                yield from self._goto(scene, (*here, "scene"))
            spoken.extend(((*here, "say"), text) for text in _list(rule.get("say")))
        for path, text in spoken:
            yield from self._spoken(path, text) if isinstance(text, str) else ()

    def _spoken(self, path: Path_, text: str) -> Iterator[Problem]:
        key = ".".join(map(str, path))
        for _, act in tags(text):
            if isinstance(act, Malformed):
                yield self.document.problem(path, f"{key}: {_short(act.text)} is not spoken: {act.problem}", TAGS)
            elif isinstance(act, Goto):
                yield from self._goto(act.scene, path)
        if wrong := syntax(text):
            yield self.document.problem(path, f"{key} is no template: {wrong[1]}", TEMPLATES)

    def _goto(self, scene: object, path: Path_) -> Iterator[Problem]:
        if isinstance(scene, str) and scene and self._unknown(scene):
            yield self.document.problem(path, f"there is no scene {scene!r}", self._scenes())

    def _unknown(self, scene: str) -> bool:
        return scene not in self.playbook.scenes and not PLACEHOLDER.search(scene)

    def _uncollected(self, collector: str) -> bool:
        return collector not in self.playbook.config.dtmf_collectors and not PLACEHOLDER.search(collector)

    def _scenes(self) -> str:
        return f"the scenes are: {', '.join(self.playbook.scenes)}"

    def _scene(self, scene: Scene) -> Iterator[Problem]:
        if not scene.body and self.playbook.config.script is None:
            yield self._in(scene, 0, f"scene {scene.id!r} has no prompt", "write what the agent is to do")
        for digit, action in scene.dtmf.items():
            if action.scene and self._unknown(action.scene):
                yield self._in(scene, 0, f"key {digit} leads to no scene {action.scene!r}", self._scenes(), error=True)
        for at, act in self.acts[scene.id]:
            if isinstance(act, Malformed) and act.name:
                yield self._in(scene, at, f"{_short(act.text)} would not work: {act.problem}", TAGS)
            elif isinstance(act, Goto) and self._unknown(act.scene):
                yield self._in(scene, at, f"there is no scene {act.scene!r}", self._scenes(), error=True)
            elif isinstance(act, Collect) and self._uncollected(act.type):
                yield self._in(scene, at, f"there is no collector {act.type!r}", "add it to dtmfCollectors")
        if wrong := syntax(scene.body):
            offset = sum(map(len, scene.body.splitlines(keepends=True)[: wrong[0] - 1]))
            yield self._in(scene, offset, f"the prompt is no template: {wrong[1]}", TEMPLATES, error=True)

    def _in(self, scene: Scene, at: int, problem: str, remedy: str, *, error: bool = False) -> Problem:
        """A problem at an offset of a scene's body."""
        line, column = scene.line + scene.body.count("\n", 0, at), at - scene.body.rfind("\n", 0, at)
        severity = Severity.ERROR if error else Severity.WARNING
        return Problem(
            file=self.document.file, line=line, column=column, severity=severity, problem=problem, remedy=remedy
        )

    def _unreachable(self) -> Iterator[Problem]:
        """Scenes that neither a tag, a key nor a rule leads to."""
        everywhere = {action.scene for action in self.playbook.config.dtmf.values()}
        reached: set[str] = set()
        ahead = [self.playbook.initial]
        while ahead:
            id = ahead.pop()
            if id in reached or id not in self.playbook.scenes:
                continue
            reached.add(id)
            gotos = [act.scene for _, act in self.acts[id] if isinstance(act, Goto)]
            if any(PLACEHOLDER.search(scene) for scene in gotos):
                return
            keys = [action.scene for action in self.playbook.scenes[id].dtmf.values()]
            rules = [rule for rule in self.rules if not rule.get("scene") or id in _list(rule["scene"])]
            said = [act.scene for rule in rules for act in _gotos(rule)]
            ahead.extend(str(scene) for scene in (*gotos, *keys, *everywhere, *said) if scene)
        for scene in self.playbook.scenes.values():
            if scene.id not in reached:
                remedy = f'show the model <goto scene="{scene.id}"/> in a scene that is reached, or give it a key'
                yield self._in(scene, 0, f"nothing leads to scene {scene.id!r}", remedy)


TAGS = "docs/reference/playbook.md shows how the tags are written"
TEMPLATES = "write {{ name }} for a variable, and {{ '{{' }} for two braces"


def tags(text: str) -> Iterator[tuple[int, Act | Malformed]]:
    """The tags in a text, each with the offset where it begins."""
    if "<" not in text:
        return
    parser = TagParser()
    for end, char in enumerate(text, 1):
        for piece in parser.feed(char):
            if not isinstance(piece, str):
                begin = piece.text if isinstance(piece, Malformed) else "<"
                yield text.rfind(begin, 0, end), piece
    for piece in parser.close():
        if isinstance(piece, Malformed):
            yield len(text) - len(piece.text), piece


def _gotos(rule: Mapping[str, Any]) -> Iterator[Goto]:
    if isinstance(rule.get("goto"), str):
        yield Goto(rule["goto"])
    for text in _list(rule.get("say")):
        yield from (act for _, act in tags(str(text)) if isinstance(act, Goto))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _short(tag: str) -> str:
    return tag if len(tag) <= 60 else f"{tag[:57]}..."


def _place(line: str) -> Path_:
    found = SCRIPT_PLACE.match(line)
    steps = re.findall(r"[\w-]+", found[0]) if found else ["script"]
    return tuple(int(step) if step.isdigit() else step for step in steps)
