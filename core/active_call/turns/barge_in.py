"""When speech over the agent's voice is an interruption, when it is proven, and when it is nothing."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from .words import count_without, words

FILLERS_ZH = (
    *("嗯", "啊", "哦", "噢", "喔", "呃", "额", "唔", "诶", "欸", "哎", "哈", "嘿", "那个", "这个", "就是", "然后"),
    *(
        "对",
        "是",
        "是的",
        "是啊",
        "好",
        "好的",
        "好吧",
        "行",
        "可以",
        "没错",
        "明白",
        "知道了",
        "了解",
        "嗯哼",
        "对呀",
        "对啊",
    ),
)
FILLERS_EN = (
    *("uh", "um", "ah", "oh", "eh", "er", "erm", "hm", "hmm", "mm", "mhm", "mm-hmm", "uh-huh", "huh", "aha", "ooh"),
    *("yeah", "yep", "yup", "yes", "ok", "okay", "right", "sure", "i see", "got it", "all right", "alright", "go on"),
)
FILLERS = frozenset(FILLERS_ZH + FILLERS_EN)
"""Hesitations and backchannels: sounds by which a listener lets the speaker go on."""


class Strategy(StrEnum):
    """What may begin an interruption: the voice detector, the recogniser's text, either, or nothing."""

    BOTH = "both"
    VAD = "vad"
    ASR = "asr"
    NONE = "none"


@lru_cache(maxsize=64)
def _phrases(fillers: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(words(filler) for filler in fillers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """The rules of barge-in. All durations are milliseconds.

    An interruption has two steps. Speech that *qualifies* makes the agent hold back; *proof* takes the floor from it.
    Holding back costs nothing if it was a cough (the agent goes on at the same word), so it can be quick; proof can
    wait for words.
    """

    strategy: Strategy = Strategy.BOTH
    min_speech_ms: int = 300
    """How long a voice must last to qualify; most coughs and clicks are shorter."""
    thinking_min_ms: int = 200
    """The same while the agent is still silent: there is nothing to talk over, so less is asked."""
    filler_filter: bool = True
    """Hesitations and backchannels neither qualify nor prove anything."""
    fillers: frozenset[str] = FILLERS
    ignore_first_ms: int = 800
    """Nothing qualifies this soon after the agent's first sample: echo cancellation has not settled yet."""
    after_final_ms: int = 500
    """Nothing qualifies this soon after the caller's last final text: it is the tail of what was just answered."""
    fade_ms: int = 60
    """How fast the voice goes down; long enough not to click."""
    proof_words: int = 1
    """So many words that are not fillers prove an interruption."""
    proof_ms: int = 2000
    """A voice of this length proves it without words (a recogniser without interim results, or a deaf one)."""
    deaf_proof_ms: int = 600
    """The same where no words can come: no recogniser, or a realtime model that hears the audio itself."""
    held_back_deadline_ms: int = 1500
    """Without proof, this long after the voice fell silent, the agent goes on."""
    answer_window_ms: int = 1500
    """A "yes" or "嗯" over the agent's last words, this close to their end, is an answer and not a backchannel."""

    def real_words(self, text: str) -> int:
        """The number of words in `text` that count."""
        return count_without(text, _phrases(self.fillers)) if self.filler_filter else len(words(text))

    def is_nothing(self, text: str) -> bool:
        """Whether `text` says no more than that the caller listens."""
        return self.real_words(text) == 0

    def protected_until_ms(self, started_ms: int, last_final_ms: int | None) -> int:
        """The time before which nothing qualifies."""
        after_start = started_ms + self.ignore_first_ms
        return after_start if last_final_ms is None else max(after_start, last_final_ms + self.after_final_ms)

    def qualifies(self, *, voiced_ms: int, text: str) -> bool:
        """Whether a voice that is on since `voiced_ms` (0: it is off) and has said `text` makes the agent hold back."""
        counts = not self.is_nothing(text)
        by_voice = self.strategy in (Strategy.BOTH, Strategy.VAD) and voiced_ms >= max(self.min_speech_ms, 1)
        by_text = self.strategy in (Strategy.BOTH, Strategy.ASR) and counts
        # What is known to be a backchannel is not taken for an interruption because it is drawn out.
        return by_text or (by_voice and (counts or not words(text)))

    def proven(self, *, voiced_ms: int, text: str, words_expected: bool) -> bool:
        """Whether a voice of `voiced_ms` that has said `text` is certainly an interruption."""
        enough_ms = self.proof_ms if words_expected else self.deaf_proof_ms
        return self.real_words(text) >= max(self.proof_words, 1) or voiced_ms >= enough_ms
