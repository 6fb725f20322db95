"""The spoken conversation of `talk`: a server in this process, a caller on its WebSocket, both printed."""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from active_call.audio import RATE_HZ
from active_call.audio.resample import resample
from active_call.audio.wav import WavError, load_mono
from active_call.config.sources import environment
from active_call.engine.stages import STAGES
from active_call.playbook.load import load_file
from active_call.playbook.problems import PlaybookError
from active_call.plugin.errors import PluginError, ProviderError
from active_call.plugin.registry import Kind
from active_call.plugin.values import Audio, Samples, SpeakRequest, TtsOptions
from active_call.providers.choice import best
from active_call.providers.pool import ProviderPool
from active_call.server.app import application
from active_call.store.errors import ModelError
from active_call.store.provision import ensure
from active_call.testing.caller import Caller

from .http import bind, listening
from .models import display
from .runtime import Paths, Runtime

PATIENCE_S = 20.0
"""How long the agent may take to say something."""


async def hold(
    playbook: Path, folder: Path, lines: Sequence[tuple[str, str]], *, out: Path, codec: str, models_dir: Path | None
) -> int:
    """Hold the call and print it; the exit status."""
    environ = environment(os.environ, Path(".env"))
    runtime = Runtime(Paths(playbooks=[folder], media=[folder]), models_dir=models_dir, environ=environ)
    try:
        load_file(playbook, environ=runtime.environ)
        shown = display(sys.stderr)
        try:
            await ensure(runtime.store, runtime.missing_models(), shown.say, shown)
        finally:
            shown.close()
        async with runtime.running() as manager:
            await runtime.preload(manager.services.pool)
            spoken = [await audio_of(line, manager.services.pool, runtime) for line in lines]
            listener = bind("127.0.0.1", 0)
            base = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with listening(application(manager), listener):
                return await _converse(base, playbook, spoken, out, codec)
    except (PlaybookError, ModelError, WavError, PluginError, ProviderError, OSError) as error:
        print(f"active-call talk: {error}", file=sys.stderr)
        return 1


async def audio_of(line: tuple[str, str], pool: ProviderPool, runtime: Runtime) -> Samples:
    """What the caller says as 16 kHz samples."""
    kind, value = line
    if kind == "wav":
        return await pool.host.run(load_mono, Path(value), RATE_HZ)
    offer = best(pool.registry, Kind.TTS, pool.host.models, runtime.environ)
    if offer is None:
        raise PluginError("--say needs a voice: pip install active-call[hibari], or give a recording with --wav")
    voice = await pool.open(Kind.TTS, offer.name)
    async with voice.session(TtsOptions()) as session:
        pieces = [
            resample(item.samples, item.rate_hz, RATE_HZ)
            async for item in session.speak(SpeakRequest(text=value))
            if isinstance(item, Audio)
        ]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)


async def _converse(base: str, playbook: Path, spoken: Sequence[Samples], out: Path, codec: str) -> int:
    async with httpx.AsyncClient(base_url=base) as client:
        staged = await client.post("/api/playbook/run", json={"playbook": playbook.name})
        staged.raise_for_status()
        call_id = staged.json()["session_id"]
    printer = Transcript()
    async with Caller(base, f"/call?id={call_id}&ping=0", codec=codec, record=out, on_event=printer.event) as caller:
        await caller.invite()
        answered = await caller.until("answer", PATIENCE_S)
        if answered is not None:
            await caller.quiet(1.0, PATIENCE_S)
            for line in spoken:
                if caller.closed:
                    break
                await caller.say(line)
                await caller.replied(PATIENCE_S)
        if not caller.closed:
            await caller.hang_up()
        await caller.until_closed(5.0)
    printer.summary(out)
    return 0 if printer.agent_spoke else 1


class Transcript:
    """Prints a call as it goes on: both sides, times since the call began, and where the time of each reply went."""

    def __init__(self) -> None:
        self.agent_spoke = False
        self._began = time.monotonic()
        self._totals: list[int] = []

    def event(self, event: dict[str, Any]) -> None:
        match event:
            case {"event": "asrFinal", "text": text}:
                self._line("caller", text)
            case {"event": "metrics", "key": "tts_play_id_map", "data": {"text": text}} if text.strip():
                self.agent_spoke = True
                self._line("agent", text.strip())
            case {"event": "interruption"}:
                self._line("", f"(interrupted after: {event.get('subtitle', '')!r})")
            case {"event": "metrics", "key": "turn", "data": {"stages": stages}}:
                self._totals.append(stages["total"])
                parts = " + ".join(f"{stage} {stages[stage]}" for stage in STAGES if stages.get(stage))
                self._line("", f"({stages['total']} ms from the caller's last sound to the reply: {parts})")
            case {"event": "error"}:
                self._line("", f"(error in {event['sender']}: {event['error']})")
            case {"event": "hangup"}:
                self._line("", f"(hang-up: {event.get('reason')})")

    def _line(self, who: str, text: str) -> None:
        print(f"{time.monotonic() - self._began:6.2f} s  {who:7}{text}", flush=True)

    def summary(self, out: Path) -> None:
        if self._totals:
            middle = sorted(self._totals)[len(self._totals) // 2]
            print(f"{len(self._totals)} replies, median {middle} ms after the caller's last sound")
        print(f"recorded: {out} (stereo: the caller left, the agent right)")
