"""Sources, their order, and what is said when something is wrong."""

from pathlib import Path

import pytest

from active_call.config.load import load
from active_call.config.problems import ConfigError
from active_call.config.sources import environment


def wrong(loads, *args, **more) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        loads(*args, **more)
    return str(refused.value).splitlines()


# ---------------------------------------------------------------- order


def test_each_source_wins_over_the_one_below(loads):
    toml, dotenv = "[limits]\ncalls = 2\nmessage_bytes = 2048\n", "ACTIVE_CALL_LIMITS__CALLS=3\n"
    env, cli = {"ACTIVE_CALL_LIMITS__CALLS": "4"}, {"limits": {"calls": 5}}
    assert loads().limits.calls == 1000
    assert loads(toml).limits.calls == 2
    assert loads(toml, dotenv=dotenv).limits.calls == 3
    assert loads(toml, dotenv=dotenv, env=env).limits.calls == 4
    last = loads(toml, dotenv=dotenv, env=env, cli=cli)
    assert (last.limits.calls, last.limits.message_bytes) == (5, 2048)


def test_every_value_knows_where_it_was_given(loads):
    settings = loads(
        '\nhttp_addr = "127.0.0.1:1"\n[limits]\ncalls = 2',
        dotenv="# x\nexport ACTIVE_CALL_LOG_LEVEL=debug",
        env={"ACTIVE_CALL_AUTH__TOKENS": "a,b"},
        cli={"udp_port": 5060},
    )
    origin = settings.origins.of
    assert str(origin(("http_addr",))) == "config.toml:2:1"
    assert str(origin(("limits", "calls"))) == "config.toml:4:1"
    assert str(origin(("log_level",))) == ".env:2 ACTIVE_CALL_LOG_LEVEL"
    assert str(origin(("auth", "tokens"))) == "environment ACTIVE_CALL_AUTH__TOKENS"
    assert str(origin(("udp_port",))) == "command line --sip"
    assert origin(("accept_timeout",)) is None


def test_a_value_that_was_replaced_does_not_leave_its_origin_behind(loads):
    settings = loads('codecs = ["pcmu", "pcma"]', env={"ACTIVE_CALL_CODECS": "opus"})
    assert settings.codecs == ("opus",)
    assert str(settings.origins.of(("codecs", 0))) == "environment ACTIVE_CALL_CODECS"


def test_a_handler_of_the_command_line_replaces_the_whole_one_of_the_file(loads, work):
    (work / "a.md").touch()
    toml = '[handler]\ntype = "playbook"\n[[handler.rules]]\nplaybook = "a.md"'
    assert loads(toml, cli={"handler": {"type": "playbook", "default": "a.md"}}).handler.rules == ()
    assert loads(toml, cli={"handler": {"type": "webhook", "url": "http://h/"}}).handler.url == "http://h/"


def test_auth_can_be_switched_off_over_a_table_and_back(loads):
    assert loads('[auth]\ntokens = ["t"]', env={"ACTIVE_CALL_AUTH": "off"}).auth.mode == "off"
    back = loads('auth = "off"', env={"ACTIVE_CALL_AUTH__TOKENS": '["t,u", "v"]'})
    assert back.auth.mode == "auto"
    assert [token.get_secret_value() for token in back.auth.tokens] == ["t,u", "v"]


def test_both_spellings_mean_one_key_even_across_sources(loads):
    settings = loads("[ambiance]\nduckLevel = 0.2\nnormal_level = 0.4", env={"ACTIVE_CALL_AMBIANCE__DUCK_LEVEL": "0.5"})
    assert (settings.ambiance.duck_level, settings.ambiance.normal_level) == (0.5, 0.4)


def test_the_keys_of_plugins_and_headers_stay_as_they_are(loads):
    settings = loads(
        '[plugins.smart_turn]\nmaxWait = 3\n[callrecord]\ntype = "http"\nurl = "https://h/"\n'
        'headers = { X-ApiKey = "k" }',
        env={"ACTIVE_CALL_PLUGINS__SMART_TURN__WORKERS": "2", "ACTIVE_CALL_PLUGINS__SMART_TURN__NAME": "x"},
    )
    assert settings.plugin("smart-turn") == settings.plugin("smart_turn") == {"maxWait": 3, "workers": 2, "name": "x"}
    assert settings.callrecord.headers[0][0] == "X-ApiKey"
    assert settings.plugin("absent") == {}


def test_the_variables_of_the_reference_mean_settings_and_ours_win(loads):
    borrowed = {"OFFLINE_MODELS_DIR": "m", "RUST_LOG": "ort=warn,debug"}
    assert loads(env=borrowed).models_dir == Path("m")
    assert loads(env=borrowed).log_level == "debug"
    assert loads(env={**borrowed, "ACTIVE_CALL_MODELS_DIR": "n"}).models_dir == Path("n")


def test_variables_of_an_orchestrator_and_empty_ones_are_left_alone(loads):
    env = {
        "ACTIVE_CALL_PORT": "tcp://10.0.0.1:8080",
        "ACTIVE_CALL_PORT_8080_TCP_ADDR": "10.0.0.1",
        "ACTIVE_CALL_SERVICE_HOST": "10.0.0.1",
        "ACTIVE_CALL_LOAD_PLUGINS": "silero",
        "ACTIVE_CALL_LOG_FILE": "",
    }
    assert loads(env=env).shown() == loads().shown()


def test_plugins_see_the_dotenv_file_under_the_environment(work):
    (work / ".env").write_text("A=file\nB='quoted # text'\nBARE\n")
    assert environment({"A": "process"}, Path(".env")) == {"A": "process", "B": "quoted # text"}
    assert environment({"A": "process"}, Path("absent")) == {"A": "process"}


# ---------------------------------------------------------------- problems


def test_all_problems_are_said_at_once_each_with_place_key_and_remedy(loads):
    said = wrong(
        loads,
        'htp_addr = "x"\nudp_port = "x"\naccept_timeout = "soon"\ncodecs = ["pcmu",\n "opsu"]\n'
        '[handler]\ntype = "webhok"\n'
        '[recording]\nformat = "mp4"\nptimes = 3\n',
        env={"ACTIVE_CALL_LIMITS__CALLS": "many", "ACTIVE_CALL_AUTH__TOKNES": "x"},
        dotenv="ACTIVE_CALL_HTTP_GZIP=perhaps",
        cli={"http_addr": "nonsense"},
    )
    assert said == [
        ".env:1 ACTIVE_CALL_HTTP_GZIP: http_gzip: must be true or false, not 'perhaps'",
        "command line --http: http_addr: 'nonsense' is not an address and a port; "
        "write it as `127.0.0.1:8080` or `[::1]:8080`",
        "config.toml:1:1: htp_addr: unknown key; did you mean `http_addr`?",
        "config.toml:2:1: udp_port: must be a whole number, not 'x'",
        "config.toml:3:1: accept_timeout: 'soon' is not a duration; "
        "write it as `50s`, `500ms`, `2m` or a number of seconds",
        "config.toml:5:2: codecs[1]: unknown codec 'opsu'; did you mean `opus`?",
        "config.toml:6:1: handler: `type` must be 'webhook', 'playbook', not 'webhok'; did you mean `webhook`?",
        "config.toml:9:1: recording.format: must be 'wav', 'pcm', 'pcmu', 'pcma' or 'g722', not 'mp4'",
        "config.toml:10:1: recording.ptimes: unknown key; did you mean `ptime`?",
        "environment ACTIVE_CALL_AUTH__TOKNES: auth.toknes: unknown key; did you mean `tokens`?",
        "environment ACTIVE_CALL_LIMITS__CALLS: limits.calls: must be a whole number, not 'many'",
    ]


def test_problems_carry_their_parts(loads):
    with pytest.raises(ConfigError) as refused:
        loads("\n  htp_addr = 1")
    (problem,) = refused.value.problems
    assert (problem.origin.source, problem.origin.line, problem.origin.column) == ("config.toml", 2, 3)
    assert (problem.key, problem.problem, problem.suggestion) == (
        "htp_addr",
        "unknown key",
        "did you mean `http_addr`?",
    )


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("addr = \nx", "config.toml:1:8: addr: not TOML: invalid value"),
        ("a = 1\na = 2", "config.toml:2: a: not TOML: cannot overwrite a value"),
        ('a = "', "config.toml:1: a: not TOML: "),
        ('[handler]\ntype = "playbook"', "config.toml:1:1: handler: a playbook handler needs `default` or `rules`"),
        ("[handler]\nx = 1", 'config.toml:1:1: handler: has no `type`; add `type`: "webhook", "playbook"'),
        ('[[register_users]]\nserver = "s"', "config.toml:1:1: register_users[0].username: is missing"),
        ("limits = 5", "config.toml:1:1: limits: must be a table"),
        ("tls_port = 5061", "config.toml:1:1: tls_port: it needs `tls_cert_file` and `tls_key_file`"),
        ("x = 1\nrtp_start_port = 9\nrtp_end_port = 8", "config.toml:1:1: x: unknown key"),
        ("rtp_start_port = 9\nrtp_end_port = 8", "config.toml:2:1: rtp_end_port: it is lower than"),
        ("[ambiance]\nduckLevel = 1\nduck_level = 1", "config.toml:3:1: ambiance.duck_level: is given twice"),
        (
            "[[trunk_rules]]\nrule.match.from.user = '('",
            "config.toml:2:1: trunk_rules[0].rule.match.from.user: '(' is not",
        ),
        ("external_ip = 'home'", "config.toml:1:1: external_ip: 'home' is not an IP address"),
        ("auth = 'of'", "config.toml:1:1: auth: must be 'auto', 'on' or 'off', not 'of'; did you mean `off`?"),
        ("[outbound]\nallow = ['a b']", "config.toml:2:10: outbound.allow[0]: 'a b' is not a host or a network"),
        ("peers = {}", "config.toml:1:1: peers: must be a list"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(loads, toml, said):
    assert wrong(loads, toml)[0].startswith(said)


def test_a_file_that_cannot_be_read_stops_the_start(work):
    (work / "latin.toml").write_bytes(b'a = 1\nuseragent = "\xe9"\n')
    for name, said in (
        ("none.toml", "none.toml: cannot be read: No such file"),
        ("latin.toml", "latin.toml:2: it is not UTF-8"),
    ):
        with pytest.raises(ConfigError, match=said):
            load(Path(name), {}, {}, None)


def test_no_secret_reaches_the_text_of_a_problem(loads):
    toml = '[auth]\ntokens = [["hush-1"]]\n[handler]\ntype = "webhook"\nurl = "htp://u:hush-2@h/"\n'
    toml += 'headers = { A = ["hush-3"] }\n[callrecord]\ntype = "s3"\nsecret_key = ["hush-4"]\n'
    toml += '[[register_users]]\ncredential = { password = ["hush-5"] }\n'
    said = wrong(loads, toml, env={"ACTIVE_CALL_ICE_SERVERS": '{"credential": "hush-6"'})
    assert len(said) > 5
    assert "hush" not in "".join(said)


# ---------------------------------------------------------------- the machine


def test_a_playbook_that_is_named_must_be_there(loads, work):
    toml = '[handler]\ntype = "playbook"\ndefault = "a.md"\n[[handler.rules]]\nplaybook = "b.md"'
    assert wrong(loads, toml) == [
        "config.toml:3:1: handler.default: there is no playbook 'a.md'; "
        "write config/playbook/a.md, or name one that is there",
        "config.toml:5:1: handler.rules[0].playbook: there is no playbook 'b.md'; "
        "write config/playbook/b.md, or name one that is there",
    ]
    (work / "config/playbook").mkdir(parents=True)
    (work / "config/playbook/a.md").touch()
    (work / "b.md").touch()
    settings = loads(toml)
    assert settings.playbook_path("a.md") == Path("config/playbook/a.md")
    assert settings.playbook_path("b.md") == Path("b.md")


def test_certificates_must_be_there(loads):
    said = wrong(loads, 'tls_port = 5061\ntls_cert_file = "c.pem"\ntls_key_file = "k.pem"')
    assert said[0] == "config.toml:2:1: tls_cert_file: there is no file 'c.pem'; name a PEM file"


@pytest.mark.parametrize("auth", ['auth = "off"', 'auth = ["t"]', '[auth]\nnetworks = "10.0.0.0/8"'])
def test_a_server_that_others_can_reach_says_who_may(loads, auth):
    (said,) = wrong(loads, 'http_addr = "0.0.0.0:8080"')
    assert said.startswith("config.toml:1:1: http_addr: 0.0.0.0:8080 needs a token")
    assert "ACTIVE_CALL_AUTH__TOKENS" in said
    assert loads(f'http_addr = "0.0.0.0:8080"\n{auth}')
