"""The streaming parser of reply tags."""

import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from active_call.playbook.acts import (
    Act,
    Collect,
    Goto,
    Hangup,
    Http,
    Malformed,
    PlayFile,
    Refer,
    SendMessage,
    SetVar,
)
from active_call.playbook.tags import LONGEST, PATIENCE, Piece, TagParser


def parse(*pieces: str) -> list[Piece]:
    parser = TagParser()
    out = [found for piece in pieces for found in parser.feed(piece)]
    return joined([*out, *parser.close()])


def joined(pieces: list[Piece]) -> list[Piece]:
    """Speech that follows speech put together: only there may the cut of the input show."""
    out: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and out and isinstance(out[-1], str):
            out[-1] += piece
        else:
            out.append(piece)
    return out


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("<hangup/>", Hangup()),
        ("<hangup />", Hangup()),
        ("<hangup>", Hangup()),
        ("<hangup></hangup>", Hangup()),
        ("<HangUp/>", Hangup()),
        ("< hangup/>", Hangup()),
        ("<hangup reason='done'/>", Hangup("done")),
        ('<refer to="sip:a@1.2.3.4"/>', Refer("sip:a@1.2.3.4")),
        ("<refer to='sip:a@b.c' />", Refer("sip:a@b.c")),
        ('<refer\n  to = "sip:a@b.c"\n/>', Refer("sip:a@b.c")),
        ('<REFER TO="+15550100">', Refer("+15550100")),
        ('<message body="hi"/>', SendMessage("hi")),
        ("<message text='hi' content_type='text/html'/>", SendMessage("hi", "text/html")),
        ('<message refer="TRUE" contentType="a/b" body="x > y"/>', SendMessage("x > y", "a/b", True)),
        ('<play file="a.wav"/>', PlayFile("a.wav")),
        ('<play file="a.wav"></play>', PlayFile("a.wav")),
        ('<goto scene="b"/>', Goto("b")),
        ('<set_var key="k" value="it\'s"/>', SetVar("k", "it's")),
        ('<set_var value="" key="k"/>', SetVar("k", "")),
        ("<set_var key='k' value='&lt;&amp;&quot;&apos;&#65;&#x42;&gt;'/>", SetVar("k", "<&\"'AB>")),
        ('<http url="https://h/?a=1&copy=2"/>', Http("https://h/?a=1&copy=2")),
        ("<http method='post' body='{\"a\": 1}' url='https://h'/>", Http("https://h", "POST", '{"a": 1}')),
        ('<collect type="pin" var="pin"/>', Collect("pin", "pin")),
        ('<collect var="p" prompt="Four digits." type="pin"/>', Collect("pin", "p", "Four digits.")),
        ('<goto scene="b" scene="c" because="x"/>', Goto("b")),
    ],
)
def test_each_tag_is_read_however_it_is_written(text: str, act: Act) -> None:
    assert parse(text) == [act]
    assert parse("Well. ", text, " Yes") == ["Well. ", act, " Yes"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<refer/>", "to is missing"),
        ('<refer to=" "/>', "to is empty"),
        ("<message/>", "body or text is missing"),
        ('<message body="a" refer="perhaps"/>', 'refer must be "true" or "false"'),
        ('<set_var key="a"/>', "value is missing"),
        ('<http url="https://h" method="DELETE"/>', "method must be GET, POST or PUT"),
        ("<refer to=sip:a@b.c>", "a value needs quotes"),
        ("<hangup now>", 'an attribute needs ="a value"'),
        ("<hangup/now>", "> was expected after /"),
        ('<goto scene="a" !>', "an attribute or /> was expected"),
        ("</hangup>", "closes a tag that was not opened"),
    ],
)
def test_a_tag_that_says_too_little_is_reported_and_not_spoken(text: str, problem: str) -> None:
    [found] = parse(text)
    assert isinstance(found, Malformed)
    assert (found.text, found.problem) == (text, problem)
    assert found.name == text.strip("</>").split()[0].split("/")[0]


@pytest.mark.parametrize(
    "text",
    [
        "3 < 5",
        "<3",
        "I <3 you",
        "a<b",
        "a < b and c > d",
        "if x<y then",
        "<",
        "<<",
        "</",
        "< ",
        "1 << 2",
        "<->",
        "<play.",
        "the < play of words > here",
        "<b and more",
        "< " + " " * 200 + "x",
        "<" + "x" * 300,
    ],
)
def test_text_with_a_mere_angle_bracket_is_spoken_unharmed(text: str) -> None:
    assert parse(text) == [text]
    assert parse(*text) == [text]


def test_a_mere_angle_bracket_is_held_back_for_a_moment_only() -> None:
    parser = TagParser()
    assert parser.feed("3 <") == ["3 "]
    assert parser.feed(" ") == []
    assert parser.feed("5") == ["< 5"]
    assert parser.feed("<3") == ["<3"]
    assert parser.feed("<play") == []
    assert parser.feed("er") == []
    assert parser.feed(" one") == []
    assert parser.feed(" ") == []
    assert parser.feed("w") == ["<player one w"]
    held = parser.feed("<" + "b " + " " * PATIENCE)
    assert held == ["<b " + " " * PATIENCE]


def test_tags_that_are_not_ours_are_stripped_and_reported() -> None:
    assert parse('<b>yes</b><br/><emphasis level="strong">No') == [
        Malformed("<b>", "not one of the tags of a playbook"),
        "yes",
        Malformed("</b>", "not one of the tags of a playbook"),
        Malformed("<br/>", "not one of the tags of a playbook"),
        Malformed('<emphasis level="strong">', "not one of the tags of a playbook"),
        "No",
    ]


def test_a_reply_that_ends_within_a_tag_is_reported_and_not_spoken() -> None:
    assert parse('Bye. <refer to="sip:a@b.c') == [
        "Bye. ",
        Malformed('<refer to="sip:a@b.c', "the reply ended within this tag", "refer"),
    ]
    assert parse("Bye. <hang") == ["Bye. ", Malformed("<hang", "the reply ended within this tag")]
    assert parse('<voice name="a') == [Malformed('<voice name="a', "the reply ended within this tag")]


def test_a_broken_tag_does_not_swallow_what_follows() -> None:
    problem = 'an attribute needs ="a value"'
    assert parse("<hangup now <refer to='b'/>Yes") == [Malformed("<hangup now ", problem, "hangup"), Refer("b"), "Yes"]
    assert parse("<play the song\nAnd on") == [Malformed("<play the song", problem, "play"), "\nAnd on"]
    [broken, speech] = parse("<play the " + "x" * 300)
    assert isinstance(broken, Malformed)
    assert isinstance(speech, str)
    assert len(broken.text) <= len("<play the ") + PATIENCE
    assert broken.text + speech == "<play the " + "x" * 300


@pytest.mark.parametrize("cut", [1, 7, 10_000])
def test_a_tag_that_is_too_long_is_reported_once_and_its_rest_is_not_spoken(cut: int) -> None:
    fits = '<message body="{}"/>'.format("x" * (LONGEST - len('<message body=""/>')))
    text = f'A{fits}B<message body="{"x>y " * 2000}" text="a>b"/>C'
    pieces = parse(*(text[at : at + cut] for at in range(0, len(text), cut)))
    a, message, b, long, c = pieces
    assert (a, b, c) == ("A", "B", "C")
    assert isinstance(message, SendMessage)
    assert isinstance(long, Malformed)
    assert long.problem == f"longer than {LONGEST} characters"
    assert len(long.text) == LONGEST + 1


def test_a_parser_can_be_used_again_after_close() -> None:
    parser = TagParser()
    parser.feed('<hangup><refer to="a')
    parser.close()
    assert parser.feed("Hello") == ["Hello"]
    assert parser.feed("</hangup>") == [Malformed("</hangup>", "closes a tag that was not opened", "hangup")]


quoted = st.text(st.sampled_from("ab .!?<>/=&'1;\n{你"), max_size=12)
speech = st.text(st.sampled_from("Hi .,!?<>3/=\"'\n你b"), max_size=12)


@st.composite
def tag(draw: st.DrawFn) -> tuple[str, Act]:
    value = draw(quoted)
    written = value.replace("&", "&amp;")
    to = draw(quoted.filter(str.strip))
    blank = draw(st.sampled_from(["", " ", "\n "]))
    end = draw(st.sampled_from(["/>", " />", ">", "></{}>"]))
    name = draw(st.sampled_from(["set_var", "SET_VAR", "message", "hangup"]))
    attributes = {
        "set_var": [f'key="k"{blank}', f'{blank}value{blank}="{written}"'],
        "message": [f'body="{to.replace("&", "&amp;")}"', "refer='true'"],
        "hangup": [],
    }[name.lower()]
    order = draw(st.permutations(attributes))
    acts = {"set_var": SetVar("k", value), "message": SendMessage(to.strip(), refer=True), "hangup": Hangup()}
    return f"<{' '.join([name, *order])}{end.format(name)}", acts[name.lower()]


anything = st.lists(speech | tag().map(lambda made: made[0]) | st.just("<hangup"), max_size=6).map("".join)


def cut(text: str, places: list[int]) -> list[str]:
    edges = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[a:b] for a, b in pairwise(edges)]


@given(anything, st.lists(st.integers(0, 500), max_size=12))
@example('<b x="<hangup/>" y', [])
def test_any_cut_of_a_reply_gives_the_same_as_the_whole(text: str, places: list[int]) -> None:
    whole = parse(text)
    assert parse(*cut(text, places)) == whole
    assert parse(*text) == whole


@given(st.lists(st.text(st.sampled_from("Hi .,!?3\n你"), max_size=12) | tag(), max_size=8))
def test_speech_and_tags_come_out_as_they_went_in_and_none_is_lost(parts: list[str | tuple[str, Act]]) -> None:
    text = "".join(part if isinstance(part, str) else part[0] for part in parts)
    wanted: list[Piece] = [part if isinstance(part, str) else part[1] for part in parts]
    assert parse(*text) == joined([piece for piece in wanted if piece != ""])


@given(anything)
def test_nothing_is_invented_and_speech_keeps_its_order(text: str) -> None:
    rest = text
    for piece in parse(text):
        part = piece if isinstance(piece, str) else piece.text if isinstance(piece, Malformed) else ""
        assert part in rest
        rest = rest[rest.index(part) + len(part) :]


@pytest.mark.parametrize("hard", ["<", "<hangup ", "<b ", '<message body="', "<a='", "< "])
def test_hard_input_takes_linear_time(hard: str) -> None:
    def cost(length: int) -> float:
        text = hard * (length // len(hard))
        begin = time.process_time()
        parse(text)
        parse(*text)
        return time.process_time() - begin

    cost(1000)
    assert cost(40_000) < 40 * max(cost(4_000), 0.002)
