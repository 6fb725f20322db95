"""The body of a playbook: scenes under `# Scene: id`, and the tags in them that are settings, not prompt."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import MappingProxyType

from pydantic import ValidationError

from .grammar import TagError, attributes, need
from .model import DtmfAction, FollowUp, Scene
from .problems import Problem, Severity

HEADER = re.compile(r"^#[ \t]*Scene:[ \t]*(.*?)[ \t]*$", re.MULTILINE | re.IGNORECASE)
STATIC = re.compile(
    r"<(dtmf|play|followup|follow_up)(?=[\s/>])(?:\s+[\w:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/?>(?:\s*</\1\s*>)?",
    re.IGNORECASE,
)
UNREAD = re.compile(r"</?(?:dtmf|followup|follow_up)\b", re.IGNORECASE)
DEFAULT = "default"


def split_scenes(body: str, *, line: int, file: str) -> tuple[dict[str, Scene], str, list[Problem]]:
    """The scenes by id, the id of the first one, and what is odd; `line` is the file's line where `body` begins."""
    scenes: dict[str, Scene] = {}
    problems: list[Problem] = []
    initial = ""
    for id, text, at in _parts(body):
        here = line + body.count("\n", 0, at)
        if not id:
            remedy = "write `# Scene: id`"
            problems.append(Problem(file=file, line=here, problem="a scene has no name", remedy=remedy))
        elif id in scenes:
            problem = f"scene {id!r} stands here again; the one before is lost"
            problems.append(_warning(file, here, problem, "give each scene a name of its own"))
        reader = _Reader(file=file, line=here)
        scenes[id] = reader.scene(id, text)
        problems.extend(reader.problems)
        initial = initial or id
    return scenes, initial or next(iter(scenes)), problems


def _parts(body: str) -> Iterator[tuple[str, str, int]]:
    """Id, text and the offset of the text of each scene."""
    headers = list(HEADER.finditer(body))
    before = body[: headers[0].start()] if headers else body
    if before.strip() or not headers:
        yield DEFAULT, before, 0
    for number, header in enumerate(headers):
        end = headers[number + 1].start() if number + 1 < len(headers) else len(body)
        yield header[1], body[header.end() : end], header.end()


@dataclass(kw_only=True)
class _Reader:
    """Reads one scene, and goes on after a problem."""

    file: str
    line: int
    problems: list[Problem] = field(default_factory=list)
    dtmf: dict[str, DtmfAction] = field(default_factory=dict)
    play: str | None = None
    follow_up: FollowUp | None = None

    def scene(self, id: str, text: str) -> Scene:
        prompt = STATIC.sub(lambda tag: self._read(text, tag), text)
        for tag in UNREAD.finditer(prompt):
            self._problem(prompt, tag.start(), f"{tag[0]} is no readable tag and stays in the prompt", WRITTEN)
        leading = prompt[: len(prompt) - len(prompt.lstrip())].count("\n")
        return Scene(
            id=id,
            body=prompt.strip(),
            line=self.line + leading,
            dtmf=MappingProxyType(self.dtmf),
            play=self.play,
            follow_up=self.follow_up,
        )

    def _read(self, text: str, tag: re.Match[str]) -> str:
        try:
            match tag[1].lower():
                case "dtmf":
                    self._dtmf(attributes(tag[0]))
                case "play":
                    self._play(text, tag)
                case _:
                    self._follow_up(attributes(tag[0]))
        except (TagError, ValidationError) as error:
            reason = str(error)
            if isinstance(error, ValidationError):
                first = error.errors()[0]
                place = ".".join(map(str, first["loc"]))
                reason = f"{place}: {first['msg']}" if place else first["msg"].removeprefix("Value error, ")
            problem = f"<{tag[1].lower()}> cannot be read and has no effect: {reason}"
            self._problem(text, tag.start(), problem, WRITTEN)
        # The lines below keep their numbers.
        return "\n" * tag[0].count("\n")

    def _dtmf(self, given: dict[str, str]) -> None:
        digit = need(given, "digit", "key").upper()
        action = DtmfAction.model_validate(
            {key: value.strip() for key, value in given.items() if key in ("action", "scene", "target")}
        )
        if len(digit) != 1 or digit not in "0123456789*#ABCD":
            raise TagError(f"{digit!r} is no key of a telephone")
        self.dtmf[digit] = action

    def _play(self, text: str, tag: re.Match[str]) -> None:
        file = need(attributes(tag[0]), "file")
        if self.play is not None:
            problem = "a scene plays one file, this second <play> is removed and has no effect"
            self._problem(text, tag.start(), problem, SHOWN, Severity.WARNING)
            return
        self.play = file
        start, end = text.rfind("\n", 0, tag.start()) + 1, text.find("\n", tag.end())
        around = text[start : tag.start()] + text[tag.end() : end if end >= 0 else None]
        if STATIC.sub("", around).strip():
            problem = f"{file} is played on entering the scene, and the tag is taken out of this sentence"
            self._problem(text, tag.start(), problem, SHOWN, Severity.WARNING)

    def _follow_up(self, given: dict[str, str]) -> None:
        timeout = need(given, "timeout")
        most = need(given, "max", "maxcount", "max_count")
        self.follow_up = FollowUp.model_validate({"timeout": timeout, "maxCount": most})

    def _problem(self, text: str, at: int, problem: str, remedy: str, severity: Severity = Severity.ERROR) -> None:
        line, column = self.line + text.count("\n", 0, at), at - text.rfind("\n", 0, at)
        self.problems.append(
            Problem(file=self.file, line=line, column=column, severity=severity, problem=problem, remedy=remedy)
        )


WRITTEN = 'write it as <dtmf digit="1" action="goto" scene="id"/> or <followup timeout="10000" max="2"/>'
SHOWN = "put the scene's sound on a line of its own; to tell the model of the tag, use llm.toolInstructions"


def _warning(file: str, line: int, problem: str, remedy: str) -> Problem:
    return Problem(file=file, line=line, severity=Severity.WARNING, problem=problem, remedy=remedy)
