"""Recogniser, brain and voice: turns what is heard into events of the turn table and carries its effects out."""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from typing import Any, cast

from active_call.dialogue.agent import Agent, Reason
from active_call.media.channel import Channel
from active_call.media.clock import MediaClock
from active_call.media.ledger import Utterance
from active_call.media.playback import Pause
from active_call.playbook.acts import Act, Collect, Goto
from active_call.plugin.errors import UnknownPlugin
from active_call.plugin.leg import Leg
from active_call.plugin.providers import Voice
from active_call.plugin.registry import Kind
from active_call.plugin.traits import TtsTraits
from active_call.plugin.values import Samples
from active_call.providers.pool import ProviderPool
from active_call.turns import effects as do
from active_call.turns import events as on
from active_call.turns.heard import Heard
from active_call.turns.machine import TurnMachine

from .config import EngineConfig
from .contained import contained, failed
from .conversation import Conversation
from .ears import Ears
from .orders import Orders
from .reports import Reports
from .sessions import Sessions
from .speaker import Speaker
from .stages import TurnStages
from .summaries import Summaries
from .synthesis import SpeechCache
from .thinker import Thinker


class Pipeline:
    """One per call; made when its leg is there. `start` begins its work, `close` ends it."""

    def __init__(
        self,
        leg: Leg,
        clock: MediaClock,
        pool: ProviderPool,
        config: EngineConfig,
        reports: Reports,
        *,
        agent: Agent | None,
        read_file: Callable[[str], Awaitable[Samples]],
        cache: SpeechCache | None = None,
    ) -> None:
        self.reports = reports
        self._pool = pool
        self._config = config
        self._now_ms = clock.now_ms
        self.channel = Channel(leg, clock, self)
        self.channel.playback.pause(Pause.NOT_CONNECTED)
        self.speaker = Speaker(
            self.channel.playback,
            voice=config.voice,
            open_voice=self._open_voice,
            read_file=read_file,
            reports=reports,
            now_ms=self._now_ms,
            on_audio=self._first_audio,
            cache=cache,
            emotions=self._voice_emotions,
        )
        self.orders = Orders(self.speaker, on_begin=lambda: self.step(on.AgentBegins()), silence=self.silence)
        self._ears = Ears(self.channel, config.hearing, pool.registry, reports, now_ms=self._now_ms, hears=self._hears)
        self._machine = TurnMachine(
            config.policy,
            has_turn_model=config.hearing.turn_model is not None,
            has_recogniser=config.hearing.asr is not None,
            ids=map("turn-{}".format, itertools.count(1)).__next__,
        )
        self._thinker = self._make_thinker(agent, config.brain)
        self._summaries = self._make_summaries(agent, config.brain)
        self._talk = self._make_conversation(agent) if agent else None
        self._turn_open = False
        self._stages: TurnStages | None = None
        self._reply_id = ""
        self._waiting: deque[on.Event] = deque()
        self._stepping = False
        self._tick: asyncio.TimerHandle | None = None
        self._effects: dict[type, Callable[[Any], None]] = {
            do.TurnBegan: self._turn_began,
            do.StartFollowUp: self._start_follow_up,
            do.StopFollowUp: self._stop_follow_up,
            do.AskTurnModel: lambda effect: self._ears.ask_judge(),
            do.EndOfTurn: self._end_of_turn,
            do.Commit: self._commit,
            do.Uncommit: self._uncommit,
            do.Amend: self._amend,
            do.DropTurn: self._drop_turn,
            do.CancelReply: self._cancel_reply,
            do.HoldBack: lambda effect: self.channel.playback.pause(Pause.HELD_BACK, effect.fade_ms),
            do.Resume: lambda effect: self.channel.playback.resume(Pause.HELD_BACK),
            do.Cut: lambda effect: self._cut(effect.fade_ms),
            do.Apologise: self._apologise,
        }

    def _make_thinker(self, agent: Agent | None, name: str | None) -> Thinker | None:
        if agent is None or name is None:
            return None
        return Thinker(
            agent,
            self.speaker,
            self.reports,
            name=name,
            trust=self._config.brain_trust,
            on_text=lambda: self._stamp("llm"),
            on_speech=self._sentence,
            on_done=self._reply_done,
            on_failed=lambda: self.step(on.ReplyFailed()),
        )

    def _make_summaries(self, agent: Agent | None, name: str | None) -> Summaries | None:
        if agent is None or name is None:
            return None
        options, trust = self._config.brain_options, self._config.brain_trust
        return Summaries(agent, self._pool, self.reports, name=name, options=options, trust=trust)

    def _make_conversation(self, agent: Agent) -> Conversation:
        return Conversation(
            agent,
            self.speaker,
            self.reports,
            now_ms=self._now_ms,
            step=self.step,
            ask=self._ask,
            silence=self.silence,
        )

    # ------------------------------------------------------------ life

    def start(self) -> None:
        """The leg was answered: open what the configuration names, and greet. What cannot be opened is reported."""
        self.channel.playback.resume(Pause.NOT_CONNECTED)
        for sender, problem in self._config.problems:
            self.reports.error(sender, problem)
        self.reports.spawn("speaker", self.speaker.run())
        sessions = Sessions(self._pool, self.reports)
        self._ears.open(sessions)
        thinker, options = self._thinker, self._config.brain_options
        if thinker is not None:
            sessions.keep(
                "llm",
                Kind.LLM,
                thinker.name,
                session=lambda brain: brain.session(options),
                ready=thinker.ready,
                failed=thinker.unavailable,
                trust=self._config.brain_trust,
            )
        if self._talk is not None:
            self._talk.greet()

    def close(self) -> None:
        """The call ends: what is being said is cut and reported, nothing happens any more."""
        try:
            self.step(on.HangUp())
            if self._talk is not None:
                self._talk.close()
            self.orders.close()
            if self._thinker is not None:
                self._thinker.cancel()
            self._cut(0)
        finally:
            self.channel.close()

    async def _open_voice(self, name: str) -> Voice:
        voice: Voice = await self._pool.open(Kind.TTS, name)
        return voice

    def _voice_emotions(self, name: str) -> Collection[str]:
        try:
            traits = self._pool.registry.find(Kind.TTS, name).traits
        except UnknownPlugin:
            return ()
        return traits.emotions if isinstance(traits, TtsTraits) else ()

    # ------------------------------------------------------------ a controller's interrupt

    def interrupt(self, *, graceful: bool = False, fade_ms: int = 0) -> None:
        """Be silent at once, or (`graceful`) after the sentence being heard."""
        self.speaker.clear_auto_hangup()
        if not graceful or self.orders.streaming:
            self.silence(fade_ms)
            return
        if self._thinker is not None and self._thinker.cancel():
            self.step(on.ReplyDone())
        self.speaker.finish_sentence()

    def silence(self, fade_ms: int = 0) -> None:
        """Stop whatever is being said or thought."""
        self._cut(fade_ms)
        self.step(on.InterruptCommand())

    # ------------------------------------------------------------ the turn table

    def _hears(self, event: on.Event) -> None:
        if isinstance(event, on.SpeechPaused) and self._turn_open:
            # If the turn ends here, its stages are counted from here.
            self._stages = TurnStages(event.at_ms)
        self.step(event)

    @contained
    def step(self, event: on.Event) -> None:
        """Give one event to the turn table and do what it says; events that come of that follow in order."""
        self._waiting.append(event)
        if self._stepping:
            return
        self._stepping = True
        try:
            while self._waiting:
                for effect in self._machine.step(self._waiting.popleft(), self._now_ms()):
                    self._carry_out(effect)
        finally:
            self._stepping = False
            self._schedule()

    def _carry_out(self, effect: do.Effect) -> None:
        carry_out = self._effects.get(type(effect))
        if carry_out is None:
            return
        try:
            carry_out(effect)
        except Exception as error:
            failed(self.reports, type(effect).__name__, error)

    def _schedule(self) -> None:
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        deadline = self._machine.deadline_ms
        if deadline is not None:
            delay = max(0, deadline - self._now_ms()) / 1000
            self._tick = asyncio.get_running_loop().call_later(delay, self.step, on.Tick())

    # ------------------------------------------------------------ the caller's turn

    def _turn_began(self, _: object) -> None:
        self._turn_open = True
        self._ears.turn_began()
        if self._talk is not None:
            self._talk.caller_began()

    def _end_of_turn(self, _: do.EndOfTurn) -> None:
        self._stamp("endpoint")
        self._ears.end_of_turn()

    def _drop_turn(self, _: do.DropTurn) -> None:
        self._turn_open = False
        self._stages = None
        self._ears.turn_dropped()
        if self._talk is not None:
            self._talk.caller_said_nothing()

    def _commit(self, effect: do.Commit) -> None:
        self._turn_open = False
        self._ears.turn_committed()
        self._stamp("endpoint")
        self._stamp("asr")
        if self._talk is not None:
            self._talk.caller_said(effect.turn_id, effect.text)

    def _uncommit(self, effect: do.Uncommit) -> None:
        self._turn_began(effect)
        if self._talk is not None:
            self._talk.take_back(effect.turn_id)

    def _amend(self, effect: do.Amend) -> None:
        if self._talk is not None:
            self._talk.amend(effect.turn_id, effect.text)

    @contained
    def pressed(self, digit: str) -> None:
        """A key of the caller's telephone. It interrupts where it leads to another scene."""
        if self._talk is not None:
            self._talk.pressed(digit)

    def _start_follow_up(self, _: do.StartFollowUp) -> None:
        if self._talk is not None:
            self._talk.idle()

    def _stop_follow_up(self, _: do.StopFollowUp) -> None:
        if self._talk is not None:
            self._talk.busy()

    # ------------------------------------------------------------ thinking

    def _ask(self, reason: Reason) -> None:
        if reason != "user":
            self._stages = None  # they are those of an answer
        if self._thinker is None:
            self.step(on.ReplyFailed())
        else:
            self._reply_id = self._thinker.ask(reason)

    def _cancel_reply(self, _: do.CancelReply) -> None:
        if self._thinker is not None:
            self._thinker.cancel()
        if self.speaker.unheard(self._reply_id):
            # What it has handed over, an act perhaps, goes with it.
            self._note(self.speaker.cut(only=self._reply_id))

    def _sentence(self) -> None:
        self._stamp("sentence")
        self.step(on.ReplyReady())

    def _reply_done(self, spoke: bool) -> None:
        self.step(on.ReplyDone())
        if not spoke:
            self.step(on.PlaybackHeard())
        if self._summaries is not None:
            self._summaries.look()

    # ------------------------------------------------------------ speaking

    def _apologise(self, _: do.Apologise) -> None:
        if self._talk is not None:
            self._talk.apologise()

    def _cut(self, fade_ms: int) -> None:
        self._note(self.speaker.cut(fade_ms))

    def _note(self, ledger: list[Heard]) -> None:
        if self._talk is not None:
            self._talk.heard(ledger)

    def _first_audio(self, utterance_id: str) -> None:
        if utterance_id == self._reply_id:
            self._stamp("tts")

    def _stamp(self, stage: str) -> None:
        if self._stages is not None:
            self._stages.stamp(stage, self._now_ms())

    # ------------------------------------------------------------ PlaybackNotices

    @contained
    def playback_started(self, utterance: Utterance) -> None:
        stages = self._stages
        if utterance.id == self._reply_id and stages is not None and not stages.complete:
            stages.stamp("play", self._now_ms())
            durations = stages.durations_ms()
            self.reports.metrics("turn", durations["total"], {"playId": utterance.play_id, "stages": durations})
        self.step(on.PlaybackStarted())

    @contained
    def playback_dry(self, utterance: Utterance) -> None:
        if not self.speaker.ran_dry(utterance):
            self.orders.dry(utterance.id)
            self.step(on.PlaybackDry())

    @contained
    def playback_finished(self, utterance: Utterance, heard: Heard) -> None:
        self._note([self.speaker.ended(utterance, heard)])
        if not self.speaker.speaking:
            self.step(on.PlaybackHeard())

    @contained
    def act_due(self, utterance: Utterance, act: object) -> None:
        try:
            match act:
                case Goto(scene) if self._talk is not None:
                    self._talk.goto(scene)
                case Collect() if self._talk is not None:
                    self._talk.collect(act)
                case _:
                    # The ledger carries acts without knowing them.
                    self.reports.act(cast(Act, act))
        finally:
            self.channel.playback.act_done()
