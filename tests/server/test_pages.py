"""`/` and `/static`."""

import asyncio
import http.client
from urllib.parse import urlsplit

import pytest
from tests.server.conftest import Serve


async def test_without_files_there_is_a_text(serve: Serve) -> None:
    async with serve() as server:
        answer = await server.client.get("/")
        assert (answer.status_code, answer.text) == (404, "Index not found")
        assert (await server.client.get("/static/app.js")).status_code == 404


async def test_files_are_served_with_their_type(serve: Serve) -> None:
    pages = serve.folder / "static"
    (pages / "js").mkdir(parents=True)
    (pages / "index.html").write_text("<!doctype html>")
    (pages / "js" / "app.js").write_text("1")
    async with serve(pages=pages) as server:
        index = await server.client.get("/")
        assert (index.text, index.headers["content-type"]) == ("<!doctype html>", "text/html; charset=utf-8")
        assert index.headers["x-content-type-options"] == "nosniff"
        script = await server.client.get("/static/js/app.js")
        assert script.headers["content-type"].partition(";")[0] in ("text/javascript", "application/javascript")
        assert (await server.client.head("/static/js/app.js")).status_code == 200
        assert (await server.client.get("/static/js")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/static/../secret", "/static/..%2Fsecret", "/static/%2e%2e/secret", "/static//etc/passwd"]
)
async def test_nothing_outside_is_served(serve: Serve, path: str) -> None:
    pages = serve.folder / "static"
    pages.mkdir()
    (serve.folder / "secret").write_text("secret")
    (pages / "link").symlink_to(serve.folder / "secret")
    async with serve(pages=pages) as server:
        assert await asyncio.to_thread(status_of, urlsplit(server.base).netloc, path) == 404


def status_of(address: str, path: str) -> int:
    """By a client that changes nothing in the path."""
    connection = http.client.HTTPConnection(address, timeout=3)
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status
