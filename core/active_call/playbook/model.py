"""What a playbook is: the keys of its front matter, and its scenes.

Keys are accepted in camelCase and snake_case. What is not ours to define (`asr`, `tts`, `sip`, ...) are the wire's own
options. Documented in `docs/reference/playbook.md`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from active_call.protocol.options import (
    AGCOption,
    AmbianceOption,
    CallOption,
    EouOption,
    MediaPassOption,
    Option,
    RealtimeOption,
    RecorderOption,
    RingbackDetectionOption,
    SipOption,
    SynthesisOption,
    TranscriptionOption,
    VADOption,
)
from active_call.protocol.wire import U32, Secret, StringMap

from .problems import Problem

DIGITS = "0123456789*#ABCD"
"""What a key on a telephone may be (RFC 4733 section 3.2)."""


class Strategy(StrEnum):
    """What may interrupt the agent: the caller's voice, recognised words, either, or nothing."""

    BOTH = "both"
    VAD = "vad"
    ASR = "asr"
    NONE = "none"


class Interruption(Option):
    """`interruption`: when the caller may cut the agent short."""

    strategy: Strategy = Strategy.BOTH
    min_speech_ms: U32 | None = None
    """Shorter speech does not interrupt; None: the default of turn taking."""
    filler_word_filter: bool = False
    """Words like "uh" do not interrupt."""
    volume_fade_ms: U32 | None = None
    """How long the voice fades before it stops."""
    ignore_first_ms: U32 = 800
    """The beginning of what the agent says is protected."""


class Llm(Option):
    """`llm`: who thinks."""

    SPELLINGS: ClassVar[Mapping[str, str]] = {"secretKey": "api_key", "secret_key": "api_key"}

    provider: str | None = None
    model: str | None = None
    base_url: str | None = None
    api_key: Secret | None = None
    prompt: str | None = None
    """Accepted, without effect: the prompt is the scene's text."""
    greeting: str | None = None
    language: str | None = None
    features: list[str] = Field(default_factory=list)
    repair_window_ms: U32 = 3000
    summary_limit: U32 = 20
    tool_instructions: str | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, gt=0)
    apology: str | None = None
    """Spoken when no answer could be had."""
    extra: dict[str, Any] = Field(default_factory=dict, repr=False)
    """Further settings for the provider."""


class DtmfAction(Option):
    """What a key does: `goto` a scene, `transfer` to a target, `hangup`."""

    action: Literal["goto", "transfer", "hangup"]
    scene: str | None = None
    target: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {"goto": "scene", "transfer": "target"}.get(self.action)
        if needed and not getattr(self, needed):
            raise ValueError(f"action {self.action} needs {needed}")
        return self


class Validation(Option):
    """`validation` of a collector."""

    pattern: str
    """Regular expression, searched for anywhere in the digits."""
    error_message: str | None = None

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return pattern


class DtmfCollector(Option):
    """One of `dtmfCollectors`: how a number is taken from the keypad."""

    description: str | None = None
    digits: U32 | None = None
    """Exactly so many."""
    min_digits: U32 | None = None
    max_digits: U32 | None = None
    finish_key: str | None = None
    timeout: U32 = 15
    """Seconds in all."""
    inter_digit_timeout: U32 = 5
    """Seconds between two keys."""
    validation: Validation | None = None
    retry_times: U32 = 3
    interruptible: bool = False
    """The caller may speak instead."""


class FollowUp(Option):
    """`followUp`: what happens when the caller stays silent."""

    SPELLINGS: ClassVar[Mapping[str, str]] = {"max": "max_count"}

    timeout: U32
    """Ms of silence before the agent speaks again."""
    max_count: U32
    """How often it does, before it hangs up."""


class Posthook(Option):
    """`posthook`: where the summary of a call goes."""

    url: str
    summary: str | None = None
    """`short`, `detailed`, `intent`, `json`, or a prompt of one's own."""
    method: str = "POST"
    headers: StringMap | None = None
    include_history: bool = True
    timeout: U32 = 30
    """Seconds."""


class PlaybookConfig(Option):
    """The front matter."""

    SPELLINGS: ClassVar[Mapping[str, str]] = {"followup": "follow_up"}

    asr: TranscriptionOption | None = None
    tts: SynthesisOption | None = None
    vad: VADOption | None = None
    eou: EouOption | None = None
    llm: Llm | None = None
    realtime: RealtimeOption | None = None
    greeting: str | None = None
    interruption: Interruption = Field(default_factory=Interruption)
    dtmf: dict[str, DtmfAction] = Field(default_factory=dict)
    dtmf_collectors: dict[str, DtmfCollector] = Field(default_factory=dict)
    follow_up: FollowUp | None = None
    posthook: Posthook | None = None
    ambiance: AmbianceOption | None = None
    recorder: RecorderOption | None = None
    sip: SipOption | None = None
    denoise: bool | None = None
    agc: AGCOption | None = None
    ringback_detection: RingbackDetectionOption | None = None
    media_pass: MediaPassOption | None = None
    inactivity_timeout: U32 | None = None
    """Seconds."""
    extra: StringMap | None = None
    """Variables that every call begins with."""
    script: dict[str, Any] | None = None
    """Rules for a brain that is no language model; see `docs/reference/scripted-brain.md`."""

    @field_validator("dtmf", mode="before")
    @classmethod
    def _keys(cls, value: Any) -> Any:
        """YAML reads the key `1:` as a number."""
        if not isinstance(value, dict):
            return value
        keys = {str(key).upper(): action for key, action in value.items()}
        for key in keys:
            if len(key) != 1 or key not in DIGITS:
                raise ValueError(f"{key!r} is no key of a telephone; the keys are 0 to 9, '*', '#' and A to D")
        return keys

    def call_option(self) -> CallOption:
        """What of it is a call option, for `protocol.options.merge`.

        `llm.apiKey` is also the key of a recogniser, voice, realtime or end-of-turn model of the same provider.
        """
        given = {name: getattr(self, name) for name in CallOption.model_fields if name in self.model_fields_set}
        key, vendor = (self.llm.api_key, self.llm.provider) if self.llm else (None, None)
        for name in ("asr", "tts", "realtime", "eou") if key and vendor else ():
            option = given.get(name)
            if option and option.secret_key is None and vendor in (getattr(option, "provider", None), _type(option)):
                given[name] = option.model_copy(update={"secret_key": key})
        return CallOption.model_validate(given)


def _type(option: Option) -> str | None:
    return option.type if isinstance(option, EouOption) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One part of the conversation, with a prompt of its own."""

    id: str
    body: str
    """The prompt, a template (`render`), without the tags that are read below."""
    line: int = 1
    """Of the file, where the body begins."""
    dtmf: Mapping[str, DtmfAction] = field(default_factory=lambda: MappingProxyType({}))
    """These keys count before the playbook's."""
    play: str | None = None
    """File or URL played on entering."""
    follow_up: FollowUp | None = None
    """Counts instead of the playbook's."""


HAN = re.compile(r"[\u3400-\u9fff]")
LETTER = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, kw_only=True)
class Playbook:
    """A playbook that can be run."""

    name: str
    source: Path | None = None
    """None: it came as text."""
    config: PlaybookConfig
    scenes: dict[str, Scene]
    """By id, in the file's order; at least one."""
    initial: str
    trusted: bool = False
    """It may use the environment's values, and reach what the operator may reach."""
    problems: tuple[Problem, ...] = ()
    """What loading found wrong but could live with."""

    @property
    def greeting(self) -> str | None:
        """What is said first, a template; the playbook's own before the language model's."""
        return self.config.greeting or (self.config.llm.greeting if self.config.llm else None) or None

    @property
    def language(self) -> str:
        """`llm.language`, else `zh` or `en` by the writing of the scenes."""
        if self.config.llm and self.config.llm.language:
            return self.config.llm.language
        text = "".join(scene.body for scene in self.scenes.values())
        # A Chinese character is about three Latin letters' worth of text.
        return "zh" if 3 * len(HAN.findall(text)) > len(LETTER.findall(text)) else "en"
