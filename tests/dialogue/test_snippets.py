"""Ready pieces of prompt, and the system prompt put together from them."""

import json
import re
from pathlib import Path

import pytest

from active_call.dialogue.emotion import FAMILIES, Emotion, EmotionSplitter
from active_call.dialogue.json_reply import JsonReply, read_reply
from active_call.dialogue.snippets import FEATURES, LANGUAGES, LARGEST, Snippets, assemble, collector_line
from active_call.playbook.acts import Malformed
from active_call.playbook.grammar import ACTS
from active_call.playbook.model import DtmfCollector
from active_call.playbook.tags import TagParser

TEMPLATES = ("scenes", "collectors")
SUMMARIES = tuple(f"summary_{kind}" for kind in ("rolling", "short", "detailed", "intent", "json"))
ALL = (*FEATURES, *TEMPLATES, *SUMMARIES)
HAN = re.compile(r"[\u3400-\u9fff]")


def found(name: str, language: str) -> str:
    text = Snippets().find(name, language)
    assert text is not None
    return text


# ---------------------------------------------------------------- our texts


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ALL)
def test_every_text_is_there_in_every_language(name: str, language: str) -> None:
    problems: list[str] = []
    text = Snippets(report=problems.append).find(name, language)
    assert text
    assert len(text) > 30
    assert bool(HAN.search(text)) is (language == "zh")
    assert not problems


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_tag_is_shown_to_the_model_and_readable(language: str) -> None:
    prompt = assemble(
        "Be kind.",
        language=language,
        collectors={"pin": DtmfCollector(digits=4)},
        other_scenes=["sales"],
        snippets=Snippets(),
    )
    parser = TagParser()
    pieces = [piece for piece in [*parser.feed(prompt), *parser.close()] if not isinstance(piece, str)]
    assert not [piece for piece in pieces if isinstance(piece, Malformed)]
    assert {re.sub("[^a-z]", "", name) for name in ACTS} == {
        {"SendMessage": "message", "PlayFile": "play"}.get(type(piece).__name__, type(piece).__name__.lower())
        for piece in pieces
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_emotions_shown_to_the_model_are_those_we_know(language: str) -> None:
    shown = [
        item.name
        for item in EmotionSplitter(expected=True).feed(found("voice_emotion", language) + " ")
        if isinstance(item, Emotion)
    ]
    assert shown == list(FAMILIES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_json_shown_to_the_model_is_a_reply_we_can_read(language: str) -> None:
    line = next(line for line in found("http_tool", language).splitlines() if "{" in line)
    reply = read_reply(line)
    assert isinstance(reply, JsonReply)
    assert reply.text
    assert len(reply.requests) == 1
    shape = next(line for line in found("summary_json", language).splitlines() if line.startswith("{"))
    assert {"intent", "summary", "outcome", "sentiment"} <= json.loads(shape).keys()


# ---------------------------------------------------------------- where they come from


def test_a_file_counts_before_a_plugin_and_a_plugin_before_ours(tmp_path: Path) -> None:
    plugins = {"http_tool.en": "plugin http", "context_repair.en": "plugin repair"}
    (tmp_path / "http_tool.en.md").write_text("\ufefffile http\n", "utf-8")
    snippets = Snippets(folders=[tmp_path / "absent", tmp_path], plugins=plugins)
    assert snippets.find("http_tool", "en") == "file http"
    assert snippets.find("context_repair", "en") == "plugin repair"
    assert snippets.find("rolling_summary", "en") == found("rolling_summary", "en")


def test_a_plugin_brings_a_language() -> None:
    problems: list[str] = []
    snippets = Snippets(plugins={"context_repair.fr": "En français."}, report=problems.append)
    assert snippets.find("context_repair", "fr-CA") == "En français."
    assert not problems


@pytest.mark.parametrize("language", ["zh", "zh-CN", "zh_CN", "ZH-hans"])
def test_a_region_is_served_by_its_language(language: str) -> None:
    assert found("context_repair", language) == found("context_repair", "zh")


def test_a_language_that_is_missing_is_english_and_reported_once() -> None:
    problems: list[str] = []
    snippets = Snippets(report=problems.append)
    assert snippets.find("context_repair", "fr") == snippets.find("context_repair", "fr")
    assert snippets.find("context_repair", "fr") == found("context_repair", "en")
    assert problems == ["there is no context_repair.fr.md; the English text is used"]


def test_an_unknown_feature_is_reported_and_skipped() -> None:
    problems: list[str] = []
    prompt = assemble("Hi.", features=["magic"], tools="", snippets=Snippets(report=problems.append))
    assert prompt == "Hi."
    assert problems == ["there is no feature 'magic'; looked for magic.en.md"]


@pytest.mark.parametrize("name", ["../secret", "a/b", "", ".", "a.b", "x" * 65, "..\\a"])
def test_a_name_that_leads_elsewhere_is_no_file(name: str, tmp_path: Path) -> None:
    problems: list[str] = []
    (tmp_path / "secret.en.md").write_text("secret")
    (tmp_path / "features").mkdir()
    assert Snippets(folders=[tmp_path / "features"], report=problems.append).find(name, "en") is None
    assert len(problems) == 1


def test_a_language_that_leads_elsewhere_is_english() -> None:
    assert found("context_repair", "../../en") == found("context_repair", "en")


def test_a_file_that_cannot_be_used_is_reported_and_ours_is_used(tmp_path: Path) -> None:
    problems: list[str] = []
    (tmp_path / "http_tool.en.md").write_bytes(b"\xff\xfe\xff")
    (tmp_path / "context_repair.en.md").write_text("x" * (LARGEST + 1))
    snippets = Snippets(folders=[tmp_path], report=problems.append)
    assert snippets.find("http_tool", "en") == found("http_tool", "en")
    assert snippets.find("context_repair", "en") == found("context_repair", "en")
    assert problems == [
        "http_tool.en.md cannot be read and is not used: UnicodeDecodeError",
        f"context_repair.en.md is larger than {LARGEST} bytes and is not used",
    ]


# ---------------------------------------------------------------- the whole prompt

PLAIN = Snippets(
    plugins={
        **{f"{name}.en": name for name in FEATURES},
        "scenes.en": "Scenes:\n{scenes}",
        "collectors.en": "Collectors:\n{collectors}",
    }
)


def test_the_parts_stand_in_their_order() -> None:
    assert assemble(
        "  You are kind.\n",
        features=["rolling_summary", "context_repair"],
        collectors={"pin": DtmfCollector(digits=4, description="the PIN"), "card": DtmfCollector()},
        other_scenes=["sales", 'a "b"'],
        snippets=PLAIN,
    ) == (
        "You are kind.\n\n"
        "### Enhanced Capabilities:\n- rolling_summary\n- context_repair\n\n"
        "tool_instructions\n\n"
        'Scenes:\n- <goto scene="sales"/>\n- <goto scene="a &quot;b&quot;"/>\n\n'
        "Collectors:\n- card\n- pin: the PIN (4 digits)"
    )


def test_what_is_not_there_leaves_nothing_behind() -> None:
    assert assemble("Hi.", snippets=PLAIN) == "Hi.\n\ntool_instructions"
    assert assemble("", tools="", snippets=PLAIN) == ""


def test_the_authors_tool_instructions_replace_ours_and_collectors_stay() -> None:
    prompt = assemble(
        "Hi.", tools="Write <hangup/>.", other_scenes=["b"], collectors={"pin": DtmfCollector()}, snippets=PLAIN
    )
    assert prompt == "Hi.\n\nWrite <hangup/>.\n\nCollectors:\n- pin"


def test_a_feature_is_told_once_and_the_tags_are_no_feature() -> None:
    prompt = assemble("Hi.", features=["http_tool", "tool_instructions", "http_tool"], snippets=PLAIN)
    assert prompt == "Hi.\n\n### Enhanced Capabilities:\n- http_tool\n\ntool_instructions"


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"digits": 4, "finish_key": "#", "description": "the PIN"}, "- x: the PIN (4 digits, press # to finish)"),
        ({"min_digits": 2, "max_digits": 5}, "- x (2 to 5 digits)"),
        ({"min_digits": 2}, "- x (at least 2 digits)"),
        ({"max_digits": 5}, "- x (at most 5 digits)"),
        ({"finish_key": "*"}, "- x (press * to finish)"),
        ({"description": "a number"}, "- x: a number"),
        ({}, "- x"),
    ],
)
def test_a_collector_is_described_in_a_line(keys: dict[str, object], line: str) -> None:
    assert collector_line("x", DtmfCollector.model_validate(keys), "en") == line


def test_a_collector_is_described_in_chinese() -> None:
    rules = DtmfCollector(digits=4, finish_key="#", description="密码")
    assert collector_line("pin", rules, "zh-CN") == "- pin：密码（4位数字，按#结束）"
