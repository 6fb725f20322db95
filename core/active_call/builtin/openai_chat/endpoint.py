"""Where a chat request goes and with which key: a key from the environment only goes to the endpoint it belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from active_call.plugin import ErrorKind, ProviderError
from active_call.plugin.values import LlmOptions

VENDOR_BASE_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-4o-mini"
_SUFFIX = "/chat/completions"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    url: httpx.URL
    model: str
    api_key: str | None = field(repr=False)
    vendor: bool
    """OpenAI's own."""

    @property
    def shown(self) -> str:
        """For messages: without user info and query, which may hold secrets."""
        port = f":{self.url.port}" if self.url.port else ""
        return f"{self.url.scheme}://{self.url.host}{port}{self.url.path}"


def find_endpoint(options: LlmOptions, environ: Mapping[str, str]) -> Endpoint:
    """Raises `ProviderError(bad_request)` for a base URL that is none."""
    environment_base = environ.get("OPENAI_BASE_URL", "").strip()
    base = (options.base_url or "").strip() or environment_base or VENDOR_BASE_URL
    url = _chat_url(base)
    vendor = _is_vendor(url)
    key = (options.api_key or "").strip()
    if not key and (vendor or (environment_base and _belongs(url, _chat_url(environment_base)))):
        key = environ.get("OPENAI_API_KEY", "").strip()
    model = (options.model or "").strip() or environ.get("OPENAI_MODEL", "").strip() or DEFAULT_MODEL
    return Endpoint(url=url, model=model, api_key=key or None, vendor=vendor)


def _chat_url(base: str) -> httpx.URL:
    try:
        url = httpx.URL(base)
    except httpx.InvalidURL as error:
        raise _bad_base(f"cannot be read ({error})") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise _bad_base("must begin with http:// or https:// and name a host, e.g. http://127.0.0.1:11434/v1")
    path = url.path.rstrip("/")
    return url.copy_with(path=path if path.endswith(_SUFFIX) else path + _SUFFIX, fragment=None)


def _bad_base(what: str) -> ProviderError:
    return ProviderError(ErrorKind.BAD_REQUEST, f"the base URL of the language model {what}; see llm.baseUrl")


def _is_vendor(url: httpx.URL) -> bool:
    """Also the regional hosts such as `eu.api.openai.com`."""
    named = url.host == "api.openai.com" or url.host.endswith(".api.openai.com")
    return named and url.scheme == "https" and url.port is None


def _belongs(url: httpx.URL, owner: httpx.URL) -> bool:
    """The same endpoint, not merely the same host: a gateway may serve many owners under one name."""
    return (url.scheme, url.host, url.port, url.path) == (owner.scheme, owner.host, owner.port, owner.path)
