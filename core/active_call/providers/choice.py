"""Which provider serves when none was named: the best one that is installed and complete, and why."""

from collections.abc import Mapping
from dataclasses import dataclass

from active_call.plugin.errors import MissingModel
from active_call.plugin.host import Models
from active_call.plugin.registry import Kind, Offer, Registry


@dataclass(frozen=True)
class Lack:
    """What an installed provider still needs before it can work."""

    keys: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.keys or self.models)


def lacks(offer: Offer, models: Models, environ: Mapping[str, str]) -> Lack:
    missing = []
    for name in offer.traits.models:
        try:
            models.files(name)
        except MissingModel:
            missing.append(name)
    return Lack(tuple(key for key in offer.traits.needs if not environ.get(key)), tuple(missing))


def best(
    registry: Registry, kind: Kind, models: Models, environ: Mapping[str, str], language: str | None = None
) -> Offer | None:
    """Complete before incomplete, then the language, then offline, then by name; None: nothing is installed."""
    wanted = (language or "").split("-")[0].lower()

    def rank(offer: Offer) -> tuple[bool, bool, bool, str]:
        languages: frozenset[str] = getattr(offer.traits, "languages", frozenset())
        speaks = not wanted or not languages or wanted in languages
        return (bool(lacks(offer, models, environ)), not speaks, not offer.traits.offline, offer.name)

    offers = sorted(registry.offers(kind), key=rank)
    return offers[0] if offers else None


def brain(registry: Registry, named: str | None, base_url: str | None, environ: Mapping[str, str]) -> tuple[str, str]:
    """The LLM provider's name and the reason, for the log.

    Named: that one (an unknown name with a `baseUrl` is an OpenAI-compatible endpoint, as in the reference). Not named:
    `openai` when `OPENAI_API_KEY` or `OPENAI_BASE_URL` is set or a `baseUrl` is given, else the scripted rules.
    """
    names = registry.names(Kind.LLM)
    if named:
        if named not in names and base_url:
            return "openai", f"{named!r} is not installed; its baseUrl is taken as an OpenAI-compatible endpoint"
        return named, "named by the playbook"
    if base_url:
        return "openai", "the playbook gives a baseUrl"
    for key in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        if environ.get(key):
            return "openai", f"no provider named, {key} is set"
    return "scripted", "no provider named and no key set: rules, not a language model"
