"""The history never holds a word of ours that was not heard, nor one that the caller did not say."""

from hypothesis import given
from hypothesis import strategies as st

from active_call.dialogue.history import History
from active_call.turns.heard import Heard


def heard(utterance_id: str, text: str, *, complete: bool) -> Heard:
    return Heard(
        utterance_id=utterance_id,
        text=text,
        position=len(text),
        total_chars=100,
        heard_ms=0,
        total_ms=0,
        complete=complete,
    )


def lines(history: History) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in history.messages]


def test_what_was_heard_to_its_end_stays_as_it_was_written_with_its_tags() -> None:
    history = History()
    history.agent("a", "Bye. <hangup/>")
    history.heard(heard("a", "Bye. ", complete=True))
    assert lines(history) == [("assistant", "Bye. <hangup/>")]


def test_what_was_cut_is_what_was_heard_and_nothing_heard_was_never_said() -> None:
    history = History()
    history.agent("a", "One two three.")
    history.agent("b", "Four.")
    history.heard(heard("a", "One two ", complete=False))
    history.heard(heard("b", " ", complete=False))
    assert lines(history) == [("assistant", "One two")]


def test_a_reply_grows_in_its_place() -> None:
    history = History()
    history.agent("a", "One.")
    history.caller("What?")
    history.agent("a", "One. Two.")
    assert lines(history) == [("assistant", "One. Two."), ("user", "What?")]


def test_the_newest_words_of_the_caller_can_be_taken_back_and_amended() -> None:
    history = History()
    history.caller("one")
    history.agent("a", "Yes?")
    history.caller("two")
    history.amend("two and a half")
    assert lines(history)[-1] == ("user", "two and a half")
    assert history.take_back() == "two and a half"
    assert history.take_back() == "one"
    assert history.take_back() is None
    history.amend("nobody said anything")
    assert lines(history) == [("assistant", "Yes?")]


def test_a_note_is_the_systems() -> None:
    history = History()
    history.note("The shop is closed.")
    assert lines(history) == [("system", "The shop is closed.")]
    assert len(history) == 1


@given(st.text(min_size=1), st.integers(min_value=0))
def test_the_line_of_a_cut_reply_is_always_a_beginning_of_it(text: str, at: int) -> None:
    history = History()
    history.agent("a", text)
    part = text[: at % (len(text) + 1)]
    history.heard(heard("a", part, complete=False))
    assert all((content and text.strip().startswith(content)) or content in text for _, content in lines(history))
    assert bool(lines(history)) == bool(part.strip())
