"""Routes around calls. A number in a docstring is the behaviour of the reference's clients that it keeps."""

import json
from typing import Any

import pytest
from tests.server.conftest import OPTION, Running, Serve

BOOK = "---\nllm: {provider: fake}\n---\nBe nice.\n"


async def test_the_list_has_each_call_with_its_option_and_no_secret(server: Running) -> None:
    """A11, O82"""
    async with server.caller("a") as caller:
        assert (await server.client.get("/list")).json() == {
            "active_calls": [
                {"id": "a", "callType": "webSocket", "cs.option": None, "ringTime": None, "startTime": None}
            ]
        }
        secret = {**OPTION, "tts": {"provider": "fake", "secretKey": "hush-hush"}}
        await caller.send("invite", option=secret)
        await caller.until("answer", 3)
        for path in ("/list", "/list/"):
            answer = await server.client.get(path)
            assert "hush-hush" not in answer.text
            (item,) = answer.json()["active_calls"]
            assert item["cs.option"]["tts"] == {"provider": "fake", "secretKey": "***"}
            assert item["startTime"].endswith("+00:00")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_killed_call_ends_with_a_hangup_by_the_system(server: Running, method: str) -> None:
    """A12"""
    async with server.call("a") as caller:
        answer = await server.client.request(method, "/kill/a")
        assert (answer.status_code, answer.json()) == (200, {"status": "killed", "id": "a"})
        assert await caller.until_closed(3)
        assert caller.events[-1]["event"] == "hangup"
        assert caller.events[-1]["reason"] == "bySystem"
    answer = await server.client.request(method, "/kill/a")
    assert (answer.status_code, answer.json()) == (404, {"status": "not_found", "id": "a"})


async def test_head_of_kill_kills_nothing(server: Running) -> None:
    async with server.call("a"):
        assert (await server.client.head("/kill/a")).status_code == 200
        assert server.manager.directory.find("a") is not None


async def test_a_command_sent_by_rest_does_what_the_sockets_would(server: Running) -> None:
    """A13"""
    async with server.call("a") as caller:
        answer = await server.client.post("/command/a", json={"command": "tts", "text": "by rest", "playId": "r"})
        assert (answer.status_code, answer.json()) == (200, {"status": "sent", "id": "a"})
        started = await caller.until("trackStart", 3, 2)
        assert started is not None
        assert started["playId"] == "r"
        await server.client.post("/command/a/", json={"command": "hangup", "reason": "noAnswer"})
        assert await caller.until_closed(3)
        assert caller.events[-1]["reason"] == "noAnswer"
    answer = await server.client.post("/command/a", json={"command": "interrupt"})
    assert (answer.status_code, answer.json()) == (404, {"status": "not_found", "id": "a"})


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("path", ["/command/a", "/api/playbook/run"])
@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        ("{not json", JSON, 400),
        ("", JSON, 400),
        ('{"command": "custom", "data": NaN}', JSON, 400),
        ("[" * 100_000, JSON, 400),
        ("\xff".encode("latin1"), JSON, 400),
        ('{"command": "interrupt"}', {"content-type": "text/plain"}, 415),
        ('{"command": "interrupt"}', {}, 415),
        ("[]", JSON, 422),
        ('"text"', JSON, 422),
        ('{"command": "nonsense"}', JSON, 422),
        ('{"command": "tts"}', JSON, 422),
    ],
)
async def test_a_body_that_is_wrong_is_refused_with_a_text(
    server: Running, path: str, content: Any, headers: dict[str, str], status: int
) -> None:
    """O10"""
    async with server.call("a"):
        answer = await server.client.post(path, content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text


async def test_a_body_that_is_too_long_is_refused_however_it_comes(serve: Serve) -> None:
    async def chunks() -> Any:
        for _ in range(100):
            yield b" " * 100

    async with serve(message_bytes=2000) as server:
        declared = await server.client.post("/command/a", content=b" " * 2001, headers=JSON)
        streamed = await server.client.post("/command/a", content=chunks(), headers=JSON)
        small = await server.client.post("/command/a", json={"command": "interrupt"})
    assert (declared.status_code, streamed.status_code, small.status_code) == (413, 413, 404)


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/nothing", 404, None),
        ("POST", "/list", 405, {"GET", "HEAD"}),
        ("OPTIONS", "/list", 405, {"GET", "HEAD"}),
        ("GET", "/command/a", 405, {"POST"}),
        ("GET", "/call", 400, None),
        ("GET", "/call/webrtc/", 400, None),
        ("PUT", "/api/playbooks/a.md", 405, {"GET", "HEAD", "POST"}),
    ],
)
async def test_what_is_no_route_is_told_as_the_reference_does(
    server: Running, method: str, path: str, status: int, allow: set[str] | None
) -> None:
    """O10"""
    answer = await server.client.request(method, path)
    assert answer.status_code == status
    assert {part.strip() for part in answer.headers.get("allow", "").split(",") if part} == (allow or set())


async def test_without_ice_servers_there_is_a_public_one(server: Running) -> None:
    """A15"""
    answer = await server.client.get("/iceservers")
    assert answer.json() == [{"urls": ["stun:stun.l.google.com:19302"], "credential_type": "password"}]


async def test_ice_servers_come_as_a_browser_wants_them(serve: Serve) -> None:
    own = {"urls": ["turn:t"], "username": "u", "credential": "c", "credential_type": "password"}
    bare = {"urls": ["stun:s"], "username": None, "credential": None, "credential_type": "password"}
    async with serve(ice_servers=(own, bare)) as server:
        answer = (await server.client.get("/iceservers")).json()
    assert answer == [own, {"urls": ["stun:s"], "credential_type": "password"}]


@pytest.mark.parametrize(
    "body",
    [{"content": BOOK, "type": "webrtc"}, {"playbook": "book.md"}, {"content": "book.md"}, {"playbook": BOOK}],
)
async def test_a_staged_playbook_runs_in_the_call_of_that_id(server: Running, body: dict[str, Any]) -> None:
    """A1"""
    (server.folder / "book.md").write_text(BOOK.replace("---\nBe", "greeting: Good morning.\n---\nBe"))
    session_id = (await server.client.post("/api/playbook/run", json=body)).json()["session_id"]
    assert session_id.startswith("s.")
    assert server.manager.directory.knows(session_id)
    async with server.caller(session_id) as caller:
        await caller.send("invite", option=OPTION)
        assert await caller.until("answer", 3)
        if "book.md" in body.values():
            history = await caller.until("addHistory", 3)
            assert history is not None
            assert history["text"] == "Good morning."
        call = server.manager.directory.find(session_id)
        assert call is not None
    await call.done()
    assert not server.manager.directory.knows(session_id)


@pytest.mark.parametrize("name", ["../../config.toml", "/etc/passwd", "a\x00b"])
async def test_a_playbook_outside_its_directory_is_not_staged(server: Running, name: str) -> None:
    """S6"""
    answer = await server.client.post("/api/playbook/run", json={"playbook": name})
    assert answer.status_code == 400
    assert "refused" in answer.text


async def test_an_answer_of_the_api_is_json_that_says_so(server: Running) -> None:
    for path in ("/list", "/iceservers", "/api/playbooks", "/api/records", "/health", "/ready", "/openapi.json"):
        answer = await server.client.get(path)
        assert answer.headers["content-type"] == "application/json", path
        json.loads(answer.text)
