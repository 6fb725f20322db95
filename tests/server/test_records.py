"""`/api/records`: read from dump files."""

import json
import os
from pathlib import Path

import pytest
from tests.server.conftest import Serve

from active_call.server import records


def dump(path: Path, *lines: tuple[int, object], modified_s: int = 1_000_000) -> None:
    texts = [
        json.dumps({"type": "event", "timestamp": at_ms, "content": json.dumps(content, separators=(",", ":"))})
        for at_ms, content in lines
    ]
    path.write_text("".join(f"{text}\n" for text in texts))
    os.utime(path, (modified_s, modified_s))


async def test_the_newest_comes_first_with_its_length_and_how_it_ended(serve: Serve) -> None:
    """A25"""
    folder = serve.folder / "recorders"
    folder.mkdir()
    dump(folder / "old.events.jsonl", (1000, {"event": "answer"}), (13_400, {"event": "hangup"}), modified_s=1_000_000)
    dump(folder / "crashed.events.jsonl", (1000, {"event": "answer"}), (2000, {"event": "ping"}), modified_s=2_000_000)
    dump(folder / "live.events.jsonl", (1000, {"event": "answer"}), modified_s=3_000_000)
    dump(folder / "plain.jsonl", modified_s=500)
    (folder / "live.wav").write_bytes(b"RIFF")
    async with serve(records=folder) as server, server.call("live"):
        answer = (await server.client.get("/api/records")).json()
    assert [(item["id"], item["duration"], item["status"]) for item in answer] == [
        ("live", "0s", "active"),
        ("crashed", "1s", "interrupted"),
        ("old", "12s", "completed"),
        ("plain", "0s", "interrupted"),
    ]
    assert answer[2]["date"] == "1970-01-12T13:46:40+00:00"


async def test_half_a_line_of_a_crash_hides_nothing(serve: Serve) -> None:
    path = serve.folder / "a.events.jsonl"
    dump(path, (1000, {"event": "answer"}), (5000, {"event": "hangup"}))
    with path.open("a") as file:
        file.write('{"type": "event", "times')
    async with serve(records=serve.folder) as server:
        (item,) = (await server.client.get("/api/records")).json()
    assert (item["duration"], item["status"]) == ("4s", "completed")


async def test_a_long_dump_is_read_only_at_its_ends(serve: Serve) -> None:
    lines = [(1000 + n, {"event": "asrDelta", "text": "x" * 1000}) for n in range(2000)]
    dump(serve.folder / "a.events.jsonl", *lines, (61_000, {"event": "hangup"}))
    async with serve(records=serve.folder) as server:
        (item,) = (await server.client.get("/api/records")).json()
    assert (item["duration"], item["status"]) == ("60s", "completed")


async def test_without_a_directory_there_are_none(serve: Serve) -> None:
    async with serve(records=serve.folder / "none") as server:
        assert (await server.client.get("/api/records")).json() == []
    async with serve() as server:
        assert (await server.client.get("/api/records/")).json() == []


async def test_only_so_many_are_listed(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MOST", 2)
    for n in range(5):
        dump(serve.folder / f"{n}.events.jsonl", modified_s=1_000_000 + n)
    async with serve(records=serve.folder) as server:
        assert [item["id"] for item in (await server.client.get("/api/records")).json()] == ["4", "3"]
