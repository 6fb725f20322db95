"""`/api/playbooks`."""

import os
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from tests.server.conftest import Serve

from active_call.server import playbooks
from active_call.server.playbooks import write_whole

BOOK = "---\nllm: {provider: fake}\n---\n# Scène\nHello.\n"
LONG = "x" * 260 + ".md"
BAD_NAMES = ("a%2Fb.md", "..%2Fx.md", "..md", "a..b.md", "%5Cx.md", ".hidden.md", "a%00.md", "a%1F.md", LONG)


Written = Callable[[], list[Path]]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """All playbooks anywhere below."""
    return lambda: list(tmp_path.rglob("*.md"))


@pytest.fixture
async def client(serve: Serve) -> AsyncIterator[httpx.AsyncClient]:
    async with serve.in_process(playbooks=serve.folder / "books", message_bytes=10_000) as client:
        yield client


async def test_a_directory_that_is_not_there_is_an_empty_list(client: httpx.AsyncClient, tmp_path: Path) -> None:
    assert (await client.get("/api/playbooks")).json() == []
    answer = await client.get("/api/playbooks/a.md")
    assert (answer.status_code, answer.text) == (404, "Playbook not found")


async def test_what_was_written_is_listed_and_read(client: httpx.AsyncClient, tmp_path: Path) -> None:
    for name in ("trace.md", "träce.md", "empty.md"):
        answer = await client.post(f"/api/playbooks/{name}", content=BOOK if name != "empty.md" else "")
        assert (answer.status_code, answer.text) == (200, "")
    listed = (await client.get("/api/playbooks/")).json()
    assert [item["name"] for item in listed] == ["empty.md", "trace.md", "träce.md"]
    assert datetime.fromisoformat(listed[0]["updated"]).utcoffset() is not None
    answer = await client.get("/api/playbooks/tr%C3%A4ce.md")
    assert (answer.text, answer.headers["content-type"]) == (BOOK, "text/plain; charset=utf-8")


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_name_that_leads_elsewhere_is_refused(
    client: httpx.AsyncClient, written: Written, method: str, name: str
) -> None:
    """A24, S4, S6"""
    answer = await client.request(method, f"/api/playbooks/{name}", content=BOOK)
    assert answer.status_code == 400
    assert answer.text.startswith("Invalid filename")
    assert written() == []


@pytest.mark.parametrize("name", ["a.txt", "a", "a.md.exe", "md"])
async def test_only_playbooks_are_written_and_read(client: httpx.AsyncClient, tmp_path: Path, name: str) -> None:
    """S6"""
    assert (await client.post(f"/api/playbooks/{name}", content=BOOK)).status_code == 400
    books = tmp_path / "books"
    books.mkdir(exist_ok=True)
    (books / name).write_text("secret")
    assert (await client.get(f"/api/playbooks/{name}")).status_code == 404
    assert (await client.get("/api/playbooks")).json() == []


async def test_a_link_out_of_the_directory_is_neither_followed_nor_overwritten(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    books = tmp_path / "books"
    books.mkdir()
    outside = tmp_path / "outside.md"
    outside.write_text("mine")
    (books / "link.md").symlink_to(outside)
    assert (await client.get("/api/playbooks/link.md")).status_code == 400
    assert (await client.post("/api/playbooks/link.md", content=BOOK)).status_code == 400
    assert outside.read_text() == "mine"


async def test_a_directory_of_that_name_is_no_playbook(client: httpx.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "books" / "a.md").mkdir(parents=True)
    assert (await client.get("/api/playbooks/a.md")).status_code == 404
    assert (await client.get("/api/playbooks")).json() == []


async def test_a_text_that_is_too_long_or_no_text_is_refused_and_nothing_is_written(
    client: httpx.AsyncClient, written: Written
) -> None:
    """S6"""
    assert (await client.post("/api/playbooks/a.md", content="x" * 10_001)).status_code == 413
    assert (await client.post("/api/playbooks/a.md", content=b"\xff\xfe")).status_code == 400
    assert written() == []


async def test_a_server_without_a_directory_writes_nothing(serve: Serve) -> None:
    async with serve.in_process() as client:
        assert (await client.post("/api/playbooks/a.md", content=BOOK)).status_code == 403
        assert (await client.get("/api/playbooks")).json() == []


def test_a_write_that_fails_leaves_the_old_text_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.md"
    write_whole(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(playbooks.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.md"]


def test_a_new_text_keeps_the_files_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    write_whole(path, b"old")
    path.chmod(0o600)
    write_whole(path, b"new")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes() == b"new"
