"""Templates in prompts and greetings."""

import logging

import pytest

from active_call.playbook.render import render, syntax


def test_variables_are_filled_in_and_what_is_undefined_is_empty() -> None:
    assert render("Hi {{ name }}{{ nobody }}{{ a.b.c }}!\n", {"name": "Ada"}) == "Hi Ada!\n"


def test_conditions_and_filters_work() -> None:
    text = "{% if vip %}Dear {{ name | upper }}{% else %}Hello{% endif %}"
    assert render(text, {"vip": "yes", "name": "Ada"}) == "Dear ADA"
    assert render(text, {}) == "Hello"


def test_sip_headers_are_a_dictionary_and_top_level_names_that_shadow_nothing() -> None:
    sip = {"X-Name": "Ada", "session_id": "forged", "City": "Bath"}
    text = '{{ sip["X-Name"] }} {{ City }} {{ session_id }} {{ sip["X-None"] }}.'
    assert render(text, {"session_id": "s1"}, sip=sip) == "Ada Bath s1 ."


def test_hidden_variables_stay_hidden() -> None:
    assert render("[{{ _sip_header_keys }}]", {"_sip_header_keys": "x"}) == "[]"


def test_a_value_is_never_a_template() -> None:
    assert render("{{ name }}", {"name": "{{ secret }}${HOME}", "secret": "x"}) == "{{ secret }}${HOME}"


@pytest.mark.parametrize(
    "text",
    [
        "{{ name ",
        "{% if %}",
        "{{ 1 / 0 }}",
        "{{ X-Name }}",
        "{{ range(9) }}",
        "{% include 'x' %}",
        "{{ items.append(1) }}",
    ],
)
def test_what_cannot_be_rendered_stays_as_it_is_and_is_reported(text: str) -> None:
    problems: list[str] = []
    variables = {"items": [1]}
    assert render(text, variables, report=problems.append) == text
    assert variables == {"items": [1]}
    assert len(problems) == 1


def test_a_template_does_not_reach_into_python() -> None:
    assert render("{{ ''.__class__.__mro__ }}{{ render.__globals__ }}", {"render": render}) == ""


def test_the_report_goes_to_the_log_without_the_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        render("private {{ ", {})
    assert "a template stays as it is written" in caplog.text
    assert "private" not in caplog.text


def test_syntax_says_which_line_is_wrong() -> None:
    assert syntax("a\n{{ b }}") is None
    wrong = syntax("a\n{{ b")
    assert wrong
    assert wrong[0] == 2
