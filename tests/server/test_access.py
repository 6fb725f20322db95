"""Who may use the API. What `guard.tokens` decides is tested there; here, that everything asks it."""

import asyncio
import base64
from typing import Any

import pytest
import websockets
from tests.server.conftest import Running, Serve
from websockets.exceptions import InvalidStatus

from active_call.server.access import RateLimit

TOKEN = "a-token-of-24-characters"
BEARER = {"authorization": f"Bearer {TOKEN}"}
GUARDED = (
    ("GET", "/list"),
    ("GET", "/kill/a"),
    ("POST", "/kill/a"),
    ("POST", "/command/a"),
    ("GET", "/events/a"),
    ("GET", "/iceservers"),
    ("GET", "/api/playbooks"),
    ("GET", "/api/playbooks/a.md"),
    ("POST", "/api/playbooks/a.md"),
    ("POST", "/api/playbook/run"),
    ("GET", "/api/records"),
    ("POST", "/precache"),
    ("GET", "/metrics"),
    ("GET", "/nothing"),
    ("GET", "/list/"),
)
OPEN = ("/health", "/ready", "/schema", "/asyncapi.json", "/openapi.json", "/", "/static/app.js")


@pytest.fixture
def exposed() -> dict[str, Any]:
    return {"tokens": (TOKEN,), "loopback": False}


async def test_every_route_but_probes_pages_and_descriptions_needs_a_token(
    serve: Serve, exposed: dict[str, Any]
) -> None:
    """S1"""
    async with serve(**exposed) as server:
        for method, path in GUARDED:
            answer = await server.client.request(method, path)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["error"]
            wrong = await server.client.request(method, path, headers={"authorization": "Bearer wrong"})
            assert wrong.status_code == 401, (method, path)
        for path in OPEN:
            assert (await server.client.get(path)).status_code in (200, 404), path


async def test_every_route_of_the_application_is_in_one_of_the_two_lists(server: Running) -> None:
    """A new route must be put into one of them."""
    document = (await server.client.get("/openapi.json")).json()
    listed = {path for _, path in GUARDED} | set(OPEN)
    for path in document["paths"]:
        assert path.replace("{id}", "a").replace("{name}", "a.md") in listed


@pytest.mark.parametrize("headers", [BEARER, {"x-api-key": TOKEN}, {"authorization": f"bearer  {TOKEN}"}])
async def test_a_token_opens_it_by_either_header(
    serve: Serve, exposed: dict[str, Any], headers: dict[str, str]
) -> None:
    async with serve(**exposed) as server:
        assert (await server.client.get("/list", headers=headers)).status_code == 200
        assert (await server.client.post("/kill/a", headers=headers)).status_code == 404


async def test_a_websocket_is_refused_before_its_upgrade(serve: Serve, exposed: dict[str, Any]) -> None:
    async with serve(**exposed) as server:
        url = server.base.replace("http", "ws") + "/call?id=a"
        for extra in ("", "&token=wrong"):
            with pytest.raises(InvalidStatus) as refused:
                await websockets.connect(url + extra, proxy=None)
            assert refused.value.response.status_code == 401
        assert not len(server.manager.directory)
        async with websockets.connect(f"{url}&token={TOKEN}", proxy=None):
            assert server.manager.directory.find("a") is not None
        async with websockets.connect(f"{url}2", additional_headers=BEARER, proxy=None):
            assert server.manager.directory.find("a2") is not None


async def test_a_token_in_the_url_is_for_websockets_and_event_streams(serve: Serve, exposed: dict[str, Any]) -> None:
    async with serve(**exposed) as server:
        assert (await server.client.get("/events/none", params={"token": TOKEN})).status_code == 404
        assert (await server.client.get("/list", params={"token": TOKEN})).status_code == 401
        assert (await server.client.post("/kill/a", params={"token": TOKEN})).status_code == 401


async def test_a_client_from_an_allowed_network_needs_none(serve: Serve, exposed: dict[str, Any]) -> None:
    async with serve(**exposed, networks=("127.0.0.0/8",)) as server:
        assert (await server.client.get("/list")).status_code == 200
    async with serve(**exposed, networks=("10.0.0.0/8",)) as server:
        assert (await server.client.get("/list")).status_code == 401


async def test_a_link_kills_no_call_where_tokens_are_needed(serve: Serve, exposed: dict[str, Any]) -> None:
    async with serve(**exposed) as server:
        answer = await server.client.get("/kill/a", headers=BEARER)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST, DELETE")
        assert (await server.client.delete("/kill/a", headers=BEARER)).status_code == 404
    async with serve(**exposed, networks=("127.0.0.0/8",)) as server:
        assert (await server.client.get("/kill/a")).status_code == 404


FOREIGN = (
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"sec-fetch-site": "cross-site"},
    {"referer": "http://evil.example/page"},
)


@pytest.mark.parametrize("headers", FOREIGN)
async def test_pages_of_other_sites_may_do_nothing(server: Running, headers: dict[str, str]) -> None:
    """S1: the Origin check"""
    async with server.call("a"):
        for method, path in (("GET", "/kill/a"), ("POST", "/kill/a"), ("POST", "/command/a")):
            answer = await server.client.request(method, path, headers=headers)
            assert answer.status_code == 403
            assert answer.json()["error"]
        with pytest.raises(InvalidStatus) as refused:
            await websockets.connect(
                server.base.replace("http", "ws") + "/call", additional_headers=headers, proxy=None
            )
        assert refused.value.response.status_code == 403
        assert server.manager.directory.find("a") is not None


async def test_our_own_pages_may(server: Running) -> None:
    async with server.call("a"):
        own = {"origin": server.base, "sec-fetch-site": "same-origin"}
        async with websockets.connect(
            server.base.replace("http", "ws") + "/call", additional_headers={"origin": server.base}, proxy=None
        ):
            pass
        assert (await server.client.post("/kill/a", headers=own)).status_code == 200


async def test_a_name_that_was_rebound_to_this_machine_is_not_the_server(server: Running) -> None:
    headers = {"host": "attacker.example:8080", "origin": "http://attacker.example:8080"}
    assert (await server.client.get("/list", headers=headers)).status_code == 403


async def test_pages_of_a_named_origin_may_and_their_browser_is_told_so(serve: Serve) -> None:
    app = "https://app.example"
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    async with serve(origins=(app,), tokens=(TOKEN,), auth="on") as server:
        preflight = await server.client.options("/command/a", headers={"origin": app, **asked})
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == app
        answer = await server.client.get("/list", headers={"origin": app, **BEARER})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, app)
        refused = await server.client.get("/list", headers={"origin": app})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, app)
        other = await server.client.options("/command/a", headers={"origin": "https://evil.example", **asked})
        assert other.status_code == 400
        assert "access-control-allow-origin" not in other.headers


async def test_a_token_that_asks_too_often_has_to_wait(serve: Serve, exposed: dict[str, Any]) -> None:
    async with serve(**{**exposed, "tokens": (TOKEN, "another-token-of-mine")}, requests_per_s=1.0) as server:
        statuses = [(await server.client.get("/list", headers=BEARER)).status_code for _ in range(4)]
        assert statuses == [200, 200, 429, 429]
        answer = await server.client.get("/list", headers=BEARER)
        assert int(answer.headers["retry-after"]) >= 1
        assert (await server.client.get("/list", headers={"x-api-key": "another-token-of-mine"})).status_code == 200
        with pytest.raises(InvalidStatus) as refused:
            await websockets.connect(f"{server.base.replace('http', 'ws')}/call?token={TOKEN}", proxy=None)
        assert refused.value.response.status_code == 429


async def test_without_a_token_there_is_no_rate(serve: Serve) -> None:
    async with serve(requests_per_s=1.0) as server:
        answers = await asyncio.gather(*(server.client.get("/list") for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}


def test_a_rate_allows_a_burst_and_then_its_pace() -> None:
    now = [0.0]
    limit = RateLimit(10, lambda: now[0])
    assert [limit.wait_s("t") for _ in range(20)] == [0.0] * 20
    assert limit.wait_s("t") == pytest.approx(0.1)
    assert limit.wait_s("other") == 0.0
    now[0] = 0.1
    assert limit.wait_s("t") == 0.0
    assert limit.wait_s("t") == pytest.approx(0.1)
    now[0] = 1000.0
    assert [limit.wait_s("t") for _ in range(21)] == [0.0] * 20 + [pytest.approx(0.1)]


async def test_basic_credentials_are_no_token(serve: Serve, exposed: dict[str, Any]) -> None:
    basic = base64.b64encode(f"user:{TOKEN}".encode()).decode()
    async with serve(**exposed) as server:
        answer = await server.client.get("/list", headers={"authorization": f"Basic {basic}"})
    assert answer.status_code == 401
