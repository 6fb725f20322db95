"""Dump files: complete, in order, without secrets, and never in the call's way."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from active_call.guard.paths import PathPolicy, PathRefused
from active_call.store.dump import DumpFile, dump_path


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_dump_has_the_references_lines_complete_and_in_order(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    file = DumpFile(dump_path("s.1", PathPolicy([tmp_path]).resolve), pool)
    for n in range(2000):
        if n % 3:
            file.event(n, json.dumps({"event": "custom", "n": n}))
        else:
            file.command(n, json.dumps({"command": "tts", "text": "schöne Grüße"}, ensure_ascii=False))
    file.close().result(5)
    file.event(9999, "{}")
    file.close().result(5)
    lines = lines_of(tmp_path / "s.1.events.jsonl")
    assert [line["timestamp"] for line in lines] == list(range(2000))
    assert lines[0] == {"type": "command", "timestamp": 0, "content": '{"command": "tts", "text": "schöne Grüße"}'}
    assert lines[1] == {"type": "event", "timestamp": 1, "content": '{"event": "custom", "n": 1}'}


def test_a_dump_is_appended_to(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    for n in range(2):
        file = DumpFile(tmp_path / "d" / "s.events.jsonl", pool)
        file.event(n, "{}")
        file.close().result(5)
    assert len(lines_of(tmp_path / "d" / "s.events.jsonl")) == 2


def test_no_known_secret_is_in_a_dump_and_its_lines_stay_json(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    file = DumpFile(tmp_path / "s.events.jsonl", pool)
    file.hide(["k-123456", "1795"])
    file.event(1795, '{"timestamp":1795000,"error":"bad key k-123456, pin 1795"}')
    file.close().result(5)
    (line,) = lines_of(tmp_path / "s.events.jsonl")
    assert line["timestamp"] == 1795
    assert json.loads(line["content"]) == {"timestamp": 1795000, "error": "bad key ***, pin ***"}


def test_a_dump_without_a_line_makes_no_file(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    file = DumpFile(tmp_path / "s.events.jsonl", pool)
    file.close().result(5)
    assert not file.path.exists()


def test_a_disk_that_refuses_is_one_error(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    (tmp_path / "file").write_bytes(b"")
    errors: list[str] = []
    file = DumpFile(tmp_path / "file" / "s.events.jsonl", pool, on_error=errors.append)
    for n in range(100):
        file.event(n, "{}")
    file.close().result(5)
    assert len(errors) == 1
    assert str(tmp_path) not in errors[0]


def test_a_session_id_cannot_lead_a_dump_astray(tmp_path: Path) -> None:
    with pytest.raises(PathRefused):
        dump_path("../x", PathPolicy([tmp_path]).resolve)
