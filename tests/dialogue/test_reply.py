"""From a brain's stream to speech and acts in order; tags are never spoken, however they are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.dialogue.agent import Agent
from active_call.dialogue.reply import Reply
from active_call.playbook.acts import Act, Goto, Hangup, Malformed
from active_call.playbook.load import load_text
from active_call.plugin.values import Reasoning, Text, Usage


class Notebook:
    """A mouth that writes down what it is given."""

    def __init__(self) -> None:
        self.log: list[object] = []

    def begin(self, utterance_id: str) -> None:
        self.log.append("begin")

    def say(self, utterance_id: str, text: str, *, emotion: str | None = None) -> None:
        self.log.append(text if emotion is None else (emotion, text))

    def act(self, utterance_id: str, act: Act) -> None:
        self.log.append(act)

    def finish(self, utterance_id: str) -> None:
        self.log.append("finish")


class Held:
    def __init__(self, front: str = "{}") -> None:
        self.mouth = Notebook()
        self.agent = Agent(load_text(f"---\n{front}\n---\nBe nice.", name="book", environ={}, trusted=True), {})
        self.malformed: list[Malformed] = []
        self.spoke = 0
        self.reply = Reply("u", self.agent, self.mouth, on_speech=self._speech, on_malformed=self.malformed.append)

    def _speech(self) -> None:
        self.spoke += 1

    @property
    def history(self) -> list[str]:
        return [message.content for message in self.agent.history.messages]

    def write(self, *pieces: str) -> "Held":
        for piece in pieces:
            self.reply.take(Text(text=piece))
        return self


def test_sentences_are_handed_over_as_soon_as_they_are_certain() -> None:
    held = Held().write("Hello there. How ")
    assert held.mouth.log == ["begin", "Hello there. "]
    held.write("are you?").reply.close()
    assert held.mouth.log == ["begin", "Hello there. ", "How are you?", "finish"]
    assert held.spoke == 2
    assert held.history == ["Hello there. How are you?"]


def test_acts_stand_where_they_were_written() -> None:
    held = Held().write('One. <goto scene="x"/> Two. <hangup/> Three.')
    held.reply.close()
    assert held.mouth.log == ["begin", "One. ", Goto("x"), " Two. ", Hangup(), "finish"]


def test_an_act_alone_begins_the_utterance_without_speech() -> None:
    held = Held().write("<hangup/>")
    held.reply.close()
    assert held.mouth.log == ["begin", Hangup(), "finish"]
    assert held.spoke == 0
    assert held.history == ["<hangup/>"]


def test_a_variable_is_set_at_once_even_behind_a_hangup_and_is_nothing_to_say() -> None:
    held = Held().write('<set_var key="a" value="1"/>')
    assert held.agent.variables == {"a": "1"}
    assert not held.reply.begun
    held.write('Bye.<hangup/><set_var key="b" value="2"/>')
    assert held.agent.variables == {"a": "1", "b": "2"}


@pytest.mark.parametrize("text", ["", "  \n ", '<set_var key="a" value="1"/>'])
def test_a_reply_that_says_nothing_leaves_no_trace(text: str) -> None:
    held = Held().write(text)
    held.reply.close()
    assert held.mouth.log == []
    assert held.history == []
    assert not held.reply.begun


def test_a_malformed_tag_is_told_and_not_spoken() -> None:
    held = Held().write("Well. <goto scenery='x'/> Yes.")
    held.reply.close()
    assert [tag.name for tag in held.malformed] == ["goto"]
    assert "<" not in "".join(piece for piece in held.mouth.log if isinstance(piece, str))


def test_what_was_given_up_holds_only_what_was_handed_over() -> None:
    held = Held().write("One. Two. And th")
    held.reply.abandon()
    assert held.mouth.log == ["begin", "One. ", "Two. ", "finish"]
    assert held.history == ["One. Two. "]


def test_thoughts_are_kept_apart() -> None:
    held = Held()
    held.reply.take(Reasoning(text="Hmm."))
    held.reply.take(Usage(input_tokens=1))
    held.write("Yes.").reply.close()
    assert (held.reply.reasoning, held.reply.raw) == ("Hmm.", "Yes.")


@given(st.lists(st.integers(min_value=1, max_value=9), min_size=1))
def test_the_same_comes_out_however_the_text_is_cut(sizes: list[int]) -> None:
    text = "First of all, hello. <goto scene=\"a.b!\"/>Then 3 < 5? <play file='x.wav'/> Bye.<hangup/>"
    whole, cut = Held().write(text), Held()
    at = 0
    while at < len(text):
        size = sizes[at % len(sizes)]
        cut.write(text[at : at + size])
        at += size
    whole.reply.close()
    cut.reply.close()
    assert cut.mouth.log == whole.mouth.log
    assert cut.history == whole.history == [text]


def test_a_json_reply_is_said_and_done_in_its_order_and_never_spoken_as_it_stands() -> None:
    raw = '{"text": "Bye, <set_var key=\'a\' value=\'1\'/>Ann.", "tools": [{"name": "hangup", "reason": "done"}]}'
    held = Held().write(*raw)
    assert held.mouth.log == []
    held.reply.close()
    assert held.mouth.log == ["begin", "Bye, Ann.", Hangup("done"), "finish"]
    assert held.agent.variables == {"a": "1"}
    assert held.history == [raw]
    assert held.reply.is_json


def test_tools_that_have_a_result_are_told_and_the_text_is_said_all_the_same() -> None:
    held = Held().write(
        '{"text": "One moment.", "tools": [{"name": "http", "url": "https://example.com"}, {"name": "fly"}]}'
    )
    held.reply.close()
    assert held.mouth.log == ["begin", "One moment.", "finish"]
    assert [problem.problem.split()[:2] for problem in held.malformed] == [["tool", "http"], ["tool", "fly:"]]


def test_json_that_cannot_be_read_is_not_spoken_and_leaves_no_trace() -> None:
    held = Held().write('{"text": "Hel')
    held.reply.close()
    assert held.mouth.log == []
    assert held.history == []
    assert held.reply.unreadable is not None
    assert not held.reply.begun


def test_an_emotion_ends_the_sentence_before_it_and_holds_until_the_next() -> None:
    held = Held().write("Well then [hap", "py] Great! Really [sad]I am sorry.<hangup/>")
    held.reply.close()
    spoken = ["Well then ", ("happy", " Great! "), ("happy", "Really "), ("sad", "I am sorry.")]
    assert held.mouth.log == ["begin", *spoken, Hangup(), "finish"]
    assert held.history == ["Well then [happy] Great! Really [sad]I am sorry.<hangup/>"]


def test_stage_directions_are_dropped_where_emotions_are_asked_for() -> None:
    plain, feeling = Held().write("[laughs] Yes."), Held("llm: {features: [voice_emotion]}").write("[laughs] Yes.")
    plain.reply.close()
    feeling.reply.close()
    assert plain.mouth.log == ["begin", "[laughs] Yes.", "finish"]
    assert feeling.mouth.log == ["begin", " Yes.", "finish"]
