"""Recogniser, brain and voice: turns edges and texts into events of the turn table and carries its effects out."""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import numpy as np

from active_call.audio import RATE_HZ
from active_call.audio.wav import load_mono
from active_call.dialogue.agent import Agent, Reason
from active_call.guard.paths import PathPolicy
from active_call.media.channel import Channel
from active_call.media.clock import MediaClock
from active_call.media.edges import DetectorFailed, Edge, SpeechBegan, SpeechEdges, SpeechEnded, StillSilent
from active_call.media.intake import Feed
from active_call.media.ledger import Utterance
from active_call.media.playback import Pause
from active_call.playbook.acts import Act, Goto
from active_call.plugin.leg import Leg
from active_call.plugin.providers import TurnModel, Voice
from active_call.plugin.registry import Kind
from active_call.plugin.values import Audio, Final, Partial, Samples
from active_call.protocol.commands import Interrupt
from active_call.providers.errors import classify
from active_call.providers.pool import ProviderPool
from active_call.turns import effects as do
from active_call.turns import events as on
from active_call.turns.heard import Heard
from active_call.turns.machine import TurnMachine

from .config import EngineConfig
from .listener import Listener
from .orders import Orders
from .reports import Reports
from .speaker import Speaker
from .stages import TurnStages
from .thinker import Thinker

TURN_AUDIO = 8 * RATE_HZ
"""How much of the caller's turn a turn model may see."""


class Pipeline:
    """One per call; made when its leg is there. `run` lives as long as the call's media."""

    def __init__(
        self,
        leg: Leg,
        clock: MediaClock,
        pool: ProviderPool,
        config: EngineConfig,
        reports: Reports,
        *,
        agent: Agent | None,
        paths: PathPolicy,
    ) -> None:
        self._pool = pool
        self._config = config
        self._reports = reports
        self._agent = agent
        self._paths = paths
        self._now_ms = clock.now_ms
        self.channel = Channel(leg, clock, self)
        self.channel.playback.pause(Pause.NOT_CONNECTED)
        self.speaker = Speaker(
            self.channel.playback,
            voice=config.voice,
            open_voice=self._open_voice,
            read_file=self._read_file,
            reports=reports,
            now_ms=self._now_ms,
            on_audio=self._first_audio,
        )
        self.orders = Orders(self.speaker, on_begin=lambda: self.step(on.AgentBegins()))
        hearing = config.hearing
        self._machine = TurnMachine(
            config.policy,
            has_turn_model=hearing.turn_model is not None,
            has_recogniser=hearing.asr is not None,
            ids=map("turn-{}".format, itertools.count(1)).__next__,
        )
        self._listener: Listener | None = None
        self._thinker: Thinker | None = None
        self._turn_model: TurnModel | None = None
        self._turn_audio: deque[Samples] = deque()
        self._turn_feed: Feed | None = None
        self._pause_count = 0
        self._stages: TurnStages | None = None
        self._reply_id: str | None = None
        self._waiting: deque[on.Event] = deque()
        self._stepping = False
        self._tick: asyncio.TimerHandle | None = None
        self._effects: dict[type, Callable[[Any], None]] = {
            do.TurnBegan: self._turn_began,
            do.AskTurnModel: self._ask_turn_model,
            do.EndOfTurn: self._end_of_turn,
            do.Commit: self._commit,
            do.Uncommit: self._uncommit,
            do.Amend: self._amend,
            do.DropTurn: self._drop_turn,
            do.CancelReply: lambda effect: self._cancel_reply(),
            do.HoldBack: lambda effect: self.channel.playback.pause(Pause.HELD_BACK, effect.fade_ms),
            do.Resume: lambda effect: self.channel.playback.resume(Pause.HELD_BACK),
            do.Cut: self._cut,
            do.Apologise: self._apologise,
        }

    # ------------------------------------------------------------ life

    async def run(self) -> None:
        """Open what the configuration names, greet, and work until cancelled. What cannot be opened is reported."""
        for sender, problem in self._config.problems:
            self._reports.error(sender, problem)
        self._reports.spawn("speaker", self.speaker.run())
        async with AsyncExitStack() as stack:
            hearing = self._reports.spawn("hearing", self._open_hearing(stack))
            try:
                await self._open_brain(stack)
                self._greet()
                await asyncio.Event().wait()
            finally:
                hearing.cancel()

    def connected(self) -> None:
        """The leg was answered: from now on it is heard."""
        self.channel.playback.resume(Pause.NOT_CONNECTED)

    def interrupt(self, command: Interrupt) -> None:
        """A controller wants silence, at once or after the sentence being heard."""
        if self.orders.interrupt(command) and not command.graceful:
            self.step(on.InterruptCommand())
            if self.speaker.speaking:
                for heard in self.speaker.cut(command.fade_out_ms or 0):
                    self._heard(heard)

    def close(self) -> None:
        """The call ends: what is being said is cut and reported, nothing happens any more."""
        self.step(on.HangUp())
        if self._tick is not None:
            self._tick.cancel()
        if self._thinker is not None:
            self._thinker.cancel()
        for heard in self.speaker.cut():
            self._heard(heard)
        self.channel.close()

    async def _open_hearing(self, stack: AsyncExitStack) -> None:
        hearing = self._config.hearing
        if hearing.vad is not None:
            await self._attempt("vad", self._open_vad(hearing.vad))
        if hearing.turn_model is not None:
            await self._attempt("eou", self._open_turn_model(hearing.turn_model))
        if hearing.asr is not None:
            await self._attempt("asr", self._open_asr(hearing.asr, stack))

    async def _attempt(self, sender: str, opening: Awaitable[None]) -> None:
        try:
            await opening
        except Exception as error:  # a provider can raise anything; the call goes on with what works
            self._reports.error(sender, str(classify(error)), 500)

    async def _open_vad(self, name: str) -> None:
        detector = await self._pool.open(Kind.VAD, name, {"rate_hz": RATE_HZ})
        option = self._config.hearing.vad_option
        edges = SpeechEdges(
            window=detector.window,
            threshold=option.voice_threshold,
            speech_padding_ms=option.speech_padding,
            silence_padding_ms=option.silence_padding,
            silence_timeout_ms=option.silence_timeout,
        )
        self.channel.detect(detector, edges, self._edge)

    async def _open_turn_model(self, name: str) -> None:
        self._turn_model = await self._pool.open(Kind.TURN, name)

    async def _open_asr(self, name: str, stack: AsyncExitStack) -> None:
        provider = await self._pool.open(Kind.ASR, name)
        session = await stack.enter_async_context(provider.session(self._config.hearing.asr_options))
        self._listener = Listener(
            session,
            self._pool.registry.find(Kind.ASR, name).traits,
            name=name,
            intake=self.channel.intake,
            reports=self._reports,
            now_ms=self._now_ms,
            on_partial=self._partial,
            on_final=self._final,
        )
        if self._listener.per_call:
            self._listener.begin(self.channel.intake.written)

    async def _open_brain(self, stack: AsyncExitStack) -> None:
        name, agent = self._config.brain, self._agent
        if name is None or agent is None:
            return
        try:
            provider = await self._pool.open(Kind.LLM, name)
            session = await stack.enter_async_context(provider.session(self._config.brain_options))
        except Exception as error:  # a provider can raise anything; the apology is spoken instead
            self._reports.error("llm", str(classify(error)), 500)
            return
        self._thinker = Thinker(
            session,
            agent,
            self.speaker,
            self._reports,
            name=name,
            on_text=lambda: self._stamp("llm"),
            on_speech=self._sentence,
            on_done=self._reply_done,
            on_failed=lambda: self.step(on.ReplyFailed()),
        )

    async def _open_voice(self, name: str) -> Voice:
        voice: Voice = await self._pool.open(Kind.TTS, name)
        return voice

    async def _read_file(self, name: str) -> Samples:
        return await self._pool.host.run(load_mono, self._paths.resolve(name), RATE_HZ)

    # ------------------------------------------------------------ hearing

    def _edge(self, edge: Edge, now_ms: int) -> None:
        intake, hearing = self.channel.intake, self._config.hearing
        match edge:
            case SpeechBegan(start):
                began_ms = intake.at_ms(start, now_ms)
                if hearing.vad_events:
                    self._reports.speaking(began_ms)
                self._pause_count += 1
                if self._listener is not None and not self._listener.per_call:
                    self._listener.begin(start)
                if self._turn_model is not None and self._turn_feed is None:
                    self._turn_feed = intake.feed(start, RATE_HZ // 10, self._keep_turn_audio)
                self.step(on.SpeechStarted(began_ms))
            case SpeechEnded(start, end):
                ended_ms = intake.at_ms(end, now_ms)
                if hearing.vad_events:
                    self._reports.silence(intake.at_ms(start, now_ms), (end - start) * 1000 // RATE_HZ)
                if self._listener is not None:
                    self._listener.paused()
                if self._stages is not None:
                    self._stages.spoken_ms = ended_ms
                self.step(on.SpeechPaused(ended_ms))
            case StillSilent(start, samples):
                if hearing.vad_events:
                    self._reports.silence(intake.at_ms(start, now_ms), samples * 1000 // RATE_HZ)
            case DetectorFailed(reason):
                self._reports.error("vad", f"{hearing.vad}: {reason}", 500)

    def _partial(self, partial: Partial) -> None:
        self.step(on.PartialText(partial.text))

    def _final(self, final: Final) -> None:
        self.step(on.FinalText(final.text))

    def _keep_turn_audio(self, samples: Samples) -> None:
        self._turn_audio.append(samples)
        while sum(map(len, self._turn_audio)) - len(self._turn_audio[0]) > TURN_AUDIO:
            self._turn_audio.popleft()

    def _ask_turn_model(self, effect: do.AskTurnModel) -> None:
        if self._turn_model is None or self._turn_feed is None:
            return
        self._turn_feed.advance(self.channel.intake, flush=True)
        audio = Audio(samples=np.concatenate(self._turn_audio)[-TURN_AUDIO:], rate_hz=RATE_HZ)
        self._reports.spawn("turn model", self._score(self._turn_model, audio, self._pause_count))

    async def _score(self, model: TurnModel, audio: Audio, pause: int) -> None:
        probability = await model.score(audio)
        if pause == self._pause_count:
            self.step(on.TurnModelSaid(probability))

    # ------------------------------------------------------------ the turn table

    def step(self, event: on.Event) -> None:
        """Give one event to the turn table and do what it says; events that come of that follow in order."""
        self._waiting.append(event)
        if self._stepping:
            return
        self._stepping = True
        try:
            while self._waiting:
                for effect in self._machine.step(self._waiting.popleft(), self._now_ms()):
                    carry_out = self._effects.get(type(effect))
                    if carry_out is not None:
                        carry_out(effect)
        finally:
            self._stepping = False
        self._schedule()

    def _schedule(self) -> None:
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        deadline = self._machine.deadline_ms
        if deadline is not None:
            delay = max(0, deadline - self._now_ms()) / 1000
            self._tick = asyncio.get_running_loop().call_later(delay, self.step, on.Tick())

    def _turn_began(self, effect: do.TurnBegan) -> None:
        self._stages = TurnStages(self._now_ms())

    def _end_of_turn(self, effect: do.EndOfTurn) -> None:
        self._stamp("endpoint")
        self._forget_turn_audio()
        if self._listener is not None:
            self._listener.end()

    def _drop_turn(self, effect: do.DropTurn) -> None:
        self._stages = None
        self._forget_turn_audio()
        if self._listener is not None:
            self._listener.abandon()

    def _forget_turn_audio(self) -> None:
        if self._turn_feed is not None:
            self.channel.intake.unfeed(self._turn_feed)
            self._turn_feed = None
        self._turn_audio.clear()

    def _commit(self, effect: do.Commit) -> None:
        self._stamp("asr")
        if self._agent is None:
            return
        self._agent.caller_said(effect.text)
        self._ask("user")

    def _uncommit(self, effect: do.Uncommit) -> None:
        if self._agent is not None:
            self._agent.take_back()

    def _amend(self, effect: do.Amend) -> None:
        if self._agent is not None:
            self._agent.amend(effect.text)

    def _ask(self, reason: Reason) -> None:
        if self._thinker is None:
            self.step(on.ReplyFailed())
            return
        self._reply_id = self._thinker.ask(reason)

    def _cancel_reply(self) -> None:
        if self._thinker is not None:
            self._thinker.cancel()
        current = self.channel.playback.current
        if current is not None and current.id == self._reply_id and not current.started:
            for heard in self.speaker.cut():
                self._heard(heard)

    def _cut(self, effect: do.Cut) -> None:
        for heard in self.speaker.cut(effect.fade_ms):
            self._heard(heard)

    def _apologise(self, effect: do.Apologise) -> None:
        if self._agent is not None:
            self._say("apology", self._agent.apology)

    # ------------------------------------------------------------ speaking

    def _greet(self) -> None:
        agent = self._agent
        if agent is None:
            return
        greeting = agent.greeting
        if greeting and greeting.strip():
            self._reports.history("assistant", greeting, "system")
            self.step(on.AgentBegins())
            self._say("greeting", greeting)
        else:
            self.step(on.AgentBegins(complete=False))
            self._ask("start")

    def _say(self, name: str, text: str) -> None:
        """A line of the agent's own, not the brain's."""
        assert self._agent is not None
        self.speaker.begin(name)
        self._agent.says(name, text)
        self.speaker.say(name, text)
        self.speaker.finish(name)

    def _sentence(self) -> None:
        self._stamp("sentence")
        self.step(on.ReplyReady())

    def _first_audio(self, utterance_id: str) -> None:
        if utterance_id == self._reply_id:
            self._stamp("tts")

    def _reply_done(self, spoke: bool) -> None:
        self.step(on.ReplyDone())
        if not spoke:
            self.step(on.PlaybackHeard())

    def _stamp(self, stage: str) -> None:
        if self._stages is not None:
            self._stages.stamp(stage, self._now_ms())

    def _heard(self, heard: Heard) -> None:
        if self._agent is not None:
            self._agent.heard(heard)

    # ------------------------------------------------------------ PlaybackNotices

    def playback_started(self, utterance: Utterance) -> None:
        stages = self._stages
        if utterance.id == self._reply_id and stages is not None and not stages.complete:
            stages.stamp("play", self._now_ms())
            durations = stages.durations_ms()
            self._reports.metrics("turn", durations["total"], {"playId": utterance.play_id, "stages": durations})
        self.step(on.PlaybackStarted())

    def playback_dry(self, utterance: Utterance) -> None:
        if not self.speaker.ran_dry(utterance):
            self.step(on.PlaybackDry())

    def playback_finished(self, utterance: Utterance, heard: Heard) -> None:
        self._heard(heard)
        self.speaker.ended(utterance, heard)
        if self.channel.playback.current is None:
            self.step(on.PlaybackHeard())

    def act_due(self, utterance: Utterance, act: object) -> None:
        match act:
            case Goto(scene):
                self._goto(scene)
            case _:
                self._reports.act(_as_act(act))
        self.channel.playback.act_done()

    def _goto(self, scene: str) -> None:
        if self._agent is not None and self._agent.goto(scene):
            self.step(on.SceneChanged())
        else:
            self._reports.error("playbook", f"there is no scene {scene!r}; the conversation stays where it is")


def _as_act(act: object) -> Act:
    return act  # type: ignore[return-value]  # the ledger carries acts without knowing them
