import pytest

from active_call.guard.origins import Origins

OURS = Origins(["https://app.example", "http://localhost:3000/"])


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("voice.example", "https://voice.example"),
        ("voice.example", "http://voice.example"),
        ("voice.example:443", "https://voice.example"),
        ("Voice.Example", "https://voice.example"),
        ("voice.example", "https://app.example"),
        ("voice.example", "https://app.example:443"),
        ("voice.example", "http://localhost:3000"),
    ],
)
def test_own_pages_and_named_ones_may(host: str, origin: str) -> None:
    assert OURS.problem({"host": host, "origin": origin}) is None


@pytest.mark.parametrize(
    ("origin", "says"),
    [
        ("https://evil.example", "evil.example"),
        ("https://app.example:8443", "app.example:8443"),
        ("http://app.example", "http://app.example"),
        ("https://xapp.example", "xapp"),
        ("https://app.example.evil.example", "evil"),
        ("http://voice.example:8080", ":8080"),
        ("null", "without an origin"),
        ("", "without an origin"),
        ("file://", "without an origin"),
        ("chrome-extension://abc", "without an origin"),
        ("http://[", "without an origin"),
    ],
)
def test_other_pages_may_not(origin: str, says: str) -> None:
    assert says in (OURS.problem({"host": "voice.example", "origin": origin}) or "")


def test_what_is_no_browser_passes() -> None:
    assert OURS.problem({"host": "voice.example", "user-agent": "curl"}) is None


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "none", "referer": "https://evil.example/"}, True),
        ({"referer": "https://evil.example/page"}, False),
        ({"referer": "http://voice.example/console"}, True),
        ({"referer": "https://app.example/"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "https://app.example"}, True),
    ],
)
def test_an_image_or_link_on_a_foreign_page_cannot_end_a_call(headers: dict[str, str], passes: bool) -> None:
    """GET /kill from an <img>: no Origin header."""
    assert (OURS.problem({"host": "voice.example", **headers}) is None) is passes


@pytest.mark.parametrize("origin", ["app.example", "*", "https://app.example/path", "ftp://a", ""])
def test_an_origin_that_is_none_is_an_error(origin: str) -> None:
    with pytest.raises(ValueError, match="write it as"):
        Origins([origin])
