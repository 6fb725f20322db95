"""One call: commands in, events out, one leg, one engine, and an end that always comes exactly once."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Any

from active_call.dialogue.agent import Agent
from active_call.media.playback import Pause
from active_call.playbook.acts import Act, Hangup, Refer, SendMessage
from active_call.playbook.model import Playbook
from active_call.playbook.problems import PlaybookError
from active_call.plugin.errors import PluginError, ProviderError
from active_call.plugin.leg import Answered, Dtmf, Ended, Leg, Ringing, Wire
from active_call.protocol import commands
from active_call.protocol import events as ev
from active_call.protocol.options import CallOption, dump, merge
from active_call.protocol.reasons import HangupReason, Initiator, hangup_reason
from active_call.providers.errors import classify

from .attachment import Attachment
from .bridges import Bridges
from .connection import Connection, needs_media
from .directory import Staged
from .facts import CallFacts
from .files import load_staged
from .inbox import BURST, Inbox
from .keeping import Keeping
from .legs import open_leg, wire_event
from .log import Entry, EventLog
from .reporter import SERVER_SIDE_TRACK, Reporter
from .scope import Scope
from .services import Services as Services
from .states import CallState, WrongState, check

log = logging.getLogger(__name__)

TOO_MANY = f"{BURST} commands are waiting; no more are read until half are done"
HANG_UP_S = 5.0
"""So long may a leg take to say good-bye."""


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
        dumps: bool = True,
    ) -> None:
        """Raises ValueError when its dump file may not be written."""
        self.state = CallState.CREATED
        self.log = EventLog()
        self._services = services
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
        self.facts = CallFacts(call_id, call_type, services.times.now())
        self._keeping = Keeping(self.facts, services.archive, dumps=dumps, on_error=self._reporter.error)
        self._playbook: Playbook | None = None
        self._connection: Connection | None = None
        self._attachment = Attachment(
            wire,
            grace_s=services.reattach_grace_s,
            on_detached=self._detached,
            on_attached=self._attached,
            on_gone=self._gone,
        )
        self._inbox = Inbox(self._carry_out, on_full=lambda: self._reporter.error("command", TOO_MANY))
        self._deferred: deque[commands.Command] = deque()
        self._ending = asyncio.Event()
        self._done = asyncio.Event()

    # ------------------------------------------------------------ CallHandle

    @property
    def id(self) -> str:
        return self.facts.id

    @property
    def call_type(self) -> str:
        return self.facts.call_type

    def command(self, command: commands.Command) -> None:
        self.log.command(command)
        self._keeping.command(command, self._services.times.now())
        self._inbox.put(command)

    async def room(self) -> None:
        await self._inbox.room()

    def complain(self, bad: commands.BadCommand) -> None:
        self._reporter.error("command", str(bad))

    def events(self, after: int = 0) -> AsyncIterator[tuple[int, ev.Event]]:
        return self.log.read(after)

    def timeline(self, after: int = 0) -> AsyncIterator[tuple[int, Entry]]:
        return self.log.timeline(after)

    @property
    def last(self) -> int:
        return self.log.last

    def wrote(self, number: int) -> None:
        self._attachment.seen = max(self._attachment.seen, number)

    def lost(self, wire: Wire | None = None) -> None:
        if self.state not in (CallState.ENDING, CallState.ENDED):
            self._attachment.lost(wire)

    def attach(self, wire: Wire | None, received: int | None = None) -> int:
        if self.state in (CallState.ENDING, CallState.ENDED):
            raise WrongState("the call has ended")
        after = self._attachment.seen if received is None else self.log.number_of(received)
        self._attachment.attach(wire)
        return after

    def end(self, reason: str, initiator: str) -> None:
        """The first reason wins."""
        if self.facts.end is None:
            self.facts.end = (reason, initiator)
            self._ending.set()

    async def done(self) -> None:
        await self._done.wait()

    def summary(self) -> Mapping[str, Any]:
        return self.facts.summary()

    @property
    def bridges(self) -> Bridges | None:
        """Where another call may join this one."""
        return self._connection.bridges if self._connection is not None else None

    # ------------------------------------------------------------ its controller

    def _detached(self) -> None:
        """What nobody can hear waits."""
        if self._connection is not None and self._attachment.wire is not None:
            self._connection.channel.playback.pause(Pause.NOT_CONNECTED)

    def _attached(self) -> None:
        if self._connection is not None and self.state is CallState.ANSWERED:
            self._connection.channel.playback.resume(Pause.NOT_CONNECTED)

    def _gone(self) -> None:
        if self.call_type == "sip":
            # The caller is at the other end of the leg; who left is the controller.
            self.end(HangupReason.BY_SYSTEM, Initiator.SYSTEM)
        else:
            self.end(HangupReason.BY_CALLER, Initiator.CALLER)

    # ------------------------------------------------------------ life

    async def run(self, staged: Staged | None = None) -> None:
        """Live until the end has come, then end in order: tracks, hangup. What it leaves behind is kept after that."""
        try:
            if staged is None or self._load(staged):
                self._scope.spawn("commands", self._inbox.run())
            await self._ending.wait()
        finally:
            self.state = CallState.ENDING
            self._inbox.close()
            self._attachment.close()
            now_ms = self._services.times.now()
            try:
                await self._keeping.hold(now_ms)
                await self._take_down()
            finally:
                self._say_good_bye()
                self.state = CallState.ENDED
                self._services.directory.remove(self)
                self._done.set()
                await self._keeping.finish(now_ms)

    async def _take_down(self) -> None:
        """Tracks, leg, tasks: a failure or a time-out of one does not keep the others alive."""
        connection = self._connection
        if connection is None:
            await self._scope.close()
            return
        try:
            connection.close()
        except Exception as error:
            self._task_failed("engine", error)
        try:
            async with asyncio.timeout(HANG_UP_S):
                await connection.leg.hang_up(self.facts.reason)
        except Exception as error:  # a leg can raise anything
            log.warning("%s: the leg did not hang up cleanly: %s", self.id, classify(error))
        finally:
            await self._scope.close()

    def _say_good_bye(self) -> None:
        now_ms = self._services.times.now()
        if self.facts.track_started_ms is not None:
            duration = now_ms - (self.facts.answered_ms or now_ms)
            self._emit(ev.TrackEnd(track_id=self.id, timestamp=now_ms, duration=duration, ssrc=0))
        self._emit(self.facts.hangup(now_ms))
        self.log.close()

    def _emit(self, event: ev.Event) -> None:
        if self.log.closed:
            return
        self.log.append(event)
        self._keeping.event(event)
        if self._connection is not None:
            self._connection.observe(event)
        for observe in self._services.observers:
            observe(self.call_type, event)

    def _task_failed(self, name: str, error: Exception) -> None:
        self._reporter.error(name, f"{type(error).__name__}: {error}", 500)
        if name in _VITAL:
            self.end(HangupReason.FAILED, Initiator.SYSTEM)

    # ------------------------------------------------------------ commands

    def _carry_out(self, command: commands.Command) -> None:
        if needs_media(command) and self._connection is None:
            self._defer(command)
            return
        try:
            self._handle(command)
        except _EXPECTED as error:
            self._reporter.error("command", str(error))
        except Exception as error:
            log.exception("%s: %s failed", self.id, command.command)
            self._reporter.error("command", f"{command.command}: {type(error).__name__}: {error}")

    def _handle(self, command: commands.Command) -> None:
        match command:
            case commands.Invite():
                self._invite(command)
            case commands.Accept() if self.call_type == "sip" and self.state is CallState.CREATED:
                self._nothing_pending()
            case commands.Accept() | commands.Ringing():
                raise WrongState(f"{command.command}: this is a {self.call_type} call; it begins with `invite`")
            case commands.Reject():
                pass  # there is nothing to reject
            case commands.Hangup():
                if not command.refer:  # there is no transferred leg to hang up
                    self.end(hangup_reason(command.reason, command.initiator), Initiator.SYSTEM)
            case commands.History():
                self._reporter.history(command.speaker, command.text, self.id)
            case commands.Custom():
                now_ms = self._services.times.now()
                self._emit(ev.Custom(timestamp=now_ms, sender=command.sender, data=command.data))
            case _ if self._connection is not None and needs_media(command):
                self._connection.carry_out(command)
            case _:
                raise WrongState(f"{command.command}: a {self.call_type} call cannot do that in this version")

    def _nothing_pending(self) -> None:
        """`accept` for an incoming call that is not, or no longer, there."""
        now_ms = self._services.times.now()
        self._emit(ev.Reject(track_id=self.id, timestamp=now_ms, reason="no pending call", code=486))
        self._reporter.error("command", "no pending call to accept")
        self.end(HangupReason.REJECTED, Initiator.SYSTEM)

    def _defer(self, command: commands.Command) -> None:
        """Speech ordered before the call is up waits for it, in order."""
        if len(self._deferred) >= BURST:
            self._reporter.error("command", f"{command.command}: {BURST} already wait for the call to begin; left out")
            return
        self._deferred.append(command)

    def _become(self, state: CallState) -> None:
        check(self.state, state)
        self.state = state

    def _invite(self, command: commands.Invite) -> None:
        if self.state is not CallState.CREATED:
            raise WrongState(f"invite: the call is already {self.state}")
        option = command.option
        if self._playbook is not None:
            option = merge(option, self._playbook.config.call_option())
        self.facts.option = option
        self._keeping.hide(option)
        self._become(CallState.DIALLING)
        self._scope.spawn("invite", self._dial(option))

    # ------------------------------------------------------------ the leg

    async def _dial(self, option: CallOption) -> None:
        try:
            leg = await open_leg(
                self._services.pool, self.call_type, self.id, dump(option, reveal=True), self._attachment.wire
            )
        except Exception as error:  # a transport can raise anything
            self._reporter.error("invite", str(error if isinstance(error, ValueError) else classify(error)))
            self.end(HangupReason.FAILED, Initiator.SYSTEM)
            return
        self._connect(leg, option)
        await leg.answer()

    def _connect(self, leg: Leg, option: CallOption) -> None:
        facts = self.facts
        facts.caller, facts.callee = leg.caller or option.caller or "", leg.callee or option.callee or ""
        facts.track_started_ms = self._services.times.now()
        self._emit(ev.TrackStart(track_id=self.id, timestamp=facts.track_started_ms))
        self._scope.spawn("leg", self._follow(leg))
        agent = self._agent()
        facts.variables = agent.variables if agent is not None else facts.built_ins()
        connection = self._connection = Connection(
            leg,
            option,
            self._services,
            self._reporter,
            agent=agent,
            emit=self._emit,
            on_inactive=lambda: self.end(HangupReason.INACTIVITY_TIMEOUT, Initiator.SYSTEM),
            listener=self._attachment.wire,
        )
        try:
            self._keeping.record(option.recorder, connection.channel)
        except ValueError as error:
            self._reporter.error("recorder", str(error))
        while self._deferred:
            self._carry_out(self._deferred.popleft())

    def _agent(self) -> Agent | None:
        if self._playbook is None:
            return None
        built_ins = self.facts.built_ins()
        return Agent(self._playbook, built_ins, report=lambda problem: self._reporter.error("playbook", problem))

    async def _follow(self, leg: Leg) -> None:
        async for event in leg.events():
            now_ms = self._services.times.now()
            match event:
                case Answered(sdp=sdp):
                    self._answered(leg, sdp, now_ms)
                case Ended(by_remote=True):
                    self.end(HangupReason.BY_CALLER, Initiator.CALLER)
                case Ended():
                    self.end(HangupReason.SERVER_UNAVAILABLE, Initiator.SYSTEM)
                case _:
                    if isinstance(event, Ringing):
                        self.facts.ringing_ms = self.facts.ringing_ms or now_ms
                    told = wire_event(event, self.id, now_ms)
                    if told is not None:
                        self._emit(told)
                    if isinstance(event, Dtmf) and self._connection is not None and self.state is CallState.ANSWERED:
                        self._connection.pressed(event.digit)

        self.end(HangupReason.FAILED, Initiator.SYSTEM)  # only if it never said why it ended

    def _answered(self, leg: Leg, sdp: str, now_ms: int) -> None:
        if self.state in (CallState.ENDING, CallState.ANSWERED):
            return  # a leg may repeat itself; clients are told once
        self._become(CallState.ANSWERED)
        if not leg.traits.rings and self.facts.track_started_ms is not None:
            # Clients take the two for one moment.
            now_ms = self.facts.track_started_ms
        self.facts.answered_ms = now_ms
        self._emit(ev.Answer(track_id=self.id, timestamp=now_ms, sdp=sdp))
        if self._connection is not None:
            self._connection.start()

    # ------------------------------------------------------------ the agent

    def _load(self, staged: Staged) -> bool:
        try:
            self._playbook = load_staged(staged, self._services)
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


_VITAL = ("commands", "leg", "invite", "speaker")
"""Tasks without which a call is none."""
_EXPECTED = (ValueError, WrongState, PluginError, ProviderError)
"""What a handler raises with a text for the controller."""
