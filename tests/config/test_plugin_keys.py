import pytest

from active_call.config.load import load
from active_call.config.plugin_keys import plugin_problems
from active_call.plugin.keys import SettingsKey

DECLARED = {
    "silero": (SettingsKey(name="engine", choices=("numpy", "onnx")),),
    "whisper": (SettingsKey(name="threads", kind="int"), SettingsKey(name="partials", kind="bool")),
    "hibari": (),
}


def problems(tmp_path, text):
    conf = tmp_path / "config.toml"
    conf.write_text(text, "utf-8")
    settings = load(conf, {}, {}, None)
    return [str(problem) for problem in plugin_problems(settings, DECLARED, DECLARED)]


def test_what_plugins_declare_is_accepted(tmp_path):
    text = '[plugins.silero]\nengine = "onnx"\n[plugins.whisper]\nthreads = 2\npartials = false\n'
    assert problems(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[plugins.silro]\nengine = "onnx"', "no installed plugin has this name"),
        ('[plugins.silero]\nengin = "onnx"', "the plugin has no such key"),
        ('[plugins.silero]\nengine = "cuda"', "numpy, onnx"),
        ('[plugins.whisper]\nthreads = "two"', "must be a whole number"),
        ("[plugins.whisper]\nthreads = true", "must be a whole number"),
        ("[plugins.hibari]\nspeed = 2", "it has none"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_a_remedy(tmp_path, text, said):
    (problem,) = problems(tmp_path, text)
    assert said in problem
    assert "config.toml:" in problem


def test_a_misspelled_key_gets_a_suggestion(tmp_path):
    (problem,) = problems(tmp_path, '[plugins.silero]\nengin = "onnx"')
    assert "engine" in problem.partition(";")[2]
