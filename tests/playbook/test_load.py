"""From text to a playbook, and the errors on the way."""

from pathlib import Path

import pytest

from active_call.playbook import PlaybookError, Severity, Strategy, load_file, load_text
from active_call.playbook.model import Playbook


def load(text: str, *, trusted: bool = True, **environ: str) -> Playbook:
    return load_text(text, name="a.md", environ=environ, trusted=trusted)


def refused(text: str, **environ: str) -> PlaybookError:
    with pytest.raises(PlaybookError) as caught:
        load(text, **environ)
    return caught.value


FULL = """---
asr: { provider: aliyun, language: zh, apiKey: k1 }
tts: { provider: aliyun, speaker: 101001, speed: 1.2 }
vad: { provider: silero }
eou: { type: smart-turn }
llm:
  provider: aliyun
  model: qwen
  base_url: https://h/v1
  apiKey: k2
  features: [rolling_summary]
  repair_window_ms: 1000
  temperature: 0.3
  maxTokens: 200
  apology: Sorry.
  greeting: Not this one.
greeting: Hello {{ name }}.
interruption: { strategy: none, min_speech_ms: 300, fillerWordFilter: true }
dtmf:
  1: { action: goto, scene: b }
  "*": { action: transfer, target: "sip:x@y" }
  "#": { action: hangup }
dtmf_collectors:
  pin: { digits: 4, finish_key: "#", validation: { pattern: "^\\\\d+$", error_message: Digits. } }
followup: { timeout: 9000, max: 2 }
posthook: { url: "https://h/hook", include_history: false, timeout: 5 }
sip: { extractHeaders: [X-Name], hangup_headers: { X-A: "{{ a }}" }, password: 1234 }
ambiance: { path: office.wav, duckLevel: 0.2 }
recorder: { recorderFile: "call_{id}.wav" }
realtime: { provider: openai, turn_detection: { type: server_vad } }
denoise: true
extra: { shop: 7 }
script: { rules: [] }
---
You are here.
"""


def test_every_key_is_read_in_either_spelling() -> None:
    playbook = load(FULL)
    config = playbook.config
    assert playbook.problems == ()
    assert config.llm
    assert (config.llm.base_url, config.llm.repair_window_ms, config.llm.max_tokens) == ("https://h/v1", 1000, 200)
    assert config.interruption.strategy is Strategy.NONE
    assert (config.interruption.min_speech_ms, config.interruption.ignore_first_ms) == (300, 800)
    assert {key: action.action for key, action in config.dtmf.items()} == {"1": "goto", "*": "transfer", "#": "hangup"}
    assert config.dtmf_collectors["pin"].finish_key == "#"
    assert config.follow_up
    assert (config.follow_up.timeout, config.follow_up.max_count) == (9000, 2)
    assert config.posthook
    assert config.posthook.include_history is False
    assert config.sip
    assert config.sip.extract_headers == ["X-Name"]
    assert config.realtime
    assert config.realtime.turn_detection == {"type": "server_vad"}
    assert config.script == {"rules": []}
    assert playbook.greeting == "Hello {{ name }}."
    assert (playbook.initial, playbook.scenes["default"].body) == ("default", "You are here.")


def test_the_call_option_has_the_key_of_the_same_vendor_where_none_is_written() -> None:
    option = load(FULL).config.call_option()
    assert option.asr
    assert option.asr.secret_key
    assert option.asr.secret_key.get_secret_value() == "k1"
    assert option.tts
    assert option.tts.secret_key
    assert option.tts.secret_key.get_secret_value() == "k2"
    assert option.realtime
    assert option.realtime.secret_key is None
    assert option.vad
    assert option.vad.type == "silero"
    assert option.extra == {"shop": "7"}
    assert option.recorder


def test_secrets_do_not_print() -> None:
    assert "k2" not in repr(load(FULL).config)


def test_a_playbook_needs_only_its_dashes() -> None:
    playbook = load("---\n---\n")
    assert list(playbook.scenes) == ["default"]
    assert playbook.config.interruption.strategy is Strategy.BOTH
    assert playbook.greeting is None


@pytest.mark.parametrize("before", ["\ufeff", "\n\n", "\ufeff\n \n", " \t\n"])
def test_a_byte_order_mark_and_blank_lines_may_stand_before_the_dashes(before: str) -> None:
    playbook = load(f"{before}---\ngreeting: Hi\n---\n# Scene: a\nBody\n")
    assert playbook.greeting == "Hi"
    assert playbook.scenes["a"].line == before.count("\n") + 5


def test_windows_line_ends_are_fine() -> None:
    playbook = load("---\r\ngreeting: Hi\r\n---\r\n# Scene: a\r\nBody\r\nmore\r\n")
    assert (playbook.scenes["a"].body, playbook.scenes["a"].line) == ("Body\nmore", 5)


def test_dashes_below_the_front_matter_are_prompt() -> None:
    assert load("---\ngreeting: a---b\n---\nOne\n\n---\n\nTwo").scenes["default"].body == "One\n\n---\n\nTwo"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "there is no front matter"),
        ("\n\nHello\n---\na: b\n---\n", 3, "there is no front matter"),
        ("\n---\ngreeting: Hi\n", 2, "the front matter does not end"),
        ("---\n- a\n---\n", 2, "the front matter is no mapping"),
        ("---\nasr:\n  language: en: zh\n---\n", 3, "the front matter is no YAML: mapping values are not allowed here"),
        ("---\nasr:\n\tlanguage: en\n---\n", 3, "the front matter is no YAML: while scanning for the next token"),
        ("---\ngreeting: a\ndtmf:\n  *: x\n---\n", 4, "the front matter is no YAML: while scanning an alias"),
        ("---\ngreeting: 2024-13-01\n---\n", 2, "the front matter cannot be read: month must be in 1..12"),
        ("---\nx: " + "[" * 2000 + "\n---\n", 2, "the front matter cannot be read: it is nested too deeply"),
        ("---\nx: &a [*a]\n---\n", 2, "the front matter is no YAML: it has more than 20000 values"),
    ],
)
def test_what_cannot_be_parsed_says_where_and_why(text: str, line: int, problem: str) -> None:
    error = refused(text)
    assert error.problem.startswith(problem)
    assert (error.file, error.line) == ("a.md", line)
    assert error.remedy
    assert str(error).startswith(f"a.md:{line}:")


def test_a_few_aliases_cannot_stand_for_billions() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert "20000 values" in refused("---\n" + "\n".join(lines) + "\n---\n").problem


@pytest.mark.parametrize(
    ("matter", "line", "column", "key", "problem"),
    [
        ("tts:\n  speed: quick", 3, 3, "tts.speed", "tts.speed should be a valid number"),
        ("tts: 5", 2, 1, "tts", "tts should be a mapping"),
        ("greeting: [a]", 2, 1, "greeting", "greeting should be a valid string"),
        ("\n\nfollow_up: { timeout: 5 }", 4, 1, "follow_up.maxCount", "is missing"),
        ("llm:\n  max_tokens: 0", 3, 3, "llm.max_tokens", "should be greater than 0"),
        ("interruption: {strategy: sometimes}", 2, 16, "strategy", "should be 'both', 'vad', 'asr' or 'none'"),
        ("dtmf:\n  '1': {action: goto}", 3, 3, "dtmf.1", "action goto needs scene"),
        ("dtmf:\n  x: {action: hangup}", 2, 1, "dtmf", "'X' is no key of a telephone"),
        ("llm:\n  features:\n  - a\n  - [b]", 5, 5, "llm.features.1", "should be a valid string"),
        ("dtmfCollectors: {a: {validation: {pattern: '('}}}", 2, 35, "pattern", "not a regular expression"),
    ],
)
def test_an_invalid_value_is_named_by_its_key_and_place(
    matter: str, line: int, column: int, key: str, problem: str
) -> None:
    error = refused(f"---\n{matter}\n---\n")
    assert problem in error.problem
    assert error.key.endswith(key)
    assert (error.line, error.column) == (line, column)
    assert error.remedy


def test_all_invalid_values_are_found_at_once_and_none_is_shown() -> None:
    error = refused("---\nllm:\n  apiKey: [topsecret]\ntts:\n  speed: topsecret\n---\n")
    assert [problem.line for problem in error.problems] == [3, 5]
    assert "topsecret" not in "".join(map(str, error.problems))


def test_unknown_keys_are_warnings_that_guess_what_was_meant() -> None:
    playbook = load("---\ngreting: Hi\nasr:\n  langauge: en\ninterruption:\n  fillerWords: true\nxyz: 1\n---\n")
    assert [(problem.line, problem.key, problem.severity) for problem in playbook.problems] == [
        (2, "greting", Severity.WARNING),
        (4, "asr.langauge", Severity.WARNING),
        (6, "interruption.fillerWords", Severity.WARNING),
        (7, "xyz", Severity.WARNING),
    ]
    remedies = [problem.remedy for problem in playbook.problems]
    assert remedies[:3] == ["did you mean greeting?", "did you mean language?", "did you mean fillerWordFilter?"]
    assert "docs/reference/playbook.md" in remedies[3]


def test_a_key_that_stands_twice_is_a_warning() -> None:
    playbook = load("---\ngreeting: a\ngreeting: b\nfollowUp: &f {timeout: 1, maxCount: 1}\nfollow_up: *f\n---\n")
    assert [(problem.line, problem.problem) for problem in playbook.problems] == [
        (3, "greeting is set twice"),
        (5, "follow_up is set twice"),
    ]


def test_the_environment_fills_values_after_yaml_was_read() -> None:
    text = """---
tts: { speed: ${SPEED}, subtitle: ${ON}, appId: ${APP}, speaker: "${APP}" }
llm: { provider: openai, apiKey: "${KEY}", baseUrl: "https://${HOST}/v1", extra: { n: "${APP}", m: ${APP}, z: ${ZIP} } }
greeting: ${EVIL}
---
Hi ${SPEED}
"""
    evil = "x\nasr: { provider: evil }"
    playbook = load(text, SPEED="1.5", ON="true", APP="1300", KEY="0123", HOST="h", EVIL=evil, ZIP="0099")
    config = playbook.config
    assert config.tts
    assert config.llm
    assert config.llm.api_key
    assert (config.tts.speed, config.tts.subtitle, config.tts.app_id, config.tts.speaker) == (1.5, True, "1300", "1300")
    assert (config.llm.api_key.get_secret_value(), config.llm.base_url) == ("0123", "https://h/v1")
    assert config.llm.extra == {"n": "1300", "m": 1300, "z": "0099"}
    assert (config.asr, config.greeting) == (None, evil)
    assert playbook.scenes["default"].body == "Hi ${SPEED}"
    assert playbook.problems == ()


def test_what_the_environment_does_not_have_stays_as_it_is_with_a_warning() -> None:
    playbook = load("---\nllm:\n  apiKey: ${NO_KEY}\nextra: { ${K}: ${V} }\n---\n", V="v", K="k")
    assert playbook.config.extra == {"${K}": "v"}
    assert playbook.config.llm
    assert playbook.config.llm.api_key
    assert playbook.config.llm.api_key.get_secret_value() == "${NO_KEY}"
    [problem] = playbook.problems
    assert (problem.line, problem.column, problem.problem) == (3, 11, "${NO_KEY} is not set")


def test_a_playbook_that_is_not_trusted_does_not_see_the_environment() -> None:
    playbook = load("---\ngreeting: ${HOME}\n---\n", trusted=False, HOME="secret")
    assert playbook.greeting == "${HOME}"
    assert "may not read the environment" in playbook.problems[0].problem


def test_the_language_is_what_is_written_or_what_the_scenes_are_written_in() -> None:
    assert load("---\n---\nYou are kind.").language == "en"
    assert load("---\n---\n你是一位 very 友好的前台。").language == "zh"
    assert load("---\nllm: {language: fr}\n---\n你好").language == "fr"


def test_a_file_is_trusted_and_gives_the_playbook_its_name(tmp_path: Path) -> None:
    path = tmp_path / "shop.md"
    path.write_bytes("\ufeff---\ngreeting: ${HI}\n---\nBody".encode())
    playbook = load_file(path, environ={"HI": "Hello"})
    assert (playbook.name, playbook.source, playbook.trusted, playbook.greeting) == ("shop.md", path, True, "Hello")


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="cannot be read: No such file"):
        load_file(tmp_path / "no.md", environ={})
    (tmp_path / "latin.md").write_bytes(b"---\n---\n\xe9")
    with pytest.raises(PlaybookError, match="no UTF-8"):
        load_file(tmp_path / "latin.md", environ={})


def test_a_playbook_has_a_largest_size() -> None:
    assert "too long" in refused("---\n---\n" + "x" * 1_000_001).problem
