"""From a call's option and its playbook to what the engine is made of: providers chosen, options translated."""

import logging
from collections.abc import Mapping

from active_call.dialogue.agent import Agent
from active_call.engine.config import EngineConfig, Hearing, VadOptions
from active_call.engine.synthesis import VoiceSpec
from active_call.playbook.model import Interruption as InterruptionRules
from active_call.playbook.model import Playbook
from active_call.plugin.registry import Kind
from active_call.plugin.values import AsrOptions, LlmOptions, TtsOptions
from active_call.protocol.options import CallOption, SynthesisOption, TranscriptionOption, VADOption
from active_call.providers.choice import best, brain
from active_call.providers.pool import ProviderPool
from active_call.providers.trust import Trust
from active_call.turns.barge_in import Interruption, Strategy
from active_call.turns.endpointing import Endpointing
from active_call.turns.policy import Brain, Policy

log = logging.getLogger(__name__)


SPEAKING_LIMIT_MS = 4 * 3_600_000
"""A controller may play an hour of music; playback tells every end, so the turn table need not guess one."""


class Chooser:
    """Picks the providers of one call. What cannot be had is collected in `problems` and told after the answer."""

    def __init__(self, pool: ProviderPool, environ: Mapping[str, str], playbook: Playbook | None = None) -> None:
        """`playbook` is the call's own, if it has one."""
        self._playbook = playbook if playbook is not None and playbook.trusted else None
        self._pool = pool
        self._environ = environ
        self.problems: list[tuple[str, str]] = []

    def _trust(self, address: str | None, option: str) -> Trust:
        """Who wrote the address of a provider. Where none was given, the environment or the vendor decides."""
        if address is None:
            return Trust.OPERATOR
        written = getattr(self._playbook.config, option) if self._playbook is not None else None
        ours = (getattr(written, "endpoint", None), getattr(written, "base_url", None))
        return Trust.OPERATOR if address in ours else Trust.CLIENT

    def engine(self, option: CallOption, agent: Agent | None) -> EngineConfig:
        hearing = self._hearing(option, agent)
        voice = self.voice(option.tts, language=agent.language if agent else None)
        if agent is not None and voice is None:
            self.problems.append(("tts", "no voice is installed: the agent cannot be heard; try active-call[hibari]"))
        name, options = self._brain(agent)
        return EngineConfig(
            hearing=hearing,
            brain=name,
            brain_options=options,
            brain_trust=self._trust(options.base_url, "llm"),
            voice=voice,
            policy=self._policy(agent, hearing),
            problems=tuple(self.problems),
        )

    # ------------------------------------------------------------ hearing

    def _hearing(self, option: CallOption, agent: Agent | None) -> Hearing:
        asr = self._named(Kind.ASR, "asr", option.asr.provider if option.asr else None, option.asr is not None or agent)
        vad_wanted = option.vad is not None or agent is not None or asr is not None
        vad_type = option.vad.type if option.vad else None
        turn_wanted = option.eou is not None or agent is not None
        transcription = option.asr or TranscriptionOption()
        return Hearing(
            vad=self._named(Kind.VAD, "vad", vad_type, vad_wanted),
            vad_options=_vad(option.vad or VADOption()),
            vad_events=option.vad is not None or agent is not None,
            asr=asr,
            asr_options=AsrOptions(
                language=transcription.language,
                model=transcription.model_type,
                endpoint=transcription.endpoint,
                api_key=transcription.secret_key.get_secret_value() if transcription.secret_key else None,
                extra=transcription.extra or {},
            ),
            asr_trust=self._trust(transcription.endpoint, "asr"),
            turn_model=self._named(Kind.TURN, "eou", option.eou.type if option.eou else None, turn_wanted, quiet=True),
        )

    def _named(self, kind: Kind, sender: str, name: str | None, wanted: object, *, quiet: bool = False) -> str | None:
        """The provider of that name, or the best installed one when it is wanted and none was named."""
        registry = self._pool.registry
        if name:
            if name in registry.names(kind):
                return name
            have = ", ".join(registry.names(kind)) or "none"
            self.problems.append((sender, f"{kind.upper()} type not found: {name} (installed: {have})"))
            return None
        if not wanted:
            return None
        offer = best(registry, kind, self._pool.host.models, self._environ)
        if offer is None:
            if not quiet:
                self.problems.append((sender, f"no {kind} is installed; the call goes on without"))
            return None
        log.info("%s: %s, the best that is installed", kind, offer.name)
        return offer.name

    # ------------------------------------------------------------ speaking and thinking

    def voice(self, option: SynthesisOption | None, language: str | None = None) -> VoiceSpec | None:
        """The voice of an option; None: none is installed. An unknown name is kept: opening it says what is there."""
        option = option or SynthesisOption()
        name = option.provider
        if name is None:
            wanted = option.language or language
            offer = best(self._pool.registry, Kind.TTS, self._pool.host.models, self._environ, wanted)
            if offer is None:
                return None
            name = offer.name
        speaker = option.speaker or option.model
        if name in self._pool.registry.names(Kind.TTS):
            voices = self._pool.registry.find(Kind.TTS, name).traits.voices
            if speaker and voices and speaker not in voices:
                self.problems.append(
                    ("tts", f"{name} has no speaker {speaker!r} (it has {', '.join(voices)}); its default speaks")
                )
                speaker = None
        return VoiceSpec(
            provider=name,
            options=TtsOptions(
                voice=speaker,
                language=option.language,
                speed=option.speed or 1.0,
                volume=option.volume,
                emotion=option.emotion,
                model=option.model,
                endpoint=option.endpoint,
                api_key=option.secret_key.get_secret_value() if option.secret_key else None,
                extra=option.extra or {},
            ),
            trust=self._trust(option.endpoint, "tts"),
        )

    def _brain(self, agent: Agent | None) -> tuple[str | None, LlmOptions]:
        if agent is None:
            return None, LlmOptions()
        config = agent.playbook.config.llm
        options = agent.llm_options
        name, why = brain(self._pool.registry, config.provider if config else None, options.base_url, self._environ)
        log.info("llm: %s (%s)", name, why)
        return name, options

    # ------------------------------------------------------------ turn taking

    def _policy(self, agent: Agent | None, hearing: Hearing) -> Policy:
        waiting = 1500
        if hearing.asr is not None:
            waiting = self._pool.registry.find(Kind.ASR, hearing.asr).traits.final_p99_ms
        config = agent.playbook.config if agent else None
        llm = config.llm if config else None
        return Policy(
            endpointing=Endpointing(final_wait_ms=waiting, repair_window_ms=llm.repair_window_ms if llm else 3000),
            interruption=_interruption(config.interruption if config else None),
            brain=Brain.TEXT if agent else Brain.NONE,
            speaking_limit_ms=SPEAKING_LIMIT_MS,
        )


def _vad(option: VADOption) -> VadOptions:
    return VadOptions(
        threshold=option.voice_threshold,
        speech_padding_ms=option.speech_padding,
        silence_padding_ms=option.silence_padding,
        silence_timeout_ms=option.silence_timeout,
    )


def _interruption(rules: InterruptionRules | None) -> Interruption:
    if rules is None:
        return Interruption()
    given = {
        "strategy": Strategy(rules.strategy.value),
        "min_speech_ms": rules.min_speech_ms,
        "filler_filter": rules.filler_word_filter,
        "fade_ms": rules.volume_fade_ms,
        "ignore_first_ms": rules.ignore_first_ms,
    }
    return Interruption(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
