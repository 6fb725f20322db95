"""What leads where in a playbook: scenes, and the tags, keys and rules between them; as Mermaid (`drawing` has SVG)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .acts import Act, Goto, Hangup, Refer
from .lint import tags
from .model import DtmfAction, Playbook

LONGEST = 28
"""Characters of one reason on an arrow."""
MOST = 3
"""Reasons on one arrow; the others are counted."""


class Shape(StrEnum):
    SCENE = "scene"
    START = "start"
    ANYWHERE = "anywhere"
    """What works in every scene."""
    END = "end"


@dataclass(frozen=True, slots=True)
class Node:
    id: str
    label: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Arrow:
    """`reasons` say what makes the call go there: a key, what the caller says, or the model."""

    source: str
    target: str
    reasons: tuple[str, ...]

    @property
    def label(self) -> tuple[str, ...]:
        """The reasons in short, a line each."""
        shown = tuple(_short(reason) for reason in self.reasons[:MOST])
        more = len(self.reasons) - MOST
        return (*shown, f"{more} more") if more > 0 else shown


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in the file's order, the start first, ends last."""

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]


START = Node("start", "call", Shape.START)
ANYWHERE = Node("any", "in any scene", Shape.ANYWHERE)
HANG_UP = Node("hangup", "hang up", Shape.END)


def graph(playbook: Playbook) -> Graph:
    """The playbook's scenes, its transfers, and the hang-up, as far as the file tells."""
    return _Drawer(playbook).graph()


def mermaid(drawn: Graph) -> str:
    """A Mermaid flowchart, for Markdown pages that draw it."""
    brackets = {
        Shape.SCENE: ("[", "]"),
        Shape.START: ("((", "))"),
        Shape.ANYWHERE: (">", "]"),
        Shape.END: ("([", "])"),
    }
    lines = ["flowchart TD"]
    for node in drawn.nodes:
        left, right = brackets[node.shape]
        lines.append(f'    {node.id}{left}"{_escaped(node.label)}"{right}')
    for arrow in drawn.arrows:
        label = f'|"{_escaped(", ".join(arrow.label))}"|' if arrow.reasons else ""
        lines.append(f"    {arrow.source} -->{label} {arrow.target}")
    return "\n".join(lines) + "\n"


class _Drawer:
    def __init__(self, playbook: Playbook) -> None:
        self._playbook = playbook
        self._ids = {id: f"s{number}" for number, id in enumerate(playbook.scenes)}
        self._ends: dict[str, Node] = {}
        self._arrows: dict[tuple[str, str], list[str]] = {}

    def graph(self) -> Graph:
        playbook = self._playbook
        self._add(START.id, self._ids[playbook.initial], "")
        for key, action in playbook.config.dtmf.items():
            self._key(ANYWHERE.id, key, action)
        for scene in playbook.scenes.values():
            for key, action in scene.dtmf.items():
                self._key(self._ids[scene.id], key, action)
            for _, act in tags(scene.body):
                if isinstance(act, Goto | Refer | Hangup):
                    self._act(self._ids[scene.id], act, "the model")
        script = playbook.config.script or {}
        for rule in script.get("rules") or ():
            if isinstance(rule, Mapping):
                self._rule(rule)
        if playbook.config.follow_up:
            self._act(ANYWHERE.id if len(self._ids) > 1 else self._ids[playbook.initial], Hangup(), "silence")
        for scene in playbook.scenes.values():
            if scene.follow_up:
                self._act(self._ids[scene.id], Hangup(), "silence")
        scenes = [Node(self._ids[id], id, Shape.SCENE) for id in playbook.scenes]
        anywhere = [ANYWHERE] if any(source == ANYWHERE.id for source, _ in self._arrows) else []
        arrows = (Arrow(source, target, tuple(filter(None, why))) for (source, target), why in self._arrows.items())
        return Graph(nodes=(START, *anywhere, *scenes, *self._ends.values()), arrows=tuple(arrows))

    def _rule(self, rule: Mapping[str, Any]) -> None:
        when = [str(phrase) for phrase in _list(rule.get("when"))]
        reason = "anything else" if when[:1] == ["*"] else f"“{when[0]}”" if when else ""
        acts: list[Act] = []
        if rule.get("goto"):
            acts.append(Goto(str(rule["goto"])))
        if rule.get("refer"):
            acts.append(Refer(str(rule["refer"])))
        if rule.get("hangup"):
            acts.append(Hangup())
        for text in _list(rule.get("say")):
            acts += [act for _, act in tags(str(text)) if isinstance(act, Goto | Refer | Hangup)]
        named = [str(scene) for scene in _list(rule.get("scene"))]
        everywhere = [ANYWHERE.id] if len(self._ids) > 1 else list(self._ids.values())
        sources = [self._ids[scene] for scene in named if scene in self._ids] if named else everywhere
        for source in sources:
            for act in acts:
                self._act(source, act, reason)

    def _key(self, source: str, key: str, action: DtmfAction) -> None:
        match action.action:
            case "goto":
                self._act(source, Goto(action.scene or ""), f"key {key}")
            case "transfer":
                self._act(source, Refer(action.target or ""), f"key {key}")
            case _:
                self._act(source, Hangup(), f"key {key}")

    def _act(self, source: str, act: Act, reason: str) -> None:
        match act:
            case Goto(scene):
                target = self._ids.get(scene)
                if target is None or target == source:
                    return
            case Refer(to):
                target = self._ends.setdefault(to, Node(f"t{len(self._ends)}", f"transfer to {to}", Shape.END)).id
            case _:
                target = self._ends.setdefault("", HANG_UP).id
        self._add(source, target, reason)

    def _add(self, source: str, target: str, reason: str) -> None:
        reasons = self._arrows.setdefault((source, target), [])
        if reason not in reasons:
            reasons.append(reason)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _short(reason: str) -> str:
    if len(reason) <= LONGEST:
        return reason
    cut = reason[: LONGEST - 1].rstrip() + "…"
    return f"{cut}”" if reason.startswith("“") else cut


def _escaped(text: str) -> str:
    """Mermaid's entities; a quote would end the label."""
    for sign, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(sign, entity)
    return " ".join(text.split())
