"""From a brain's stream of text to speech and acts, in the order in which they were written."""

from collections.abc import Callable, Iterable

from active_call.playbook.acts import Act, Hangup, Malformed, SetVar
from active_call.playbook.sentences import SentenceSplitter
from active_call.playbook.tags import TagParser
from active_call.plugin.values import Reasoning, Text, ToolCall, Usage

from .agent import Agent
from .emotion import Emotion, EmotionSplitter
from .json_reply import JsonReader, Mode, Unreadable
from .mouth import Mouth
from .tools import Call, Fetch, Lookup, Order, Step, invocation


class Reply:
    """One answer of the brain on its way to the mouth. `take` and `close` are plain calls."""

    def __init__(
        self,
        utterance_id: str,
        agent: Agent,
        mouth: Mouth,
        *,
        on_speech: Callable[[], None],
        on_malformed: Callable[[Malformed], None],
    ) -> None:
        self.utterance_id = utterance_id
        self.raw = ""
        """Everything the brain wrote."""
        self.reasoning = ""
        self.begun = False
        """Whether anything reached the mouth."""
        self.unreadable: str | None = None
        """Why nothing can be made of it, if so; known once it is closed."""
        self.asked_s = 0.0
        self.first_text_s: float | None = None
        """When the brain was asked and first answered (monotonic seconds); whoever asks it writes them."""
        self._agent = agent
        self._mouth = mouth
        self._on_speech = on_speech
        self._on_malformed = on_malformed
        self._json = JsonReader()
        self._tags = TagParser()
        self._emotions = EmotionSplitter(expected="voice_emotion" in agent.features)
        self._emotion: str | None = None
        self._sentences = SentenceSplitter()
        self._hanging_up = False
        self._spoken = ""

    @property
    def is_json(self) -> bool:
        """Whether the answer is a JSON object instead of text."""
        return self._json.mode is Mode.JSON

    def take(self, item: Text | Reasoning | ToolCall | Usage) -> None:
        if isinstance(item, Text):
            self.raw += item.text
            self._do(self._tags.feed(self._json.feed(item.text)))
        elif isinstance(item, Reasoning):
            self.reasoning += item.text

    def close(self) -> None:
        """The brain has finished: what is left is said, the utterance gets no more."""
        rest = self._json.close()
        if isinstance(rest, Unreadable):
            self.unreadable = rest.problem
            return
        if isinstance(rest, str):
            self._do(self._tags.feed(rest))
            self._do(self._tags.close())
        else:
            self._do(rest.steps)
        self._flush()
        if self.begun:
            self._agent.says(self.utterance_id, self.raw)
            self._mouth.finish(self.utterance_id)

    def abandon(self) -> None:
        """The brain failed or was cancelled: what was handed over stands, nothing is added."""
        if self.begun:
            self._mouth.finish(self.utterance_id)

    def _do(self, steps: Iterable[Step]) -> None:
        for step in steps:
            match step:
                case str():
                    # What follows a hang-up is dropped; variables set behind it still count.
                    if not self._hanging_up:
                        self._speak(self._emotions.feed(step))
                case Malformed():
                    self._on_malformed(step)
                case Order() | Fetch() | Lookup() | Call():
                    name = str((invocation(step) or {}).get("tool", "")).lower()
                    self._on_malformed(Malformed("", f"tool {name} is not carried out in this version", name))
                case _:
                    self._act(step)

    def _act(self, act: Act) -> None:
        if isinstance(act, SetVar):
            self._agent.set_variable(act.key, act.value)
            return
        if self._hanging_up:
            return
        self._flush()
        self._hanging_up = isinstance(act, Hangup)
        self._begin()
        self._mouth.act(self.utterance_id, act)

    def _speak(self, pieces: list[str | Emotion]) -> None:
        for piece in pieces:
            if isinstance(piece, Emotion):
                self._end_sentence()
                self._emotion = piece.name
            else:
                self._say(self._sentences.feed(piece))

    def _flush(self) -> None:
        self._speak(self._emotions.close())
        self._end_sentence()

    def _end_sentence(self) -> None:
        self._say(self._sentences.close())
        self._sentences = SentenceSplitter()

    def _say(self, sentences: list[str]) -> None:
        for sentence in sentences:
            if not sentence.strip() and not self.begun:
                continue
            self._begin()
            # The history grows with what is said: it may be cut at any time, and holds no word that was not said.
            self._spoken += sentence
            self._agent.says(self.utterance_id, self._spoken)
            self._mouth.say(self.utterance_id, sentence, emotion=self._emotion)
            self._on_speech()

    def _begin(self) -> None:
        if not self.begun:
            self.begun = True
            self._mouth.begin(self.utterance_id)
