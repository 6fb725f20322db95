"""What must be true of the machine before a process may start with these settings."""

from collections.abc import Iterator

from .origins import Path as KeyPath
from .problems import Origin, Problem, dotted
from .settings import Settings
from .telephony import PlaybookHandler


def startup_problems(settings: Settings) -> list[Problem]:
    """Absent playbooks and certificates, and a server that is open to others with nobody allowed in."""
    return [*_playbooks(settings), *_certificates(settings), *_nobody_allowed(settings)]


def _playbooks(settings: Settings) -> Iterator[Problem]:
    handler = settings.handler
    if not isinstance(handler, PlaybookHandler):
        return
    named: list[tuple[KeyPath, str]] = [
        (("handler", "rules", index, "playbook"), rule.playbook) for index, rule in enumerate(handler.rules)
    ]
    if handler.default is not None:
        named.append((("handler", "default"), handler.default))
    for path, name in named:
        found = settings.playbook_path(name)
        if not found.is_file():
            yield _problem(
                settings, path, f"there is no playbook {name!r}", f"write {found}, or name one that is there"
            )


def _certificates(settings: Settings) -> Iterator[Problem]:
    if settings.tls_port is None:
        return
    for key, path in (("tls_cert_file", settings.tls_cert_file), ("tls_key_file", settings.tls_key_file)):
        if path is not None and not path.is_file():
            yield _problem(settings, (key,), f"there is no file {str(path)!r}", "name a PEM file")


def _nobody_allowed(settings: Settings) -> Iterator[Problem]:
    if settings.needs_token and not (settings.auth.tokens or settings.auth.networks):
        yield _problem(
            settings,
            ("auth",) if settings.auth.mode == "on" else ("http_addr",),
            f"{settings.http_addr} needs a token of its clients, and none is set",
            'set ACTIVE_CALL_AUTH__TOKENS (or `auth.tokens`), or `auth.networks`, or `auth = "off"`',
        )


def _problem(settings: Settings, path: KeyPath, problem: str, suggestion: str) -> Problem:
    origin = settings.origins.of(path) or Origin(source="settings")
    return Problem(origin=origin, key=dotted(path), problem=problem, suggestion=suggestion)
