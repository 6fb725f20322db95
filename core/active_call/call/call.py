"""One call: commands in, events out, one leg, one engine, and an end that always comes exactly once."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

from active_call.dialogue.agent import Agent
from active_call.engine.pipeline import Pipeline
from active_call.playbook.acts import Act, Hangup, Refer, SendMessage
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
from active_call.providers.errors import classify

from .directory import Staged
from .files import load_staged, read_recording
from .inbox import BURST, Inbox
from .log import Entry, EventLog
from .options import Chooser
from .reporter import SERVER_SIDE_TRACK, Reporter
from .scope import Scope
from .services import Services as Services
from .speech import Speech
from .states import CallState, WrongState, check

log = logging.getLogger(__name__)

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
        self._speech: Speech | None = None
        self._inbox = Inbox(self._carry_out, on_full=self._too_many)
        self._deferred: deque[commands.Command] = deque()
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
        self.log.command(command)
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

    def lost(self) -> None:
        if self.call_type == "sip":
            # The caller is at the other end of the leg; who left is the controller.
            self.end(HangupReason.BY_SYSTEM, Initiator.SYSTEM)
        else:
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
                self._scope.spawn("commands", self._inbox.run())
            await self._ending.wait()
        finally:
            self.state = CallState.ENDING
            self._inbox.close()
            try:
                await self._take_down()
            finally:
                self._say_good_bye()
                self.state = CallState.ENDED
                self._services.directory.remove(self)
                self._done.set()

    async def _take_down(self) -> None:
        """Tracks, leg, tasks: a failure or a time-out of one does not keep the others alive."""
        try:
            if self._pipeline is not None:
                self._pipeline.close()
        except Exception as error:
            self._task_failed("engine", error)
        try:
            if self._leg is not None:
                async with asyncio.timeout(HANG_UP_S):
                    await self._leg.hang_up(self._end[0] if self._end else "")
        except Exception as error:  # a leg can raise anything
            log.warning("%s: the leg did not hang up cleanly: %s", self._id, classify(error))
        finally:
            await self._scope.close()

    def _say_good_bye(self) -> None:
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
            for observe in self._services.observers:
                observe(self.call_type, event)

    def _task_failed(self, name: str, error: Exception) -> None:
        self._reporter.error(name, f"{type(error).__name__}: {error}", 500)
        if name in _VITAL:
            self.end(HangupReason.FAILED, Initiator.SYSTEM)

    # ------------------------------------------------------------ commands

    def _too_many(self) -> None:
        self._reporter.error("command", f"{BURST} commands are waiting; no more are read until half are done")

    def _carry_out(self, command: commands.Command) -> None:
        handler = _HANDLERS.get(type(command))
        if handler is None:
            self._reporter.error("command", f"{command.command}: not available in this version")
            return
        if type(command) in _NEEDS_MEDIA and self._speech is None:
            self._defer(command)
            return
        try:
            handler(self, command)
        except _EXPECTED as error:
            self._reporter.error("command", str(error))
        except Exception as error:
            log.exception("%s: %s failed", self._id, command.command)
            self._reporter.error("command", f"{command.command}: {type(error).__name__}: {error}")

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
        except Exception as error:  # a transport can raise anything
            self._reporter.error("invite", str(error if isinstance(error, ValueError) else classify(error)))
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
            leg,
            services.clock,
            services.pool,
            engine,
            self._reporter,
            agent=self._agent,
            read_file=partial(read_recording, services),
        )
        self._speech = Speech(self._pipeline, services.pool, services.environ, self._reporter, session=option.tts)
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

    def _speak(self, command: commands.Tts | commands.Play | commands.Interrupt) -> None:
        assert self._speech is not None
        match command:
            case commands.Tts():
                self._speech.tts(command)
            case commands.Play():
                self._speech.play(command)
            case commands.Interrupt():
                self._speech.interrupt(command)

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
                case Ended():
                    self.end(HangupReason.SERVER_UNAVAILABLE, Initiator.SYSTEM)
                case _:
                    log.debug("%s: %s of the leg is not handled", self._id, type(event).__name__)

        self.end(HangupReason.FAILED, Initiator.SYSTEM)  # only if it never said why it ended

    def _answered(self, leg: Leg, sdp: str, now_ms: int) -> None:
        if self.state is CallState.ENDING:
            return
        self._become(CallState.ANSWERED)
        if not leg.traits.rings and self._track_started_ms is not None:
            # Clients take the two for one moment.
            now_ms = self._track_started_ms
        self._answered_ms = now_ms
        self._emit(ev.Answer(track_id=self._id, timestamp=now_ms, sdp=sdp))
        if self._pipeline is not None:
            self._pipeline.start()

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
_NEEDS_MEDIA = (commands.Tts, commands.Play, commands.Interrupt)
_HANDLERS: dict[type, Any] = {
    commands.Invite: Call._invite,
    commands.Accept: Call._wrong_call_type,
    commands.Ringing: Call._wrong_call_type,
    commands.Reject: Call._nothing,
    commands.Hangup: Call._hangup,
    commands.Tts: Call._speak,
    commands.Play: Call._speak,
    commands.Interrupt: Call._speak,
    commands.History: Call._history,
    commands.Custom: Call._custom,
}
