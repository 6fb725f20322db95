"""Scenes, and the settings in their text."""

from active_call.playbook.problems import Severity
from active_call.playbook.scenes import split_scenes


def test_without_headers_there_is_one_scene() -> None:
    scenes, initial, problems = split_scenes("\n\nBe kind.\n", line=4, file="a")
    assert (list(scenes), initial, problems) == (["default"], "default", [])
    assert (scenes["default"].body, scenes["default"].line) == ("Be kind.", 6)


def test_text_before_the_first_header_is_the_default_scene_and_comes_first() -> None:
    scenes, initial, _ = split_scenes("Intro\n# Scene: a\nA\n# Scene: b b \nB", line=1, file="a")
    assert initial == "default"
    assert {scene.id: (scene.body, scene.line) for scene in scenes.values()} == {
        "default": ("Intro", 1),
        "a": ("A", 3),
        "b b": ("B", 5),
    }


def test_without_such_text_the_first_header_comes_first() -> None:
    scenes, initial, _ = split_scenes("\n \n# Scene: z\nZ\n## Scene: no\n# Scenery\n# Scene: a\n", line=1, file="a")
    assert (list(scenes), initial) == (["z", "a"], "z")
    assert scenes["z"].body == "Z\n## Scene: no\n# Scenery"


def test_of_two_scenes_with_one_name_the_last_wins_with_a_warning() -> None:
    scenes, initial, [problem] = split_scenes("# Scene: a\nOne\n# Scene: a\nTwo", line=1, file="f")
    assert (scenes["a"].body, initial) == ("Two", "a")
    assert (problem.line, problem.severity) == (3, Severity.WARNING)


def test_settings_are_read_in_any_form_and_taken_out_of_the_prompt() -> None:
    body = """# Scene: a
<play file='in.wav' />
Say hi.
<DTMF action="goto" digit="1" scene="b"/>
<dtmf digit='*' target="sip:x@y" action='transfer'></dtmf>
<dtmf digit="#" action="hangup">
<followup max="2"
  timeout="9000"/>
Show <refer to="sip:a@b"/> and <playful/>.
"""
    scenes, _, problems = split_scenes(body, line=10, file="f")
    scene = scenes["a"]
    assert problems == []
    assert scene.play == "in.wav"
    assert {key: (act.action, act.scene, act.target) for key, act in scene.dtmf.items()} == {
        "1": ("goto", "b", None),
        "*": ("transfer", None, "sip:x@y"),
        "#": ("hangup", None, None),
    }
    assert scene.follow_up
    assert (scene.follow_up.timeout, scene.follow_up.max_count) == (9000, 2)
    assert scene.body.split() == ["Say", "hi.", "Show", "<refer", 'to="sip:a@b"/>', "and", "<playful/>."]
    assert scene.line == 12
    # What follows keeps its line: the sentence stands in line 18 of the file.
    assert scene.body.split("\n")[18 - 12].startswith("Show")


def test_settings_that_cannot_be_read_are_errors_and_change_nothing() -> None:
    body = (
        '<dtmf digit="1" action="goto"/>\n<dtmf digit="12" action="hangup"/>\n  <dtmf action="hangup"/>\n'
        '<followup timeout="soon" max="1"/>\n<dtmf digit=1 action=hangup>'
    )
    scenes, _, problems = split_scenes(body, line=3, file="f")
    assert scenes["default"].dtmf == {}
    assert scenes["default"].follow_up is None
    assert scenes["default"].body == "<dtmf digit=1 action=hangup>"
    places = [(problem.line, problem.column, problem.severity) for problem in problems]
    assert sorted(places) == [
        (line, column, Severity.ERROR) for line, column in [(3, 1), (4, 1), (5, 3), (6, 1), (7, 1)]
    ]
    assert "action goto needs scene" in problems[0].problem


def test_a_play_tag_that_was_meant_for_the_model_is_warned_of() -> None:
    body = 'Play it with <play file="x.wav"/> when asked.\n<play file="y.wav"/>'
    scenes, _, problems = split_scenes(body, line=1, file="f")
    assert scenes["default"].play == "x.wav"
    assert "play" not in scenes["default"].body
    assert [(problem.line, problem.column, problem.severity) for problem in problems] == [
        (1, 14, Severity.WARNING),
        (2, 1, Severity.WARNING),
    ]
