"""A call once its leg is there: the engine on it, and the commands that need media."""

import logging
from collections.abc import Callable
from typing import Any, cast

from active_call.dialogue.agent import Agent
from active_call.engine.pipeline import Pipeline
from active_call.media.ambiance import Ambiance
from active_call.plugin.leg import Leg, Wire
from active_call.protocol import commands
from active_call.protocol import events as ev
from active_call.protocol.options import AmbianceOption, CallOption, MediaPassOption, overlay
from active_call.providers.errors import classify

from .bridges import Bridges, Party
from .controls import Controls, WaitInput, watch_inactivity
from .files import Recordings
from .media_pass import MediaPass
from .options import Chooser
from .reporter import Reporter
from .services import Services
from .speech import Speech
from .subscription import subscribe

log = logging.getLogger(__name__)

MEDIA_COMMANDS = (
    commands.Tts,
    commands.Play,
    commands.Interrupt,
    commands.Pause,
    commands.Resume,
    commands.Mute,
    commands.Unmute,
    commands.Bridge,
    commands.Unbridge,
)
"""Ordered before the call is up, these wait for it."""


class Connection:
    """One call's; made when its leg is there, started when that is answered, closed when the call ends."""

    def __init__(
        self,
        leg: Leg,
        option: CallOption,
        services: Services,
        reporter: Reporter,
        *,
        agent: Agent | None,
        emit: Callable[[ev.Event], None],
        on_inactive: Callable[[], None],
        listener: Wire | None,
    ) -> None:
        """`listener`: the controller's socket, if it may hear the call (`subscribe`)."""
        self.leg = leg
        self._option = option
        self._services = services
        self._reporter = reporter
        self._emit = emit
        self._on_inactive = on_inactive
        own, server = reporter.session_id, reporter.server_track
        playbook = agent.playbook if agent is not None else None
        self._recordings = Recordings(services, playbook)
        self.pipeline = Pipeline(
            leg,
            services.clock,
            services.pool,
            Chooser(services.pool, services.environ, playbook).engine(option, agent),
            reporter,
            agent=agent,
            read_file=self._recordings.read,
            cache=services.speech,
        )
        self.channel = self.pipeline.channel
        self._speech = Speech(
            self.pipeline, services.pool, services.environ, reporter, session=option.tts, playbook=playbook
        )
        self._controls = Controls(self.pipeline, caller_track=own, server_track=server)
        self._wait_input = WaitInput(server, now_ms=services.times.now, emit=emit)
        if option.subscribe and listener is not None and not leg.traits.carried:
            subscribe(self.channel, listener)
        self._media_pass: MediaPass | None = None
        self.bridges = Bridges(
            own,
            self.channel,
            find=lambda call_id: cast("Party | None", services.directory.find(call_id)),
            started=lambda track: emit(ev.TrackStart(track_id=track, timestamp=services.times.now())),
            ended=self._track_ended,
        )

    # ------------------------------------------------------------ life

    def start(self) -> None:
        """The leg was answered."""
        self.pipeline.start()
        ambiance = self._ambiance()
        if ambiance is not None:
            self._reporter.spawn("ambiance", self._surround(ambiance))
        if self._option.inactivity_timeout:
            self._reporter.spawn("inactivity", self._watch(self._option.inactivity_timeout))
        if self._option.media_pass is not None:
            self._pass_media(self._option.media_pass)

    def pressed(self, digit: str) -> None:
        """A key of the caller's telephone."""
        self.pipeline.pressed(digit)

    def close(self) -> None:
        try:
            self.bridges.close()
            if self._media_pass is not None:
                self._media_pass.close()
            self.pipeline.close()
        finally:
            # The last `trackEnd` may have set it off.
            self._wait_input.arm(None, None)

    def observe(self, event: ev.Event) -> None:
        """Every event of the call passes here."""
        self._wait_input.observe(event)

    # ------------------------------------------------------------ commands

    def carry_out(self, command: commands.Command) -> None:
        """One of `MEDIA_COMMANDS`. Raises ValueError or `PluginError` with the reason."""
        match command:
            case commands.Tts():
                self._speech.tts(command)
                self._wait_input.arm(command.play_id, command.wait_input_timeout)
            case commands.Play():
                self._speech.play(command)
                self._wait_input.arm(command.track_play_id, command.wait_input_timeout)
            case commands.Interrupt():
                self._speech.interrupt(command)
            case commands.Pause():
                self._controls.pause()
            case commands.Resume():
                self._controls.resume()
            case commands.Mute() | commands.Unmute():
                self._controls.mute(command.track_id, isinstance(command, commands.Mute))
            case commands.Bridge():
                self.bridges.bridge(command.target_session_id)
            case commands.Unbridge():
                self.bridges.unbridge(command.target_session_id)

    def _track_ended(self, track: str) -> None:
        self._emit(ev.TrackEnd(track_id=track, timestamp=self._services.times.now(), duration=0, ssrc=0))

    # ------------------------------------------------------------ what surrounds it

    def _ambiance(self) -> AmbianceOption | None:
        option = overlay(self._services.ambiance, self._option.ambiance)
        return option if option is not None and option.path and option.audible else None

    async def _surround(self, option: AmbianceOption) -> None:
        """Background sound for the rest of the call; without it the call goes on."""
        try:
            configured = self._services.ambiance
            own = configured is not None and option.path == configured.path
            loop = await (self._recordings.read_own if own else self._recordings.read)(option.path or "")
            self.channel.mixer.background = Ambiance(loop, duck=option.duck, normal=option.normal, step=option.step)
        except Exception as error:
            self._reporter.error("ambiance", str(error if isinstance(error, ValueError) else classify(error)))
            return
        self.channel.clock.speak(self.channel)

    def _pass_media(self, option: MediaPassOption) -> None:
        track, now = self._reporter.server_track, self._services.times.now
        try:
            passing = self._media_pass = MediaPass(
                option,
                self.channel,
                started=lambda: self._emit(ev.TrackStart(track_id=track, timestamp=now())),
                ended=lambda ms: self._emit(ev.TrackEnd(track_id=track, timestamp=now(), duration=ms, ssrc=0)),
                failed=self._reporter.error,
            )
        except ValueError as error:
            self._reporter.error(f"media_pass: {option.url}", str(error))
            return
        trust = self._recordings.trust_of(option.url)
        self._reporter.spawn("media_pass", passing.run(self._services.outbound, trust))

    async def _watch(self, seconds: int) -> None:
        await watch_inactivity(seconds, lambda: self.channel.intake.last_audio_ms, self._services.clock.now_ms)
        self._emit(ev.Inactivity(track_id=self._reporter.session_id, timestamp=self._services.times.now()))
        self._on_inactive()


def needs_media(command: Any) -> bool:
    return isinstance(command, MEDIA_COMMANDS)
