"""The playbooks that ship as examples."""

from pathlib import Path

import pytest

from active_call.builtin.scripted import ScriptedBrain, validate_script
from active_call.playbook import Goto, Hangup, Playbook, Refer, SetVar, TagParser, load_file, speakable
from active_call.playbook.lint import check
from active_call.playbook.tags import Piece
from active_call.plugin.values import LlmOptions, Message, ReplyRequest

EXAMPLES = Path(__file__).parents[2] / "playbook-examples"
PROVIDERS = {
    "asr": ["whisper"],
    "tts": ["hibari"],
    "vad": ["silero"],
    "turn": ["smart-turn"],
    "llm": ["scripted", "openai"],
}


PLAYBOOKS = sorted(path for path in EXAMPLES.glob("*.md") if not path.name.endswith(".test.md"))


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_an_example_has_nothing_to_mend(path: Path) -> None:
    assert check(path, providers=PROVIDERS, environ={}, script_check=validate_script) == []


@pytest.fixture
def hello() -> Playbook:
    return load_file(EXAMPLES / "hello.md", environ={})


async def answer(playbook: Playbook, said: str, scene: str = "default", **variables: str) -> tuple[str, list[Piece]]:
    request = ReplyRequest(messages=(Message(role="user", content=said),), scene=scene, variables=variables)
    parser = TagParser()
    pieces: list[Piece] = []
    async with ScriptedBrain().session(LlmOptions(script=playbook.config.script, language="en")) as session:
        async for piece in session.reply(request):
            pieces += parser.feed(piece.text)
    pieces += parser.close()
    text = "".join(piece for piece in pieces if isinstance(piece, str))
    return speakable(text), [piece for piece in pieces if not isinstance(piece, str)]


@pytest.mark.parametrize(
    ("said", "scene", "text", "acts"),
    [
        ("When are you open on Friday?", "default", "open from nine to six", []),
        ("Hello, my name is Maria.", "default", "Nice to meet you, Maria.", [SetVar("name", "Maria")]),
        ("I have a flat tyre.", "default", "cup of tea", []),
        ("Can I leave a message?", "default", "What should I pass on?", [Goto("message")]),
        ("Could I talk to a person, please?", "default", "put you through?", [Goto("person")]),
        ("Thanks, goodbye!", "default", "Ride safely!", [Hangup()]),
        ("Yes, please.", "person", "putting you through", [Refer("sip:workshop@example.com")]),
        ("No, not now.", "person", "As you like.", [Goto("default")]),
        ("Purple monkeys.", "default", "I did not quite get that.", []),
    ],
)
async def test_hello_answers_by_its_script(
    hello: Playbook, said: str, scene: str, text: str, acts: list[Piece]
) -> None:
    spoken, done = await answer(hello, said, scene)
    assert text in spoken
    assert done == acts


async def test_hello_takes_a_message_in_which_general_rules_do_not_count(hello: Playbook) -> None:
    spoken, done = await answer(hello, "When are you open? Thank you, I need a repair", "message")
    assert "I have written down: When are you open?" in spoken
    assert [type(act) for act in done] == [SetVar, Goto]


def test_hello_has_a_prompt_for_a_language_model_in_each_scene(hello: Playbook) -> None:
    assert (hello.initial, set(hello.scenes)) == ("default", {"default", "message", "person"})
    assert all("Pip" in scene.body for scene in hello.scenes.values())
    assert hello.greeting
    assert hello.language == "en"
