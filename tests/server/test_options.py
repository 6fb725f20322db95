from pathlib import Path

from active_call.config.load import load
from active_call.server.options import ServerOptions, options_from


def options(tmp_path: Path, text: str) -> ServerOptions:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return options_from(load(path, {}, {}, None), pages=Path("static"))


def test_every_option_comes_from_the_settings(tmp_path: Path) -> None:
    made = options(
        tmp_path,
        """
http_addr = "0.0.0.0:8080"
peers = ["h:8080"]
playbooks = "books"
[auth]
mode = "on"
tokens = ["one-token-of-some-length"]
networks = ["10.0.0.0/8"]
origins = ["https://app.example"]
[limits]
message_bytes = 2048
requests_per_s = 5
[recording]
path = "recorders"
[[ice_servers]]
urls = "turn:t"
username = "u"
credential = "hush-hush"
""",
    )
    assert made == ServerOptions(
        auth="on",
        loopback=False,
        tokens=("one-token-of-some-length",),
        networks=("10.0.0.0/8",),
        origins=("https://app.example",),
        requests_per_s=5,
        message_bytes=2048,
        playbooks=Path("books"),
        records=Path("recorders"),
        pages=Path("static"),
        ice_servers=({"urls": ["turn:t"], "username": "u", "credential": "hush-hush", "credential_type": "password"},),
        peers=("h:8080",),
    )
    assert "hush-hush" not in repr(made)
    assert "one-token" not in repr(made)
    assert made.peer_token == "one-token-of-some-length"


def test_the_defaults_are_a_server_on_loopback_without_tokens(tmp_path: Path) -> None:
    made = options(tmp_path, "")
    assert made.loopback
    assert (made.auth, made.tokens, made.peer_token, made.message_bytes) == ("auto", (), None, 1 << 20)
