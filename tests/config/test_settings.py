"""What the values mean, and how they are shown."""

import re
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from active_call.config import effect
from active_call.config.schema import json_schema
from active_call.config.settings import Settings

ROOT = Path(__file__).parents[2]
SAMPLE = files("active_call.config").joinpath("sample.toml").read_text("utf-8")


def keys(model: type[BaseModel]) -> set[str]:
    """Of the model and of everything inside it."""
    found = set()
    for name, field in model.model_fields.items():
        found.add(field.alias or name)
        found |= {key for inner in inside(field.annotation) for key in keys(inner)}
    return found


def inside(annotation):
    if isinstance(annotation, type) and not get_args(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from inside(inner)


def test_the_defaults_are_those_of_the_contract():
    settings = Settings()
    assert settings.http_address == ("127.0.0.1", 8080)
    assert settings.sip_address is None
    assert (settings.accept_timeout, settings.graceful_shutdown_timeout) == (50, 30)
    assert (settings.rtp_start_port, settings.rtp_end_port) == (12000, 42000)
    assert settings.playbooks == Path("config/playbook")
    assert not settings.needs_token


def test_settings_alone_read_no_environment(monkeypatch):
    monkeypatch.setenv("HTTP_ADDR", "1.2.3.4:1")
    monkeypatch.setenv("ACTIVE_CALL_HTTP_ADDR", "1.2.3.4:1")
    assert Settings().http_addr == "127.0.0.1:8080"


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("", None),
        ("sip = true", ("0.0.0.0", 25060)),
        ('addr = ""\nudp_port = 0', ("", 0)),
        ("udp_port = 5060", ("0.0.0.0", 5060)),
        ('[handler]\ntype = "webhook"\nurl = "http://h/"', ("0.0.0.0", 25060)),
        ('[[register_users]]\nserver = "s"\nusername = "u"', ("0.0.0.0", 25060)),
        ("sip = false\nudp_port = 5060", None),
    ],
)
def test_sip_is_off_unless_something_asks_for_it(loads, toml, expected):
    assert loads(toml).sip_address == expected


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("127.9.9.9:1", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
    ],
)
def test_loopback_needs_no_token(address, loopback):
    settings = Settings(http_addr=address)
    assert settings.on_loopback is loopback
    assert settings.needs_token is not loopback
    assert Settings(http_addr=address, auth={"mode": "on"}).needs_token
    assert not Settings(http_addr=address, auth="off").needs_token


def test_the_spellings_of_the_reference_are_understood(loads):
    settings = loads(
        'codecs = ["PCMU", "dtmf", "2833"]\nlog_level = "WARN"\n[handler]\ntype = "webhook"\nurls = "http://a/"\n'
        'headers = [["X-Token", "t"]]\n[callrecord]\ntype = "s3"\nvendor = "a_w_s"\nbucket = "b"\nregion = "r"\n'
        'access_key = "a"\nsecret_key = 12345\nendpoint = "https://e/"\nroot = ""\n[[ice_servers]]\nurls = "stun:s:1"\n'
        "[[trunk_rules]]\nrule.match.from.user = '^9'\nrule.rewrite.contact.host = '1.2.3.4'"
    )
    assert settings.codecs == ("pcmu", "telephone_event")
    assert settings.log_level == "warning"
    assert settings.handler.urls == ("http://a/",)
    assert settings.handler.headers[0][1].get_secret_value() == "t"
    assert settings.callrecord.vendor == "aws"
    assert settings.callrecord.secret_key.get_secret_value() == "12345"
    assert settings.ice_servers[0].urls == ("stun:s:1",)
    assert settings.trunk_rules[0].rule.match.from_.user == "^9"


def test_secrets_are_neither_printed_nor_shown_but_known_to_the_log_filter(loads):
    settings = loads(
        'auth = ["hush-1"]\n[handler]\ntype = "webhook"\nurl = "http://u:hush-2@h/x"\nheaders = { A = "hush-3" }\n'
        '[[ice_servers]]\nurls = "turn:t"\ncredential = "hush-4"\n[plugins.x]\napi_key = "hush-5"\n'
        'nested = { list = ["hush-6"] }'
    )
    shown = settings.shown()
    assert "hush" not in str(shown)
    assert shown["auth"]["tokens"] == ["***"]
    assert shown["handler"]["url"] == "http://***@h/x"
    assert shown["handler"]["headers"] == [["A", "***"]]
    assert "hush-1" not in repr(settings.auth)
    assert set(settings.secret_values()) >= {"hush-1", "hush-3", "hush-4", "hush-5"}


def test_keys_without_effect_are_named_in_one_line_when_given(loads):
    assert loads("[limits]\ncalls = 1").without_effect() == ()
    assert effect.warning(()) is None
    given = loads("udp_port = 5060\nsip = false\nhttp_gzip = true\n[recording]\nptime = 100").without_effect()
    assert given == ("sip", "udp_port", "recording.ptime", "http_gzip")
    said = effect.warning(given)
    assert "\n" not in said
    assert "sip, udp_port (there is no SIP in this version); recording.ptime (" in said


def test_the_table_of_what_has_no_effect_names_real_keys():
    for key in effect.WITHOUT_EFFECT:
        assert set(key.split(".")) <= keys(Settings), key


def test_the_schema_describes_keys_by_the_words_beside_them():
    schema = json_schema()
    assert schema["properties"]["http_addr"]["description"] == "Where HTTP and WebSocket clients connect."
    assert schema["$defs"]["Limits"]["properties"]["calls"]["description"].startswith("Calls at a time")
    assert schema["$defs"]["TrunkMatch"]["properties"].keys() == {"from", "to"}
    assert {"type": "string", "enum": ["auto", "on", "off"]} in schema["properties"]["auth"]["anyOf"]


def test_every_key_stands_in_the_sample_and_in_the_reference():
    page = (ROOT / "docs/reference/settings.md").read_text("utf-8")
    for key in keys(Settings) - {"tokens", "mode", "type"}:
        word = re.compile(rf"(?<![\w-]){re.escape(key)}(?![\w-])")
        assert word.search(SAMPLE), f"{key} is not in sample.toml"
        assert word.search(page), f"{key} is not in docs/reference/settings.md"


def test_the_sample_says_nothing_until_a_line_is_uncommented_and_then_all_of_it_is_right(loads, work):
    assert loads(SAMPLE).shown() == Settings().shown()
    uncommented = re.sub(r"(?m)^#(?=\S)", "", SAMPLE)
    (work / "config").mkdir()
    for name in ("hello.md", "support.md", "config/sip.crt", "config/sip.key"):
        (work / name).touch()
    settings = loads(uncommented)
    assert set(settings.model_fields_set) == set(Settings.model_fields)
    default = Settings()
    for key in (
        "http_addr",
        "limits",
        "paths",
        "playbooks",
        "codecs",
        "accept_timeout",
        "rtp_end_port",
        "media_cache_path",
    ):
        assert getattr(settings, key) == getattr(default, key)
