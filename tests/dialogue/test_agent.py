"""What the brain is told: instructions of the scene, variables, history; and what happens to the agent."""

import pytest

from active_call.dialogue.agent import Agent
from active_call.playbook.load import load_text

SCENES = """---
greeting: Hello {{ name }}, this is {{ session_id }}.
followUp: {timeout: 5000, maxCount: 2}
llm: {apiKey: hush, model: m, baseUrl: "http://localhost/v1", temperature: 0.5, maxTokens: 9}
---
# Scene: main
You are the front desk of {{ shop }}. <followup timeout="100" max="1"/>
# Scene: sales
You sell.
"""


def make(text: str = SCENES, **variables: str) -> Agent:
    return Agent(load_text(text, name="book", environ={}, trusted=True), variables)


def test_greeting_and_instructions_are_filled_in_with_what_is_known_now() -> None:
    agent = make(name="Ann", session_id="s1")
    assert agent.greeting == "Hello Ann, this is s1."
    agent.set_variable("shop", "Bread & Co")
    request = agent.request()
    assert request.messages[0].role == "system"
    assert "front desk of Bread & Co." in request.messages[0].content
    assert request.variables == {"name": "Ann", "session_id": "s1", "shop": "Bread & Co"}


def test_a_request_is_a_snapshot() -> None:
    agent = make()
    request = agent.request("start")
    agent.set_variable("shop", "other")
    agent.caller_said("hi")
    agent.goto("sales")
    assert (request.reason, request.scene, len(request.messages), request.variables) == ("start", "main", 1, {})


def test_a_change_of_scene_changes_instructions_and_rules_and_keeps_the_history() -> None:
    agent = make()
    agent.caller_said("hi")
    assert agent.follow_up is not None
    assert agent.follow_up.timeout == 100
    assert agent.goto("sales")
    assert agent.follow_up.timeout == 5000
    request = agent.request()
    assert request.scene == "sales"
    assert "You sell." in request.messages[0].content
    assert [message.content for message in request.messages[1:]] == ["hi"]


def test_a_scene_that_does_not_exist_changes_nothing() -> None:
    agent = make()
    assert not agent.goto("nowhere")
    assert agent.scene.id == "main"


def test_rules_for_silence_without_a_time_are_none() -> None:
    assert make("---\nfollowUp: {timeout: 0, maxCount: 2}\n---\nHi.").follow_up is None
    assert make("---\n{}\n---\nHi.").follow_up is None


def test_the_model_is_told_which_tags_it_may_write_and_which_scenes_there_are() -> None:
    content = make().request().messages[0].content
    assert '<goto scene="sales"/>' in content
    assert '<goto scene="main"/>' not in content
    assert "<hangup/>" in content


def test_ones_own_words_about_tools_replace_ours() -> None:
    agent = make("---\nllm: {toolInstructions: Write nothing.}\n---\nBe nice.")
    assert agent.request().messages[0].content == "Be nice.\n\nWrite nothing."


def test_features_and_collectors_are_explained_to_the_model_in_the_language_of_the_playbook() -> None:
    front = "llm: {language: zh-CN, features: [voice_emotion]}\ndtmfCollectors: {pin: {digits: 4, description: PIN}}"
    content = make(f"---\n{front}\n---\nBe nice.").request().messages[0].content
    assert "### Enhanced Capabilities:" in content
    assert "[happy]" in content
    assert "- pin：PIN（4位数字）" in content


def test_a_feature_that_does_not_exist_is_reported_once_and_left_out() -> None:
    problems: list[str] = []
    playbook = load_text("---\nllm: {features: [telepathy]}\n---\nHi.", name="book", environ={}, trusted=True)
    agent = Agent(playbook, {}, report=problems.append)
    assert "telepathy" not in agent.request().messages[0].content
    agent.request()
    assert len(problems) == 1
    assert "telepathy" in problems[0]


@pytest.mark.parametrize(
    ("text", "language", "apology"),
    [
        ("---\n{}\n---\nBe nice.", "en", "Sorry"),
        ("---\n{}\n---\n你是一个友好的助手。", "zh", "抱歉"),
        ("---\nllm: {language: zh-CN}\n---\nBe nice.", "zh", "抱歉"),
        ("---\nllm: {apology: 'Oops {{ who }}.'}\n---\nBe nice.", "en", "Oops you."),
    ],
)
def test_the_line_for_failures_is_in_the_language_of_the_playbook_or_its_own(text, language, apology) -> None:
    agent = make(text, who="you")
    assert agent.language == language
    assert agent.apology.startswith(apology)


def test_what_the_playbook_says_about_the_model_reaches_it_and_does_not_print() -> None:
    options = make().llm_options
    assert (options.model, options.base_url, options.api_key) == ("m", "http://localhost/v1", "hush")
    assert (options.temperature, options.max_tokens, options.language) == (0.5, 9, "en")
    assert "hush" not in repr(options)
    assert make("---\nscript: {fallback: 'What?'}\n---\nHi.").llm_options.script == {"fallback": "What?"}
