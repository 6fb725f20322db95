import pytest

from active_call.builtin.openai_chat.endpoint import find_endpoint
from active_call.plugin import ErrorKind, ProviderError
from active_call.plugin.values import LlmOptions

ENVIRON = {"OPENAI_API_KEY": "env-key", "OPENAI_BASE_URL": "https://gateway.example/a/v1", "OPENAI_MODEL": "env-model"}


@pytest.mark.parametrize(
    ("base", "url"),
    [
        (None, "https://api.openai.com/v1/chat/completions"),
        ("http://127.0.0.1:11434/v1/", "http://127.0.0.1:11434/v1/chat/completions"),
        ("https://x.example/v1/chat/completions", "https://x.example/v1/chat/completions"),
        ("https://x.example/openai?api-version=1", "https://x.example/openai/chat/completions?api-version=1"),
        (" https://x.example ", "https://x.example/chat/completions"),
    ],
)
def test_the_suffix_is_added_unless_it_is_there(base: str | None, url: str) -> None:
    assert str(find_endpoint(LlmOptions(base_url=base), {}).url) == url


def test_the_environment_fills_what_the_options_leave_open() -> None:
    endpoint = find_endpoint(LlmOptions(), ENVIRON)
    assert str(endpoint.url) == "https://gateway.example/a/v1/chat/completions"
    assert (endpoint.model, endpoint.api_key) == ("env-model", "env-key")
    assert find_endpoint(LlmOptions(model="mine"), ENVIRON).model == "mine"
    assert find_endpoint(LlmOptions(), {"OPENAI_BASE_URL": " ", "OPENAI_API_KEY": ""}).vendor


@pytest.mark.parametrize(
    "base",
    [
        "https://api.openai.com/v1",
        "https://API.openai.com:443/v1",
        "https://eu.api.openai.com/v1",
        "https://gateway.example/a/v1/",
        "https://gateway.example/a/v1/chat/completions",
    ],
)
def test_the_environments_key_goes_to_its_own_endpoints(base: str) -> None:
    assert find_endpoint(LlmOptions(base_url=base), ENVIRON).api_key == "env-key"


@pytest.mark.parametrize(
    "base",
    [
        "http://api.openai.com/v1",
        "https://api.openai.com:8443/v1",
        "https://api.openai.com.evil.example/v1",
        "https://api.openai.com@evil.example/v1",
        "https://evilapi.openai.com.example/v1",
        "https://gateway.example/b/v1",
        "http://gateway.example/a/v1",
        "https://gateway.example:444/a/v1",
        "http://127.0.0.1:11434/v1",
    ],
)
def test_the_environments_key_goes_nowhere_else(base: str) -> None:
    assert find_endpoint(LlmOptions(base_url=base), ENVIRON).api_key is None
    assert find_endpoint(LlmOptions(base_url=base, api_key="own"), ENVIRON).api_key == "own"


@pytest.mark.parametrize("base", ["localhost:11434", "ftp://x.example", "http://", "/v1", "http://x.example:port/v1"])
def test_a_base_url_that_is_none_is_told(base: str) -> None:
    with pytest.raises(ProviderError, match=r"llm\.baseUrl") as caught:
        find_endpoint(LlmOptions(base_url=base), {})
    assert caught.value.kind is ErrorKind.BAD_REQUEST


def test_neither_key_nor_user_info_nor_query_is_shown() -> None:
    options = LlmOptions(base_url="https://me:secret@x.example:8/v1?key=secret", api_key="secret")
    endpoint = find_endpoint(options, {})
    assert endpoint.shown == "https://x.example:8/v1/chat/completions"
    assert "secret" not in repr(endpoint).replace(str(endpoint.url), "").replace(repr(endpoint.url), "")
