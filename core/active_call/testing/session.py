"""Holds whole calls in virtual time, without sockets and threads: a caller with a microphone, and every event."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from active_call.audio import FRAME_MS, FRAME_SAMPLES, RATE_HZ
from active_call.audio.frames import from_s16le, to_s16le
from active_call.call.directory import CallHandle, Directory
from active_call.call.manager import Manager
from active_call.call.reporter import Times
from active_call.call.services import Services
from active_call.guard.paths import PathPolicy
from active_call.media.clock import MediaClock
from active_call.plugin.discovery import discover
from active_call.plugin.errors import MissingModel
from active_call.plugin.registry import Registry
from active_call.plugin.values import Samples
from active_call.protocol.commands import command_from
from active_call.protocol.events import to_wire
from active_call.protocol.reasons import HangupReason, Initiator
from active_call.providers.host import CoreHost
from active_call.providers.pool import ProviderPool

from .virtual_time import VirtualLoop

T = TypeVar("T")
PATIENCE_S = 30.0
SLOT_S = 0.005
FAKE_OPTION: Mapping[str, Any] = {"vad": {"type": "fake"}, "asr": {"provider": "fake"}, "tts": {"provider": "fake"}}
"""An `invite` option that names the fakes."""
FRONT_MATTER = """vad: {type: fake}
asr: {provider: fake}
tts: {provider: fake}
llm: {provider: fake}
eou: {type: fake}"""


def book(body: str = "Be nice.", more: str = "") -> str:
    """A playbook that names the fakes; `more` is YAML for its front matter."""
    return f"---\n{FRONT_MATTER}\n{more}\n---\n{body}\n"


class NoModels:
    """A model store that holds nothing."""

    def files(self, name: str) -> Mapping[str, Path]:
        raise MissingModel(name)


class InlineHost(CoreHost):
    """Runs blocking work on the spot: virtual time does not wait for threads."""

    async def run(self, function: Callable[..., T], /, *args: object) -> T:
        return function(*args)


class VirtualTimes(Times):
    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> int:
        return self._loop.now_ms()

    def epoch(self, monotonic_ms: int) -> int:
        return monotonic_ms


@dataclass(eq=False)
class Wire:
    """The binary half of a socket that holds nothing back."""

    sent: list[tuple[int, Samples]]
    """When (ms) and what."""
    now_ms: Callable[[], int]
    on_data: Callable[[bytes], None] | None = None
    unsent_bytes: int = 0

    def send(self, data: bytes) -> None:
        self.sent.append((self.now_ms(), from_s16le(data)))

    def attach(self, on_data: Callable[[bytes], None]) -> None:
        self.on_data = on_data


@contextlib.asynccontextmanager
async def virtual_server(
    *plugins: object, folder: Path | None = None, registry: Registry | None = None, **services: Any
) -> AsyncIterator[Manager]:
    """Everything but the network; use inside `in_virtual_time`. `folder` holds playbooks and recordings.

    `services`: more fields of `Services`, each a value, or a function of the `ProviderPool`.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    host = InlineHost(NoModels(), environ={}, threads=1)
    clock = MediaClock(now_ms=loop.now_ms)
    ticking = asyncio.create_task(_tick(clock), name="virtual clock")
    files = PathPolicy([folder or Path.cwd() / "nothing"])
    async with ProviderPool(registry or discover(select="", extra=plugins), host) as pool:
        manager = Manager(
            Services(
                pool=pool,
                clock=clock,
                directory=Directory(),
                playbooks=files,
                media=files,
                environ={},
                times=VirtualTimes(loop),
                **{name: value(pool) if callable(value) else value for name, value in services.items()},
            )
        )
        try:
            yield manager
        finally:
            await manager.shut_down()
            ticking.cancel()
            await host.aclose()


async def _tick(clock: MediaClock) -> None:
    while True:
        await asyncio.sleep(SLOT_S)
        clock.tick()


class Session:
    """One call and its caller, whose microphone is open from the invite on."""

    def __init__(self, manager: Manager, content: str | None = None, *, name: str | None = None) -> None:
        """`content` is a playbook's text, `name` the file of one."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.events: list[dict[str, Any]] = []
        self.wire = Wire([], loop.now_ms)
        directory = manager.directory
        staged = directory.stage(name=name, content=content) if content is not None or name is not None else "call"
        self.call: CallHandle = manager.create(staged, "webSocket", wire=self.wire)
        self._out: list[Samples] = []
        self._spoken = asyncio.Event()
        self._news = asyncio.Event()
        self._tasks = [asyncio.create_task(self._read(), name="session reads")]

    async def __aenter__(self) -> "Session":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.call.end(HangupReason.BY_SYSTEM, Initiator.SYSTEM)
        await self.call.done()
        await asyncio.sleep(0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ------------------------------------------------------------ commands and speech

    async def send(self, command: str, **fields: Any) -> None:
        self.call.command(command_from({"command": command, **fields}))
        await asyncio.sleep(0)

    async def invite(self, **option: Any) -> None:
        """Begin the call, open the microphone and wait for the answer."""
        await self.send("invite", option=option)
        self._tasks.append(asyncio.create_task(self._microphone(), name="session's microphone"))
        await self.until("answer")

    async def say(self, samples: Samples) -> None:
        """Speak 16 kHz samples; returns when the last frame has been sent."""
        for start in range(0, len(samples), FRAME_SAMPLES):
            frame = np.zeros(FRAME_SAMPLES, np.int16)
            piece = samples[start : start + FRAME_SAMPLES]
            frame[: len(piece)] = piece
            self._out.append(frame)
        self._spoken.clear()
        await self._spoken.wait()

    async def call_time(self, seconds: float) -> None:
        """Let so much of the call pass."""
        await asyncio.sleep(seconds)

    # ------------------------------------------------------------ what came

    async def until(self, name: str, count: int = 1, patience: float = PATIENCE_S, **fields: Any) -> dict[str, Any]:
        """The count-th event of that name with these fields; AssertionError when it does not come."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while len(hits := self.all(name, **fields)) < count and not self.ended:
                    self._news.clear()
                    await self._news.wait()
        hits = self.all(name, **fields)
        assert len(hits) >= count, f"no {name} {fields} (number {count}); there were {self.names}"
        return hits[count - 1]

    def all(self, name: str, **fields: Any) -> list[dict[str, Any]]:
        return [
            event
            for event in self.events
            if event["event"] == name and all(event.get(key) == value for key, value in fields.items())
        ]

    @property
    def ended(self) -> bool:
        return bool(self.all("hangup"))

    @property
    def names(self) -> list[str]:
        """The events so far, in order; `trackStart caller`, `metrics llm_response` and so on are spelled out."""
        return [self._name(event) for event in self.events]

    def _name(self, event: dict[str, Any]) -> str:
        name = str(event["event"])
        if name in ("trackStart", "trackEnd"):
            return f"{name} caller" if event["trackId"] == self.call.id else f"{name} {event.get('playId', '')}".strip()
        return f"{name} {event['key']}" if name == "metrics" else name

    def story(self) -> list[str]:
        """`names` without metrics and without what only the detector says."""
        return [name for name in self.names if not name.startswith(("metrics", "speaking", "silence"))]

    def heard_seconds(self, since: int = 0) -> float:
        """How much sound (not silence) reached the caller, from message `since` on."""
        frames = [frame for _, frame in self.wire.sent[since:] if np.abs(frame.astype(np.int32)).max() > 300]
        return sum(map(len, frames)) / RATE_HZ

    # ------------------------------------------------------------ the wire

    async def _read(self) -> None:
        async for _, event in self.call.events():
            self.events.append(to_wire(event))
            self._news.set()

    async def _microphone(self) -> None:
        silence = to_s16le(np.zeros(FRAME_SAMPLES, np.int16))
        while True:
            frame = to_s16le(self._out.pop(0)) if self._out else silence
            if self.wire.on_data is not None:
                self.wire.on_data(frame)
            if not self._out:
                self._spoken.set()
            await asyncio.sleep(FRAME_MS / 1000)
