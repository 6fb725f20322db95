"""SIP and telephone targets (RFC 3261 section 19.1, RFC 3966): reading them, and patterns of what may be dialled."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from .allowlist import plain_host
from .targets import OutboundRefused, Trust

_LONGEST = 1024
_SIP = re.compile(
    r"""(?P<scheme>sips?):
        (?:(?P<user>[^@<>"\s]+)@)?
        (?P<host>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)
        (?::(?P<port>\d{1,5}))?
        (?P<rest>(?:[;?][^<>"\s@]*)?)""",
    re.IGNORECASE | re.VERBOSE,
)
_TEL = re.compile(r"tel:(?P<number>\+?[0-9*#().a-f-]+)(?P<rest>(?:;[^<>\"\s@]*)?)", re.IGNORECASE)
_WRAPPED = re.compile(r'(?:"[^"]*"\s*|[^"<>]*)<([^<>]*)>')
_MENTIONED = re.compile(r"\b(?:sips?|tel):[^\s<>\"'`,{}|]+", re.IGNORECASE)
_SEPARATORS = str.maketrans("", "", "-.()")


@dataclass(frozen=True, slots=True)
class SipTarget:
    """What would be dialled. `addresses` are those of the host that passed; none: trusted, `tel:`, or only SRV records.

    Two targets are equal when they reach the same party, whatever their parameters.
    """

    scheme: str
    user: str
    host: str = ""
    """Empty for `tel:`: the operator's trunk carries it."""
    port: int | None = None
    addresses: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, int | None]:
        return "tel" if self.scheme == "tel" else "sip", self.user, self.host, self.port


def parse_sip(target: str, trust: Trust) -> SipTarget:
    """A `sip:`, `sips:` or `tel:` URI, alone or as `"Name" <uri>`. Raises `OutboundRefused`."""
    text = target.strip()
    if len(text) > _LONGEST or not text.isprintable():
        # A line break would begin a header of its own (RFC 3261 section 7.3), whoever wrote it.
        problem = f"it has control characters, or more than {_LONGEST} characters"
        raise OutboundRefused("target", problem, "give a plain SIP URI")
    if wrapped := _WRAPPED.fullmatch(text):
        text = wrapped[1].strip()
    if tel := _TEL.fullmatch(text):
        return SipTarget("tel", tel["number"].lower().translate(_SEPARATORS))
    sip = _SIP.fullmatch(text)
    if sip is None:
        raise OutboundRefused("target", "it is no SIP or telephone URI", "write it as sip:user@host or tel:+15550100")
    host, port = plain_host(sip["host"]), int(sip["port"]) if sip["port"] else None
    if port is not None and not 0 < port < 65536:
        raise OutboundRefused(f"target at {host}", f"{port} is not a port", "give one from 1 to 65535")
    if not trust.trusted:
        _check_rest(host, sip["rest"].lower())
    user = unquote(sip["user"] or "")
    if not user.isprintable():
        raise OutboundRefused(f"target at {host}", "its user has control characters", "give a plain SIP URI")
    return SipTarget(sip["scheme"].lower(), user, host, port)


def _check_rest(host: str, rest: str) -> None:
    parameters, _, headers = rest.partition("?")
    if headers:
        raise OutboundRefused(f"target at {host}", "it has headers after '?'", "leave them out; use `sip.headers`")
    if any(part.partition("=")[0].strip() == "maddr" for part in parameters.split(";")):
        # It would send the request elsewhere than to the host that is checked.
        raise OutboundRefused(f"target at {host}", "it has a 'maddr' parameter", "write the address as its host")


class SipPatterns:
    """`*@pbx.example`, `+4930*@trunk.example`, `tel:+4930*`; `*` stands for any characters, case does not count.

    Without a port a pattern fits every port; `sips:` needs no pattern of its own; `*` alone opens everything.
    """

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        self._patterns = tuple(_compiled(pattern) for pattern in patterns)

    def fit(self, target: SipTarget) -> bool:
        if target.scheme == "tel":
            forms = {f"tel:{target.user}"}
        else:
            party = f"{target.user}@{target.host}" if target.user else target.host
            forms = {f"sip:{party}", f"sip:{party}:{target.port}"} if target.port else {f"sip:{party}"}
        return any(pattern.fullmatch(form) for pattern in self._patterns for form in forms)


def _compiled(pattern: str) -> re.Pattern[str]:
    plain = pattern.strip().lower()
    if not plain or not plain.isprintable():
        raise ValueError(f"{pattern!r} is no pattern of SIP targets; write '*@pbx.example' or 'tel:+4930*'")
    if plain.startswith("sips:"):
        plain = "sip:" + plain[5:]
    if plain.startswith("tel:"):
        plain = plain.translate(_SEPARATORS)
    elif plain != "*" and not plain.startswith("sip:"):
        plain = "sip:" + plain
    return re.compile(".*".join(map(re.escape, plain.split("*"))), re.IGNORECASE)


def sip_targets_in(text: str) -> frozenset[str]:
    """The targets that a text names. Give it a playbook as the operator wrote it, before any variable is filled in."""
    found = (match.rstrip(".;:!?)]") for match in _MENTIONED.findall(text))
    return frozenset(target for target in found if _readable(target))


def _readable(target: str) -> bool:
    try:
        parse_sip(target, Trust.OPERATOR)
    except OutboundRefused:
        return False
    return True
