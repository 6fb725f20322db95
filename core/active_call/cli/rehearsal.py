"""Playbook tests over real audio: each is a call on the WebSocket of a server in this process, as `talk` holds them."""

import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from active_call.call.manager import Manager
from active_call.playbook.acts import Hangup
from active_call.playbook.load import load_file
from active_call.playbook.model import Playbook
from active_call.playbook.scenario import (
    AgentDoes,
    AgentIsSilent,
    AgentSays,
    CallerPresses,
    Deed,
    Expectation,
    Scenario,
    ScenarioFile,
)
from active_call.playbook.scenario_reader import read_scenarios
from active_call.plugin.errors import PluginError, ProviderError
from active_call.plugin.values import Samples
from active_call.server.app import application
from active_call.store.errors import ModelError
from active_call.store.provision import ensure
from active_call.testing.answers import Answer
from active_call.testing.caller import Caller
from active_call.testing.scenarios import Record, Result, failure_at, follow, steady

from .http import bind, listening
from .models import display
from .runtime import Paths, Runtime
from .spoken import PATIENCE_S, audio_of

QUIET_S = 1.0
"""An answer is over when the agent was silent for so long."""

Voice = Callable[[str], Awaitable[Samples]]


class SpokenDriver:
    """Implements `Driver` on a WebSocket call: what the agent says is known by its events."""

    def __init__(self, caller: Caller, voice: Voice, record: Record, given: Mapping[str, str]) -> None:
        self._caller = caller
        self._voice = voice
        self._record = record
        self._given = given
        self.scene = None
        self.variables = None

    @property
    def answer(self) -> Answer:
        return self._record.answer

    @property
    def over(self) -> bool:
        return self._caller.closed is not None

    def sees(self, step: Expectation) -> bool:
        match step:
            case AgentSays() | AgentIsSilent():
                return True
            case AgentDoes(deed=deed):
                return deed is Deed.HANGS_UP
            case _:
                return False

    async def begin(self) -> None:
        await self._caller.invite(**({"extra": dict(self._given)} if self._given else {}))
        if await self._caller.until("answer", PATIENCE_S) is None:
            self._record.failed("the call was not answered")
            return
        await self._heard_out()

    async def say(self, text: str) -> None:
        self._record.caller(text)
        await self._caller.say(await self._voice(text))
        await self._caller.replied(PATIENCE_S)
        await self._heard_out()

    async def press(self, keys: str) -> None:
        self._record.failed("keys cannot be pressed over audio yet")

    async def wait(self, ms: int) -> None:
        self._record.caller(f"(says nothing for {ms / 1000:g} s)")
        await self._caller.until_closed(ms / 1000)
        await self._heard_out()

    async def _heard_out(self) -> None:
        await self._caller.quiet(QUIET_S, PATIENCE_S)
        self._record.ends()


def listener(record: Record) -> Callable[[dict[str, Any]], None]:
    """What takes the events of a call down."""

    def take(event: dict[str, Any]) -> None:
        match event:
            case {"event": "metrics", "key": "tts_play_id_map", "data": {"text": text}} if text.strip():
                record.says(f"{text.strip()} ")
            case {"event": "asrFinal", "text": text}:
                record.trouble(f"heard: {text}")
            case {"event": "hangup"}:
                record.does(Hangup(event.get("reason")))
            case {"event": "error", "sender": "playbook"}:
                record.trouble(str(event.get("error")))
            case {"event": "error"}:
                record.failed(f"error in {event.get('sender')}: {event.get('error')}")

    return take


async def speak_file(
    path: Path,
    *,
    environ: Mapping[str, str],
    chosen: Callable[[Scenario], bool],
    out: Path | None,
    models_dir: Path | None,
) -> AsyncIterator[Result]:
    """The tests of a file, spoken one after the other. Raises `PlaybookError`; recordings go to the folder `out`."""
    file = read_scenarios(path)
    playbook = load_file(file.playbook, environ=environ)
    folder = file.playbook.resolve().parent
    runtime = Runtime(
        Paths(playbooks=[folder], media=[folder]), models_dir=models_dir, environ=steady(playbook, environ)
    )
    shown = display(sys.stderr)
    try:
        await ensure(runtime.store, runtime.missing_models(), shown.say, shown)
    finally:
        shown.close()
    async with runtime.running() as manager:
        await runtime.preload(manager.services.pool)
        socket = bind("127.0.0.1", 0)
        base = f"http://127.0.0.1:{socket.getsockname()[1]}"
        async with listening(application(manager), socket):
            for scenario in filter(chosen, file.scenarios):
                yield await _speak(base, file, scenario, playbook, manager, runtime, out)


async def _speak(
    base: str,
    file: ScenarioFile,
    scenario: Scenario,
    playbook: Playbook,
    manager: Manager,
    runtime: Runtime,
    out: Path | None,
) -> Result:
    result = Result(path=file.path, scenario=scenario)
    pressed = next((step for step in scenario.steps if isinstance(step, CallerPresses)), None)
    if pressed is not None:
        result.skipped = f"line {pressed.line}: keys cannot be pressed over audio yet"
        return result
    record = Record(result)

    async def voice(text: str) -> Samples:
        return await audio_of(("say", text), manager.services.pool, runtime)

    try:
        async with httpx.AsyncClient(base_url=base) as client:
            staged = await client.post("/api/playbook/run", json={"playbook": file.playbook.name})
            staged.raise_for_status()
            path = f"/call?id={staged.json()['session_id']}&ping=0"
        recording = _recording(out, scenario.name)
        async with Caller(base, path, record=recording, on_event=listener(record)) as caller:
            await follow(scenario, SpokenDriver(caller, voice, record, scenario.given), result)
            if caller.closed is None:
                await caller.hang_up()
                await caller.until_closed(5.0)
    except (httpx.HTTPError, ModelError, PluginError, ProviderError, OSError) as error:
        result.failure = failure_at(scenario.steps[0], str(error))
    return result


def _recording(folder: Path | None, name: str) -> Path | None:
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    words = re.findall(r"\w+", name)
    return folder / f"{'-'.join(words)}.wav"
