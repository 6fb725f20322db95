"""The descriptions of the API are made from the models, complete, and the same in the docs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route
from tests.house.files import ROOT
from tests.server.conftest import Running

from active_call.protocol.commands import COMMANDS
from active_call.protocol.schema import definitions_of_wire, names_of, wire_schema
from active_call.server.asyncapi import CHANNELS, QUERY, asyncapi
from active_call.server.documents import FILES, text_of, write
from active_call.server.openapi import openapi

REFERENCE = ROOT / "docs" / "reference"


@pytest.mark.parametrize("name", FILES)
def test_the_file_in_the_docs_is_in_step(name: str) -> None:
    remedy = "run: .venv/bin/python -m active_call.server.documents docs/reference"
    path = REFERENCE / name
    assert path.is_file(), remedy
    assert path.read_text("utf-8") == text_of(FILES[name]()), remedy


def test_the_files_are_written_where_one_says(tmp_path: Path) -> None:
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
async def test_the_server_has_the_same(server: Running, name: str) -> None:
    path = "/schema" if name == "schema.json" else f"/{name}"
    answer = await server.client.get(path)
    assert answer.json() == FILES[name]()
    assert answer.headers["content-type"] == ("application/schema+json" if path == "/schema" else "application/json")


def refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        yield from (ref for item in value.values() for ref in refs(item))
        if isinstance(value.get("discriminator"), dict):
            yield from value["discriminator"]["mapping"].values()
    elif isinstance(value, list):
        yield from (ref for item in value for ref in refs(item))


def target(document: Any, ref: str) -> Any:
    for part in ref.removeprefix("#/").split("/"):
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_every_reference_leads_somewhere(make: Any) -> None:
    document = make()
    found = set(refs(document))
    assert len(found) > 30
    for ref in found:
        assert ref.startswith("#/")
        target(document, ref)


def test_commands_and_events_of_one_name_are_told_apart() -> None:
    definitions = definitions_of_wire("#/$defs/")
    assert names_of("Command", definitions)["hangup"] == "HangupCommand"
    assert names_of("Event", definitions)["hangup"] == "HangupEvent"
    assert set(names_of("Command", definitions)) == set(COMMANDS)
    assert definitions["HangupCommand"] != definitions["HangupEvent"]
    assert wire_schema()["anyOf"] == [{"$ref": "#/$defs/Command"}, {"$ref": "#/$defs/Event"}]


def test_the_asyncapi_document_has_every_channel_command_and_event() -> None:
    document = asyncapi()
    definitions = definitions_of_wire("#/")
    kinds = {*names_of("Command", definitions).values(), *names_of("Event", definitions).values()}
    for name, (address, _) in CHANNELS.items():
        channel = document["channels"][name]
        assert channel["address"] == address
        assert set(channel["messages"]) - {"Audio"} == kinds
        assert set(channel["bindings"]["ws"]["query"]["properties"]) == set(QUERY)
    received = document["operations"]["callCommands"]
    assert (received["action"], len(received["messages"])) == ("receive", len(COMMANDS))
    json.dumps(document)


async def test_the_openapi_document_has_every_route_and_method(server: Running) -> None:
    """Described or not at all: WebSockets are AsyncAPI's, pages are for people."""
    documented = {
        (re.sub(r"\{\w+\}", "{}", path), method.upper())
        for path, item in openapi()["paths"].items()
        for method in item
        if method != "parameters"
    }
    from active_call.server.app import application

    routes = {
        (re.sub(r"\{\w+(:path)?\}", "{}", route.path), method)
        for route in application(server.manager).routes
        if isinstance(route, Route) and not route.path.endswith("/") and not route.path.startswith(("/call", "/static"))
        for method in (route.methods or ())
        if method != "HEAD"
    }
    assert routes == documented


def test_every_route_and_metric_has_a_word_in_the_reference() -> None:
    page = (REFERENCE / "rest-api.md").read_text("utf-8")
    for path in openapi()["paths"]:
        assert path in page, f"docs/reference/rest-api.md has no word about {path}"
    for text in re.findall(r'"(active_call_\w+)"', (ROOT / "core/active_call/server/metrics.py").read_text("utf-8")):
        assert text in page, f"docs/reference/rest-api.md has no word about {text}"
