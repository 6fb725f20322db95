"""The hearing half of a pipeline: edges of the voice, the recogniser and the turn model become events of a turn."""

from collections.abc import Callable

from active_call.audio import RATE_HZ
from active_call.media.channel import Channel
from active_call.media.edges import DetectorFailed, Edge, SpeechBegan, SpeechEdges, SpeechEnded, StillSilent
from active_call.plugin.providers import Detector, RecogniserSession, TurnModel
from active_call.plugin.registry import Kind, Registry
from active_call.plugin.values import Final, Partial
from active_call.turns import events as on

from .config import Hearing
from .contained import contained
from .listener import Listener
from .reports import Reports
from .sessions import Sessions
from .turn_judge import TurnJudge


class Ears:
    """Owned by a pipeline, which is told through `hears` and says in turn what became of the caller's turn."""

    def __init__(
        self,
        channel: Channel,
        hearing: Hearing,
        registry: Registry,
        reports: Reports,
        *,
        now_ms: Callable[[], int],
        hears: Callable[[on.Event], None],
    ) -> None:
        self.reports = reports
        self._channel = channel
        self._hearing = hearing
        self._registry = registry
        self._now_ms = now_ms
        self._hears = hears
        self._listener: Listener | None = None
        self._judge: TurnJudge | None = None
        self._voice_since: int | None = None
        """The sample at which the voice that is on now began."""
        self._turn_open = False

    # ------------------------------------------------------------ opening

    def open(self, sessions: Sessions) -> None:
        """Each part works as soon as it is there; the call goes on without what cannot be had."""
        hearing = self._hearing
        if hearing.vad is not None:
            sessions.keep("vad", Kind.VAD, hearing.vad, settings={"rate_hz": RATE_HZ}, ready=self._detect)
        if hearing.turn_model is not None:
            sessions.keep("eou", Kind.TURN, hearing.turn_model, ready=self._judge_with)
        if hearing.asr is not None:
            sessions.keep(
                "asr",
                Kind.ASR,
                hearing.asr,
                session=lambda recogniser: recogniser.session(hearing.asr_options),
                trust=hearing.asr_trust,
                ready=self._listen_with,
            )

    def _detect(self, detector: Detector) -> None:
        options = self._hearing.vad_options
        edges = SpeechEdges(
            window=detector.window,
            threshold=options.threshold,
            speech_padding_ms=options.speech_padding_ms,
            silence_padding_ms=options.silence_padding_ms,
            silence_timeout_ms=options.silence_timeout_ms,
        )
        self._channel.detect(detector, edges, self.edge)

    def _judge_with(self, model: TurnModel) -> None:
        traits = self._registry.find(Kind.TURN, self._hearing.turn_model or "").traits
        self._judge = TurnJudge(
            model,
            self._channel.intake,
            self.reports,
            window_ms=traits.window_ms,
            on_verdict=lambda probability: self._hears(on.TurnModelSaid(probability)),
        )
        if self._voice_since is not None:
            self._judge.speech_began(self._voice_since)

    def _listen_with(self, session: RecogniserSession) -> None:
        name = self._hearing.asr or ""
        self._listener = Listener(
            session,
            self._registry.find(Kind.ASR, name).traits,
            name=name,
            trust=self._hearing.asr_trust,
            intake=self._channel.intake,
            reports=self.reports,
            now_ms=self._now_ms,
            on_partial=self._partial,
            on_final=self._final,
        )
        if self._voice_since is not None:
            self._listener.begin(self._voice_since)
        elif self._listener.per_call:
            self._listener.begin(self._channel.intake.written)

    # ------------------------------------------------------------ what is heard

    @contained
    def edge(self, edge: Edge, now_ms: int) -> None:
        """Called in the clock's tick."""
        match edge:
            case SpeechBegan(start):
                self._began(start, now_ms)
            case SpeechEnded(start, end):
                self._ended(start, end, now_ms)
            case StillSilent(start, samples):
                self._silence(start, samples, now_ms)
            case DetectorFailed(reason):
                self.reports.error("vad", f"{self._hearing.vad}: {reason}", 500)
                if self._voice_since is not None:
                    self._ended(self._voice_since, self._channel.intake.written, now_ms)

    def _began(self, start: int, now_ms: int) -> None:
        self._voice_since = start
        began_ms = self._channel.intake.at_ms(start, now_ms)
        if self._hearing.vad_events:
            self.reports.speaking(began_ms)
        if self._listener is not None:
            self._listener.begin(start)
        if self._judge is not None:
            self._judge.speech_began(start)
        self._hears(on.SpeechStarted(began_ms))

    def _ended(self, start: int, end: int, now_ms: int) -> None:
        self._voice_since = None
        self._silence(start, end - start, now_ms)
        if self._listener is not None:
            self._listener.paused()
        self._hears(on.SpeechPaused(self._channel.intake.at_ms(end, now_ms)))
        if not self._turn_open:
            # A sound too short to be a turn: nobody will ask for its text.
            self.turn_dropped()

    def _silence(self, start: int, samples: int, now_ms: int) -> None:
        if self._hearing.vad_events:
            self.reports.silence(self._channel.intake.at_ms(start, now_ms), samples * 1000 // RATE_HZ)

    def _partial(self, partial: Partial) -> None:
        self._hears(on.PartialText(partial.text))

    def _final(self, final: Final, ends_turn: bool) -> None:
        self._hears(on.FinalText(final.text))
        if ends_turn:
            self._hears(on.RecogniserEndedTurn())

    # ------------------------------------------------------------ what became of it

    def turn_began(self) -> None:
        """Also: a turn that was committed is open again."""
        self._turn_open = True

    def ask_judge(self) -> None:
        if self._judge is not None:
            self._judge.ask()

    def end_of_turn(self) -> None:
        """Ask for the final text."""
        if self._listener is not None:
            self._listener.end()

    def turn_committed(self) -> None:
        self._turn_open = False
        if self._judge is not None:
            self._judge.forget()

    def turn_dropped(self) -> None:
        self.turn_committed()
        if self._listener is not None and self._voice_since is None:
            self._listener.abandon()
