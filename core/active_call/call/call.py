"""One call: commands in, events out, one leg, one engine, and an end that always comes exactly once."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from active_call.dialogue.agent import Agent
from active_call.engine.pipeline import Pipeline
from active_call.guard.paths import PathPolicy
from active_call.media.clock import MediaClock
from active_call.playbook.acts import Act, Hangup, Refer, SendMessage
from active_call.playbook.load import load_file, load_text
from active_call.playbook.model import Playbook
from active_call.playbook.problems import PlaybookError
from active_call.plugin.errors import PluginError, ProviderError
from active_call.plugin.leg import Answered, Dtmf, Ended, Hold, Leg, MediaReady, OpenRequest, Ringing, Wire
from active_call.plugin.registry import Kind
from active_call.protocol import commands
from active_call.protocol import events as ev
from active_call.protocol.options import CallOption, dump, merge
from active_call.protocol.reasons import HangupReason, Initiator, hangup_reason
from active_call.protocol.wire import rfc3339
from active_call.providers.pool import ProviderPool

from .directory import Directory, Staged
from .log import EventLog
from .options import Chooser
from .reporter import SERVER_SIDE_TRACK, Reporter, Times
from .scope import Scope
from .states import CallState, WrongState, check

log = logging.getLogger(__name__)

BURST = 10_000
"""So many commands may wait; more are read only when half of these are done."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """What a call takes from the process."""

    pool: ProviderPool
    clock: MediaClock
    directory: Directory
    playbooks: PathPolicy
    media: PathPolicy
    environ: Mapping[str, str]
    times: Times = field(default_factory=Times)


class Call:
    """Implements `CallHandle`. `run` is its life: it returns when nothing of the call is left."""

    def __init__(
        self,
        call_id: str,
        call_type: str,
        services: Services,
        *,
        wire: Wire | None = None,
        server_track: str = SERVER_SIDE_TRACK,
    ) -> None:
        self._id = call_id
        self.call_type = call_type
        self.state = CallState.CREATED
        self.log = EventLog()
        self._services = services
        self._wire = wire
        self._scope = Scope(call_id, self._task_failed)
        self._reporter = Reporter(
            call_id,
            services.times,
            self._emit,
            server_track=server_track,
            spawn=self._scope.spawn,
            on_act=self._act,
            on_auto_hangup=lambda: self.end(HangupReason.BY_SYSTEM, Initiator.SYSTEM),
        )
        self._option: CallOption | None = None
        self._playbook: Playbook | None = None
        self._agent: Agent | None = None
        self._leg: Leg | None = None
        self._pipeline: Pipeline | None = None
        self._commands: deque[commands.Command] = deque()
        self._deferred: deque[commands.Command] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._ending = asyncio.Event()
        self._done = asyncio.Event()
        self._end: tuple[str, str] | None = None
        self._started_ms = services.times.now()
        self._answered_ms: int | None = None
        self._ringing_ms: int | None = None
        self._track_started_ms: int | None = None

    # ------------------------------------------------------------ CallHandle

    @property
    def id(self) -> str:
        return self._id

    def command(self, command: commands.Command) -> None:
        self._commands.append(command)
        self._news.set()
        if len(self._commands) >= BURST and self._room.is_set():
            self._room.clear()
            self._reporter.error("command", f"{BURST} commands are waiting; no more are read until half are done")

    async def room(self) -> None:
        await self._room.wait()

    def complain(self, bad: commands.BadCommand) -> None:
        self._reporter.error("command", str(bad))

    def events(self, after: int = 0) -> AsyncIterator[tuple[int, ev.Event]]:
        return self.log.read(after)

    def lost(self) -> None:
        self.end(HangupReason.BY_CALLER, Initiator.CALLER)

    def end(self, reason: str, initiator: str) -> None:
        """The first reason wins."""
        if self._end is None:
            self._end = (reason, initiator)
            self._ending.set()

    async def done(self) -> None:
        await self._done.wait()

    def summary(self) -> Mapping[str, Any]:
        item: dict[str, Any] = {"id": self._id, "callType": self.call_type}
        item["cs.option"] = dump(self._option) if self._option is not None else None
        item["ringTime"] = rfc3339(self._ringing_ms) if self._ringing_ms else None
        item["startTime"] = rfc3339(self._answered_ms) if self._answered_ms else None
        return item

    # ------------------------------------------------------------ life

    async def run(self, staged: Staged | None = None) -> None:
        """Live until the end has come, then end in order: tracks, hangup, nothing more."""
        try:
            if staged is None or self._load(staged):
                self._scope.spawn("commands", self._work())
            await self._ending.wait()
        finally:
            self.state = CallState.ENDING
            await self._close()
            self.state = CallState.ENDED
            self._room.set()
            self._services.directory.remove(self)
            self._done.set()

    async def _close(self) -> None:
        try:
            if self._pipeline is not None:
                self._pipeline.close()
            if self._leg is not None:
                await self._leg.hang_up(self._end[0] if self._end else "")
            await self._scope.close()
        finally:
            now_ms = self._services.times.now()
            if self._track_started_ms is not None:
                duration = now_ms - (self._answered_ms or now_ms)
                self._emit(ev.TrackEnd(track_id=self._id, timestamp=now_ms, duration=duration, ssrc=0))
            reason, initiator = self._end or (HangupReason.BY_SYSTEM, Initiator.SYSTEM)
            self._emit(
                ev.Hangup(
                    track_id=self._id,
                    timestamp=now_ms,
                    reason=reason,
                    initiator=initiator,
                    start_time=self._started_ms,
                    hangup_time=now_ms,
                    answer_time=self._answered_ms,
                    ringing_time=self._ringing_ms,
                )
            )
            self.log.close()

    def _emit(self, event: ev.Event) -> None:
        if not self.log.closed:
            self.log.append(event)

    def _task_failed(self, name: str, error: Exception) -> None:
        self._reporter.error(name, f"{type(error).__name__}: {error}", 500)
        if name in ("commands", "leg"):
            self.end(HangupReason.FAILED, Initiator.SYSTEM)

    # ------------------------------------------------------------ commands

    async def _work(self) -> None:
        while True:
            while self._commands:
                self._carry_out(self._commands.popleft())
                if len(self._commands) <= BURST // 2:
                    self._room.set()
                if len(self._commands) % 100 == 99:
                    await asyncio.sleep(0)  # a burst must not hold up the media clock
            self._news.clear()
            await self._news.wait()

    def _carry_out(self, command: commands.Command) -> None:
        handler = _HANDLERS.get(type(command))
        if handler is None:
            self._reporter.error("command", f"{command.command}: not available in this version")
            return
        if type(command) in _NEEDS_MEDIA and self._pipeline is None:
            # Speech ordered before the call is up waits for it, in order.
            self._deferred.append(command)
            return
        try:
            handler(self, command)
        except (ValueError, WrongState, PluginError, ProviderError) as error:
            self._reporter.error("command", str(error))

    def _become(self, state: CallState) -> None:
        check(self.state, state)
        self.state = state

    def _invite(self, command: commands.Invite) -> None:
        if self.state is not CallState.CREATED:
            raise WrongState(f"invite: the call is already {self.state}")
        option = command.option
        if self._playbook is not None:
            option = merge(option, self._playbook.config.call_option())
        self._option = option
        self._become(CallState.DIALLING)
        self._scope.spawn("invite", self._dial(option))

    async def _dial(self, option: CallOption) -> None:
        offers = self._services.pool.registry.offers(Kind.TRANSPORT)
        name = next((offer.name for offer in offers if offer.traits.call_type == self.call_type), None)
        try:
            if name is None:
                raise ValueError(f"no installed plugin connects {self.call_type} calls")
            transport = await self._services.pool.open(Kind.TRANSPORT, name)
            request = OpenRequest(session_id=self._id, option=dump(option, reveal=True), wire=self._wire)
            leg = await transport.open(request)
        except (ValueError, PluginError, ProviderError) as error:
            self._reporter.error("invite", str(error))
            self.end(HangupReason.FAILED, Initiator.SYSTEM)
            return
        self._connect(leg, option)
        await leg.answer()

    def _connect(self, leg: Leg, option: CallOption) -> None:
        self._leg = leg
        self._track_started_ms = self._services.times.now()
        self._emit(ev.TrackStart(track_id=self._id, timestamp=self._track_started_ms))
        self._scope.spawn("leg", self._follow(leg))
        services = self._services
        if self._playbook is not None:
            self._agent = Agent(self._playbook, self._variables(leg))
        engine = Chooser(services.pool, services.environ).engine(option, self._agent)
        self._pipeline = Pipeline(
            leg, services.clock, services.pool, engine, self._reporter, agent=self._agent, paths=services.media
        )
        while self._deferred:
            self._carry_out(self._deferred.popleft())

    def _variables(self, leg: Leg) -> dict[str, str]:
        variables = dict(self._option.extra or {}) if self._option else {}
        return variables | {
            "session_id": self._id,
            "call_type": self.call_type.lower(),
            "caller": leg.caller,
            "callee": leg.callee,
            "start_time": rfc3339(self._started_ms),
        }

    def _tts(self, command: commands.Tts) -> None:
        assert self._pipeline is not None
        option = command.voice(self._option.tts if self._option else None)
        chooser = Chooser(self._services.pool, self._services.environ)
        voice = chooser.voice(option)
        if voice is not None:
            self._services.pool.registry.find(Kind.TTS, voice.provider)
        for sender, problem in chooser.problems:
            self._reporter.error(sender, problem)
        self._pipeline.orders.tts(command, voice)

    def _play(self, command: commands.Play) -> None:
        assert self._pipeline is not None
        self._pipeline.orders.play(command)

    def _interrupt(self, command: commands.Interrupt) -> None:
        assert self._pipeline is not None
        self._pipeline.interrupt(command)

    def _hangup(self, command: commands.Hangup) -> None:
        if command.refer:
            return  # there is no transferred leg to hang up
        self.end(hangup_reason(command.reason, command.initiator), Initiator.SYSTEM)

    def _history(self, command: commands.History) -> None:
        self._reporter.history(command.speaker, command.text, self._id)

    def _custom(self, command: commands.Custom) -> None:
        now_ms = self._services.times.now()
        self._emit(ev.Custom(timestamp=now_ms, sender=command.sender, data=command.data))

    def _wrong_call_type(self, command: commands.Command) -> None:
        raise WrongState(f"{command.command}: this is a {self.call_type} call; it begins with `invite`")

    def _nothing(self, command: commands.Command) -> None:
        """`reject` with nothing to reject."""

    # ------------------------------------------------------------ the leg

    async def _follow(self, leg: Leg) -> None:
        async for event in leg.events():
            now_ms = self._services.times.now()
            match event:
                case Answered(sdp=sdp):
                    self._answered(leg, sdp, now_ms)
                case Ringing(early_media=early):
                    self._ringing_ms = self._ringing_ms or now_ms
                    self._emit(ev.Ringing(track_id=self._id, timestamp=now_ms, early_media=early))
                case MediaReady():
                    self._emit(ev.MediaReady(track_id=self._id, timestamp=now_ms))
                case Dtmf(digit=digit):
                    self._emit(ev.Dtmf(track_id=self._id, timestamp=now_ms, digit=digit))
                case Hold(on=on):
                    self._emit(ev.Hold(track_id=self._id, timestamp=now_ms, on_hold=on))
                case Ended(by_remote=True):
                    self.end(HangupReason.BY_CALLER, Initiator.CALLER)
                case _:
                    log.debug("%s: %s of the leg is not handled", self._id, type(event).__name__)

    def _answered(self, leg: Leg, sdp: str, now_ms: int) -> None:
        self._become(CallState.ANSWERED)
        if not leg.traits.rings and self._track_started_ms is not None:
            # Clients take the two for one moment.
            now_ms = self._track_started_ms
        self._answered_ms = now_ms
        self._emit(ev.Answer(track_id=self._id, timestamp=now_ms, sdp=sdp))
        if self._pipeline is not None:
            self._pipeline.connected()
            self._scope.spawn("engine", self._pipeline.run())

    # ------------------------------------------------------------ the agent

    def _load(self, staged: Staged) -> bool:
        services = self._services
        try:
            if staged.content is not None:
                self._playbook = load_text(staged.content, name="playbook", environ=services.environ, trusted=False)
            else:
                path = services.playbooks.resolve(staged.name or "")
                self._playbook = load_file(path, environ=services.environ)
        except (PlaybookError, ValueError, OSError) as error:
            self._reporter.error("playbook", str(error))
            self.end(HangupReason.FAILED, Initiator.SYSTEM)
            return False
        return True

    def _act(self, act: Act) -> None:
        match act:
            case Hangup(reason=reason):
                self.end(hangup_reason(reason), Initiator.SYSTEM)
            case Refer() | SendMessage():
                self._reporter.error("playbook", f"a {self.call_type} call cannot {type(act).__name__.lower()}")
            case _:
                self._reporter.error("playbook", f"<{type(act).__name__.lower()}> is not available in this version")


_NEEDS_MEDIA = (commands.Tts, commands.Play, commands.Interrupt)
_HANDLERS: dict[type, Any] = {
    commands.Invite: Call._invite,
    commands.Accept: Call._wrong_call_type,
    commands.Ringing: Call._wrong_call_type,
    commands.Reject: Call._nothing,
    commands.Hangup: Call._hangup,
    commands.Tts: Call._tts,
    commands.Play: Call._play,
    commands.Interrupt: Call._interrupt,
    commands.History: Call._history,
    commands.Custom: Call._custom,
}
