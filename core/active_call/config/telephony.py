"""Settings of the telephone side: who answers an incoming call, accounts, rewriting of targets, ICE."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from .problems import Wrong, did_you_mean
from .values import Headers, OneOrMore, Pattern, Secret, Section, WebUrl

CODECS = ("pcmu", "pcma", "g722", "g729", "opus", "telephone_event")
"""In the reference's order of preference."""
_SPELLINGS = {"dtmf": "telephone_event", "2833": "telephone_event", "telephone-event": "telephone_event"}


def _codec(value: Any) -> Any:
    if not isinstance(value, str | int):
        return value
    name = str(value).strip().lower()
    name = _SPELLINGS.get(name, name)
    if name not in CODECS:
        raise Wrong(f"unknown codec {str(value)!r}", did_you_mean(name, CODECS))
    return name


Codec = Annotated[str, BeforeValidator(_codec), Field(json_schema_extra={"enum": list(CODECS)})]


class Webhook(Section):
    """Incoming calls are announced to an HTTP endpoint, which then takes them over the WebSocket."""

    type: Literal["webhook"]
    url: WebUrl | None = None
    urls: Annotated[tuple[WebUrl, ...], OneOrMore] = ()
    """Used in turn; instead of `url`."""
    method: Literal["POST", "PUT", "GET"] = "POST"
    headers: Headers = ()

    @model_validator(mode="after")
    def _has_a_target(self) -> "Webhook":
        if self.url is None and not self.urls:
            raise Wrong("a webhook needs `url` or `urls`", 'add `url = "http://localhost:8090/webhook"`')
        return self


class Rule(Section):
    """Both patterns must match; an absent one always does."""

    caller: Pattern | None = None
    callee: Pattern | None = None
    playbook: str


class PlaybookHandler(Section):
    """Incoming calls are answered by a playbook: the first rule that matches, else `default`, else rejected."""

    type: Literal["playbook"]
    default: str | None = None
    rules: tuple[Rule, ...] = ()

    @model_validator(mode="after")
    def _has_a_playbook(self) -> "PlaybookHandler":
        if self.default is None and not self.rules:
            raise Wrong("a playbook handler needs `default` or `rules`", 'add `default = "hello.md"`')
        return self


Handler = Annotated[Webhook | PlaybookHandler, Field(discriminator="type")]


class Credential(Section):
    username: str
    password: Secret
    realm: str | None = None


class Account(Section):
    """One registration with a SIP registrar."""

    server: str
    """`host`, `host:port` or a SIP URI; its `transport` decides how it is reached."""
    username: str
    display_name: str | None = None
    disabled: bool = False
    credential: Credential | None = None


class Rewrite(Section):
    """A regular expression on the dialled URI, and what stands in its place; applied in order, one on the other."""

    match: Pattern
    rewrite: str


class UriMatch(Section):
    user: Pattern | None = None
    host: Pattern | None = None


class UriParts(Section):
    user: str | None = None
    host: str | None = None
    """With or without a port."""


class TrunkMatch(Section):
    from_: UriMatch | None = Field(None, alias="from")
    to: UriMatch | None = None


class TrunkRewrite(Section):
    from_: UriParts | None = Field(None, alias="from")
    to: UriParts | None = None
    contact: UriParts | None = None


class TrunkAction(Section):
    match: TrunkMatch = TrunkMatch()
    rewrite: TrunkRewrite


class TrunkRule(Section):
    """`rule.match.*` are regular expressions that must all match; the first such rule rewrites, the others rest."""

    rule: TrunkAction


class IceServer(Section):
    urls: Annotated[tuple[str, ...], OneOrMore]
    username: str | None = None
    credential: Secret | None = None
    credential_type: Literal["password", "oauth"] = "password"
