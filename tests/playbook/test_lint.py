"""What `check` finds."""

from pathlib import Path

import pytest

from active_call.playbook import Severity
from active_call.playbook.lint import check

PROVIDERS = {"asr": ["whisper"], "tts": ["hibari"], "vad": ["silero"], "turn": ["smart-turn"], "llm": ["scripted"]}


def found(text: str, script_check: object = None) -> list[tuple[int, int, str, str]]:
    problems = check(
        text,
        providers=PROVIDERS,
        environ={},
        name="a.md",
        script_check=script_check,  # type: ignore[arg-type]
    )
    return [(problem.line, problem.column, problem.severity[0], problem.problem) for problem in problems]


def playbook(matter: str = "", body: str = "Be kind.") -> str:
    return f"---\nllm: {{ provider: scripted }}\n{matter}\n---\n{body}\n"


def test_a_good_playbook_has_no_problems() -> None:
    body = 'Be kind. Write <goto scene="b"/>, <hangup/> or <b>.\n# Scene: b\n<play file="a.wav"/>\nHi {{ name }}.'
    assert found(playbook("asr: { provider: whisper }\nvad: { type: nop }\neou: { type: smart-turn }", body)) == []


@pytest.mark.parametrize(
    ("matter", "problem"),
    [
        ("asr: { provider: sensevoice }", (3, 8, "e", "no recogniser is called 'sensevoice'")),
        ("tts: { provider: x }", (3, 8, "e", "no voice is called 'x'")),
        ("vad:\n  provider: x", (4, 3, "e", "no voice activity detector is called 'x'")),
        ("eou: { type: x }", (3, 8, "e", "no end-of-turn model is called 'x'")),
        ("greting: x", (3, 1, "w", "greting is not a key here and has no effect")),
        ("greeting: ${X}", (3, 11, "w", "${X} is not set")),
        ("greeting: Hi <refer/>", (3, 1, "e", "greeting: <refer/> is not spoken: to is missing")),
        ("greeting: Hi <b>you", (3, 1, "e", "greeting: <b> is not spoken: not one of the tags of a playbook")),
        ("greeting: Hi {{ you", (3, 1, "e", "greeting is no template: ")),
        ("dtmf: { '1': { action: goto, scene: x } }", (3, 9, "e", "there is no scene 'x'")),
        ("script: { rules: [{ goto: x }] }", (3, 21, "e", "there is no scene 'x'")),
        ("script: { rules: [{ scene: [default, x] }] }", (3, 21, "e", "there is no scene 'x'")),
        ("script: { rules: [{ say: '<goto scene=x>' }] }", (3, 21, "e", "script.rules.0.say: <goto scene=x> is not")),
    ],
)
def test_a_problem_of_the_front_matter_is_found_at_its_place(matter: str, problem: tuple[int, int, str, str]) -> None:
    [only] = found(playbook(matter))
    assert only[:3] == problem[:3]
    assert only[3].startswith(problem[3])


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", (1, 1, "w", "scene 'default' has no prompt")),
        ("Hi\nWrite <goto scene='x'/>.", (6, 7, "e", "there is no scene 'x'")),
        ("Write <refer/>.", (5, 7, "w", "<refer/> would not work: to is missing")),
        ("Write <refer to='x", (5, 7, "w", "<refer to='x would not work: the reply ended within this tag")),
        ("Write <collect type='pin' var='a'/>", (5, 7, "w", "there is no collector 'pin'")),
        ("Hi\n{% if %}", (6, 1, "e", "the prompt is no template")),
        ('Hi\n<dtmf digit="1" action="goto" scene="x"/>', (5, 1, "e", "key 1 leads to no scene 'x'")),
        ("Hi\n<dtmf digit=1>", (6, 1, "e", "<dtmf is no readable tag and stays in the prompt")),
        ("Say <play file='a.wav'/> now", (5, 5, "w", "a.wav is played on entering the scene")),
        ("Hi\n# Scene: b\nB", (7, 1, "w", "nothing leads to scene 'b'")),
    ],
)
def test_a_problem_of_a_scene_is_found_at_its_place(body: str, problem: tuple[int, int, str, str]) -> None:
    [only] = found(playbook(body=body).replace("\n\n---", "\n#\n---"))
    assert only[1:3] == problem[1:3]
    assert only[3].startswith(problem[3])
    if body:
        assert only[0] == problem[0]


@pytest.mark.parametrize(
    ("matter", "body"),
    [
        ("dtmf: { '1': { action: goto, scene: b } }", "A\n# Scene: b\nB"),
        ("", 'A\n<dtmf digit="1" action="goto" scene="b"/>\n# Scene: b\nB'),
        ("", "A <goto scene='c'/>\n# Scene: b\nB\n# Scene: c\n<goto scene='b'/>"),
        ("", "A <goto scene='{{ next }}'/>\n# Scene: b\nB"),
        ("", "A <goto scene='...'/>\n# Scene: b\nB"),
        ("script: { rules: [{ when: a, scene: default, goto: b }] }", "A\n# Scene: b\nB"),
        ("script: { rules: [{ say: '<goto scene=\"b\"/>' }] }", "A\n# Scene: b\nB"),
    ],
)
def test_scenes_that_something_leads_to_are_fine(matter: str, body: str) -> None:
    assert found(playbook(matter, body)) == []


def test_a_rule_of_a_scene_that_is_never_reached_leads_nowhere() -> None:
    matter = "script: { rules: [{ when: a, scene: c, goto: b }] }"
    body = "A\n# Scene: b\nB\n# Scene: c\nC"
    assert [problem[3] for problem in found(playbook(matter, body))] == [
        "nothing leads to scene 'b'",
        "nothing leads to scene 'c'",
    ]


def test_what_the_script_check_says_is_put_at_its_place() -> None:
    lines = ["script.rules[1].when is missing: list the phrases", "script.slots.name has pattern and choices; keep one"]
    matter = "script:\n  rules:\n    - when: a\n    - say: b\n  slots:\n    name: {}"
    assert found(playbook(matter), lambda script: lines) == [
        (6, 7, "e", lines[0]),
        (8, 5, "e", lines[1]),
    ]


def test_without_a_brain_nobody_answers() -> None:
    assert found("---\nasr: { provider: whisper }\n---\nHi") == [(2, 1, "w", "there is no llm, so nobody answers")]
    assert found("---\nrealtime: { provider: openai }\n---\nHi") == []


def test_the_errors_of_loading_are_found_too(tmp_path: Path) -> None:
    assert [line for line, *_ in found("---\ntts: 5\nasr: 7\n---\n")] == [2, 3]
    [problem] = check(tmp_path / "no.md", providers={}, environ={})
    assert (problem.severity, problem.file) == (Severity.ERROR, str(tmp_path / "no.md"))


def test_only_the_kinds_that_are_given_are_checked() -> None:
    assert check(playbook("tts: { provider: x }"), providers={}, environ={}) == []
    [problem] = check(playbook(), providers={"llm": []}, environ={})
    assert problem.remedy == "install a plugin that has it; see `active-call plugins`"
