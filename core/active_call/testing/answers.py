"""What an agent did since the caller's last step, and whether it is what a playbook test expects."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from active_call.playbook.acts import Act, Collect, Hangup, Http, PlayFile, Refer, SendMessage
from active_call.playbook.render import render
from active_call.playbook.scenario import (
    AgentDoes,
    AgentIsSilent,
    AgentSays,
    Deed,
    Expectation,
    InScene,
    Match,
    VariableIs,
    Wanted,
)

from .wording import equals, find, marked, missing, plain, words

DEEDS: Mapping[Deed, type] = {
    Deed.HANGS_UP: Hangup,
    Deed.TRANSFERS: Refer,
    Deed.PLAYS: PlayFile,
    Deed.SENDS: SendMessage,
    Deed.FETCHES: Http,
    Deed.COLLECTS: Collect,
}
TEMPLATE = re.compile(r"\{\{.*?\}\}")


@dataclass
class Answer:
    """Speech and acts in order, from one step of the caller to the next."""

    pieces: list[str | Act] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Why the agent could not answer."""
    _at: int = 0
    """Expectations come in order: words before this one are behind the last that was met."""
    _claimed: set[int] = field(default_factory=set)

    @property
    def text(self) -> str:
        """What was said, blanks made plain."""
        return plain("".join(piece for piece in self.pieces if isinstance(piece, str)))

    def misses(self, step: Expectation, scene: str | None, variables: Mapping[str, str] | None) -> list[str]:
        """Lines that say what is wrong, empty when the step is met. None: that cannot be seen, so it is not asked."""
        match step:
            case AgentSays():
                return self._says(step, variables)
            case AgentIsSilent():
                return [f'the agent said: "{self.text}"'] if self.text else []
            case AgentDoes():
                return self._does(step, variables)
            case InScene():
                return [f"the call is in scene: {scene}"] if step.scene != scene else []
            case VariableIs():
                value = (variables or {}).get(step.name, "")
                wanted = _filled(step.wanted, variables)
                return [] if equals(wanted, value) else [f'the variable {step.name} is: "{value}"']

    def unclaimed(self) -> list[Act]:
        """What ended the call, or the agent's part in it, though no step had asked for it."""
        return [
            piece
            for at, piece in enumerate(self.pieces)
            if isinstance(piece, Hangup | Refer) and at not in self._claimed
        ]

    def _says(self, step: AgentSays, variables: Mapping[str, str] | None) -> list[str]:
        wanted = _filled(step.wanted, variables)
        said = words(self.text)
        if step.never:
            found = equals(wanted, self.text) if wanted.match is Match.EXACT else find(wanted, said) is not None
            return [f'the agent said: "{self.text}"'] if found else []
        if wanted.match is Match.EXACT:
            return [] if equals(wanted, self.text) else self._differs(wanted)
        end = find(wanted, said, self._at)
        if end is not None:
            self._at = end
            return []
        if not said:
            return ["the agent said nothing"]
        lines = [f'the agent said: "{self.text}"']
        lacks = missing(wanted, said)
        if lacks:
            lines.append(f"not said: {', '.join(lacks)}")
        elif find(wanted, said) is not None:
            lines.append("it was said, but before what an earlier line of this test found")
        else:
            lines.append("the words were said, but not in a row")
        return lines

    def _differs(self, wanted: Wanted) -> list[str]:
        if not self.text:
            return ["the agent said nothing"]
        expected, said = marked(plain(wanted.texts[0]), self.text)
        return [f'the agent said: "{said}"', f'      expected: "{expected}"']

    def _does(self, step: AgentDoes, variables: Mapping[str, str] | None) -> list[str]:
        others = []
        wanted = _filled(step.wanted, variables) if step.wanted else None
        spoken = 0
        for at, piece in enumerate(self.pieces):
            if isinstance(piece, str):
                spoken += len(words(piece))
            elif isinstance(piece, DEEDS[step.deed]) and at not in self._claimed:
                if spoken >= self._at and (wanted is None or equals(wanted, _target(piece))):
                    self._claimed.add(at)
                    self._at = spoken
                    return []
                others.append(told(piece) + (" (before the words above)" if spoken < self._at else ""))
            elif not isinstance(piece, DEEDS[step.deed]):
                others.append(told(piece))
        done = f"; it {' and '.join(others)}" if others else ""
        said = [f'the agent said: "{self.text}"'] if self.text else []
        return [f"the agent did not do that{done}", *said]


def told(act: Act) -> str:
    """The act as a test would say it."""
    for deed, kind in DEEDS.items():
        if isinstance(act, kind):
            return f"{deed}: {_target(act)}" if _target(act) else f"{deed}"
    return str(act)


def _target(act: Act) -> str:
    match act:
        case Refer(to):
            return to
        case PlayFile(file):
            return file
        case SendMessage(body):
            return body
        case Http(url):
            return url
        case Collect(type):
            return type
        case _:
            return ""


def _filled(wanted: Wanted, variables: Mapping[str, str] | None) -> Wanted:
    """With the call's variables in the templates; where they cannot be seen, a template stands for anything."""
    if variables is not None:
        return Wanted(wanted.match, tuple(render(text, variables) for text in wanted.texts))
    return Wanted(wanted.match, tuple(_without_templates(text) for text in wanted.texts))


def _without_templates(text: str) -> str:
    return TEMPLATE.sub("...", text)
