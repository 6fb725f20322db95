"""The session of a scripted brain: a pure function of the request, so an early start leaves no trace."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import takewhile
from typing import Any

from active_call.plugin.values import LlmOptions, Message, ReplyRequest, Text

from .matching import words_of
from .reading import read_script
from .rules import DEFAULT_FALLBACK, DEFAULT_FOLLOW_UP, Rule, Script, find_rule
from .slots import fill
from .template import render, render_speech, sentences, tag

_MAX_REMEMBERED = 512
_SUMMARY = {"en": ("The caller said: ", "; "), "zh": ("来电者说：", "；")}


MUCH_WORK = 1500
"""Characters times phrases from which on they are compared in a thread: they take up to 1.3 us each, 2 ms in all."""

Run = Callable[..., Awaitable[Any]]


async def _at_once(function: Callable[..., Any], *args: object) -> Any:
    return function(*args)


class ScriptedBrain:
    def __init__(self, run: Run = _at_once) -> None:
        """`run(function, *args)` runs blocking work off the event loop (`Host.run`)."""
        self._run = run

    @asynccontextmanager
    async def session(self, options: LlmOptions) -> AsyncIterator["ScriptedSession"]:
        """Raises `ScriptError` when `options.script` cannot be used."""
        yield ScriptedSession(read_script(options.script), options.language, self._run)


class ScriptedSession:
    def __init__(self, script: Script, language: str | None, run: Run = _at_once) -> None:
        self._run = run
        self._script = script
        self._phrases = sum(len(rule.when) for rule in script.rules)
        self._language = "zh" if (language or "").lower().startswith("zh") else "en"
        self._found: dict[tuple[str, str], Rule | None] = {}

    async def reply(self, request: ReplyRequest) -> AsyncGenerator[Text, None]:
        """The answer, a piece per tag and per sentence."""
        pieces: Iterable[str] = self._pieces(request)
        if self._work(request) > MUCH_WORK:
            pieces = await self._run(list, pieces)
        for piece in pieces:
            yield Text(text=piece)

    def _work(self, request: ReplyRequest) -> int:
        """How much there is to compare: phrases nearly like what was said are searched for in all that is new."""
        texts = {message.content for message in request.messages if message.role == "user"}
        texts.update(message.content for message in request.messages[-1:])
        return self._phrases * sum(len(text) for text in texts if (request.scene, text) not in self._found)

    def _pieces(self, request: ReplyRequest) -> Iterator[str]:
        match request.reason:
            case "start":
                yield from self._start(request)
            case "follow-up":
                lines = self._script.follow_up or (DEFAULT_FOLLOW_UP[self._language],)
                yield from self._say(
                    lines, _agent_turns_since_the_caller(request.messages) - 1, dict(request.variables)
                )
            case "summary":
                yield from self._summary(request.messages)
            case "user":
                yield from self._answer(request, *_said(request.messages))
            case _:  # a key was pressed, digits were collected or a tool came back
                yield from self._after_event(request)

    def _start(self, request: ReplyRequest) -> Iterator[str]:
        lines = self._script.scene_starts.get(request.scene) or self._script.start
        yield from self._say(lines, 0, dict(request.variables))

    def _after_event(self, request: ReplyRequest) -> Iterator[str]:
        """A note of the system may be answered by a rule, e.g. `when: DTMF collection completed`."""
        last = request.messages[-1] if request.messages else None
        only_instructions = len(request.messages) == 1 and last is not None and last.role == "system"
        note = "" if last is None or last.role == "assistant" or only_instructions else last.content
        if note and self._find(note, request.scene) is not None:
            yield from self._answer(request, note, _said(request.messages)[1])
        elif last is not None and last.role == "user":
            yield from self._answer(request, *_said(request.messages))
        else:
            lines = self._script.scene_starts.get(request.scene, ())
            yield from self._say(lines, 0, dict(request.variables))

    def _answer(self, request: ReplyRequest, said: str, earlier: list[str]) -> Iterator[str]:
        variables = dict(request.variables)
        for slot in self._script.slots:
            value = fill(slot, said) if not slot.scenes or request.scene in slot.scenes else None
            if value is not None and value != variables.get(slot.name):
                variables[slot.name] = value
                yield tag("set_var", key=slot.name, value=value)
        rule = self._find(said, request.scene)
        times = sum(self._find(text, request.scene) is rule for text in earlier)
        if rule is None:
            yield from self._say(self._script.fallback or (DEFAULT_FALLBACK[self._language],), times, variables)
            return
        for name, template in rule.set:
            variables[name] = render(template, variables)
            yield tag("set_var", key=name, value=variables[name])
        yield from self._say(rule.say, times, variables)
        if rule.goto is not None:
            yield tag("goto", scene=rule.goto)
        if rule.refer is not None:
            yield tag("refer", to=render(rule.refer, variables))
        if rule.hangup:
            yield tag("hangup")

    def _say(self, lines: Sequence[str], times: int, variables: dict[str, str]) -> Iterator[str]:
        """The alternatives take turns: `times` counts how often this was asked before."""
        if lines:
            yield from sentences(render_speech(lines[max(times, 0) % len(lines)], variables))

    def _summary(self, messages: Sequence[Message]) -> Iterator[str]:
        """Rules cannot summarise; what the caller said, in order, is what can honestly be given."""
        said = [message.content.strip() for message in messages if message.role == "user" and message.content.strip()]
        head, between = _SUMMARY[self._language]
        if said:
            yield head + between.join(said)

    def _find(self, said: str, scene: str) -> Rule | None:
        key = (scene, said)
        if key not in self._found:
            if len(self._found) >= _MAX_REMEMBERED:
                self._found.clear()
            self._found[key] = find_rule(self._script.rules, words_of(said), scene)
        return self._found[key]


def _said(messages: Sequence[Message]) -> tuple[str, list[str]]:
    """What the caller said last, and what he said before that."""
    texts = [message.content for message in messages if message.role == "user"]
    return (texts[-1], texts[:-1]) if texts else ("", [])


def _agent_turns_since_the_caller(messages: Sequence[Message]) -> int:
    latest = takewhile(lambda message: message.role != "user", reversed(messages))
    return sum(message.role == "assistant" for message in latest)
