import pytest

from active_call_whisper.languages import CODES, ENGLISH, parse_language


def test_ninety_nine_languages():
    assert len(CODES) == 99


@pytest.mark.parametrize("tag", [None, "", "auto", "AUTO"])
def test_no_language_means_find_out(tag):
    assert parse_language(tag) is None


@pytest.mark.parametrize("tag", ["en", "en-US", "en_GB", "EN"])
def test_the_region_of_english_does_not_matter(tag):
    assert parse_language(tag) == ENGLISH


@pytest.mark.parametrize("tag", ["zh", "zh-CN", "cmn-Hans-CN"])
def test_chinese_is_written_in_simplified_script(tag):
    language = parse_language(tag)
    assert language.code == "zh"
    assert "简体" in language.prompt
    assert language.fewest_frames == 1500


@pytest.mark.parametrize("tag", ["zh-TW", "zh-Hant", "zh_HK", "yue"])
def test_where_traditional_script_is_written_the_model_is_left_alone(tag):
    language = parse_language(tag)
    assert language.code == "zh"
    assert language.prompt == ""


def test_pieces_of_chinese_are_joined_without_a_space():
    assert parse_language("zh").joint == ""
    assert ENGLISH.joint == " "
