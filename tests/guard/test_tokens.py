import hmac
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.guard import tokens as module
from active_call.guard.tokens import Admitted, Approach, Authenticator, Denied, TokenStore

TOKENS = ("first-token-of-two", "sécond token")
OPEN = Authenticator(TOKENS, loopback=False)
LOCAL = Authenticator(loopback=True)


def admit(
    gate: Authenticator,
    headers: Mapping[str, str] | None = None,
    *,
    client: str | None = "198.51.100.7",
    query: Mapping[str, str] | None = None,
    websocket: bool = False,
) -> Admitted | Denied:
    headers = {"host": "voice.example", **(headers or {})}
    return gate.admit(Approach(client=client, headers=headers, query=query or {}, websocket=websocket))


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer first-token-of-two"},
        {"authorization": "bearer   first-token-of-two "},
        {"x-api-key": "first-token-of-two"},
        {"authorization": "Basic eDp5", "x-api-key": "sécond token"},
        {"authorization": "Bearer wrong", "x-api-key": "sécond token"},
    ],
)
def test_a_token_opens_the_door(headers: dict[str, str]) -> None:
    result = admit(OPEN, headers)
    assert isinstance(result, Admitted)
    assert result.principal.startswith("token:")
    assert not any(token in result.principal for token in TOKENS)


def test_two_tokens_are_two_principals() -> None:
    first, second = (admit(OPEN, {"x-api-key": token}) for token in TOKENS)
    assert first != second


@pytest.mark.parametrize(
    ("headers", "says", "challenge"),
    [
        ({}, "needed", 'Bearer realm="active-call"'),
        ({"authorization": "Bearer"}, "needed", 'Bearer realm="active-call"'),
        ({"authorization": "Bearer nobody"}, "not known", 'Bearer realm="active-call", error="invalid_token"'),
        ({"x-api-key": "first-token-of-tw"}, "not known", 'Bearer realm="active-call", error="invalid_token"'),
        ({"x-api-key": "\ud800"}, "not known", 'Bearer realm="active-call", error="invalid_token"'),
    ],
)
def test_without_the_right_token_it_is_401(headers: dict[str, str], says: str, challenge: str) -> None:
    result = admit(OPEN, headers)
    assert isinstance(result, Denied)
    assert (result.status, result.headers) == (401, {"WWW-Authenticate": challenge})
    assert says in result.text


def test_a_token_in_the_query_is_for_websockets_alone() -> None:
    assert isinstance(admit(OPEN, query={"token": TOKENS[0]}, websocket=True), Admitted)
    denied = admit(OPEN, query={"token": TOKENS[0]})
    assert isinstance(denied, Denied)
    assert denied.status == 401


def test_every_token_is_compared_and_always_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []

    def watch(a: Any, b: Any) -> bool:
        compared.append((len(a), len(b)))
        return hmac.compare_digest(a, b)

    store = TokenStore(TOKENS)
    monkeypatch.setattr(module, "hmac", SimpleNamespace(compare_digest=watch))
    assert store.principal(TOKENS[0])
    assert store.principal("x") is None
    assert compared == [(32, 32)] * 4


@given(st.text())
def test_no_other_text_is_a_token(text: str) -> None:
    assert (TokenStore(TOKENS).principal(text) is not None) is (text in TOKENS)


def test_an_empty_token_is_nobodys() -> None:
    store = TokenStore([""])
    assert not store
    assert store.principal("") is None


@pytest.mark.parametrize(
    ("mode", "loopback", "required"),
    [
        ("auto", True, False),
        ("auto", False, True),
        ("on", True, True),
        ("on", False, True),
        ("off", True, False),
        ("off", False, False),
    ],
)
def test_when_a_token_is_needed(mode: module.Mode, loopback: bool, required: bool) -> None:
    gate = Authenticator(TOKENS, mode=mode, loopback=loopback)
    assert gate.required is required
    assert isinstance(admit(gate, {"host": "127.0.0.1:8080"}), Denied) is required


def test_an_allowed_network_needs_no_token() -> None:
    gate = Authenticator(loopback=False, networks=["10.0.0.0/8", "fd00::/8"])
    for client in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::1"):
        assert admit(gate, {"host": "10.0.0.1:8080"}, client=client) == Admitted(f"client:{client}")
    for client in ("198.51.100.7", "::ffff:198.51.100.7", None, "testclient", ""):
        assert isinstance(admit(gate, {"host": "10.0.0.1:8080"}, client=client), Denied)


def test_a_name_that_could_be_an_attackers_is_no_way_in_without_a_token() -> None:
    """DNS rebinding: evil.example leads to 127.0.0.1, and the page from there asks its "own" server."""
    for host in ("evil.example:8080", "127.0.0.1.evil.example", "evil.example.", "[::1"):
        denied = admit(LOCAL, {"host": host})
        assert isinstance(denied, Denied)
        assert (denied.status, "auth.origins" in denied.text) == (403, True)
    for host in ("127.0.0.1:8080", "[::1]:8080", "localhost:8080", "voice.localhost", "voice:8080", ""):
        assert isinstance(admit(LOCAL, {"host": host}), Admitted)
    named = Authenticator(loopback=True, origins=["https://voice.example"])
    assert isinstance(admit(named), Admitted)
    assert isinstance(admit(Authenticator(mode="off", loopback=False)), Admitted)
    assert isinstance(admit(OPEN, {"x-api-key": TOKENS[0]}), Admitted)


def test_a_foreign_page_is_refused_even_with_a_token() -> None:
    denied = admit(OPEN, {"x-api-key": TOKENS[0], "origin": "https://evil.example"})
    assert isinstance(denied, Denied)
    assert denied.status == 403
