"""What a call leaves behind on a real server: its recording, its dump file and its record tell one story."""

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from active_call.audio.wav import read_wav
from active_call.builtin.websocket import WebSocketLeg
from active_call.cli.archive import archive
from active_call.cli.http import bind, listening
from active_call.cli.runtime import Paths, Runtime
from active_call.config.keeping import LocalRecords, Recording
from active_call.config.settings import Settings
from active_call.plugin.discovery import discover
from active_call.server.app import application
from active_call.testing.caller import Caller
from active_call.testing.fakes import Fakes, tone
from active_call.testing.session import FAKE_OPTION

SECRET = "hush-hush-hush"


async def hold_a_call(folder: Path, **option: Any) -> list[dict[str, Any]]:
    """The caller speaks for a second, then the server does; the events."""
    settings = Settings(
        recording=Recording(path=folder / "recorders"),
        callrecord=LocalRecords(type="local", root=folder / "cdr"),
        outbox_path=folder / "outbox",
    )
    runtime = Runtime(
        Paths(playbooks=[folder], media=[folder]),
        registry=discover(extra=[Fakes()]),
        models_dir=folder / "models",
        environ={},
        keep=lambda pool: archive(settings, pool),
    )
    listener = bind("127.0.0.1", 0)
    async with runtime.running() as manager, listening(application(manager), listener):
        async with Caller(f"http://127.0.0.1:{listener.getsockname()[1]}", "/call?id=kept") as caller:
            await caller.invite(
                **{**FAKE_OPTION, "tts": {"provider": "fake", "secretKey": SECRET}},
                recorder={"recorderFile": "one-{id}"},
                extra={"ticket": "7"},
                **option,
            )
            assert await caller.until("answer", 5)
            await caller.say(tone(1.0))
            await caller.send("tts", text="A sentence that lasts for one second, or nearly so.", playId="p")
            assert await caller.until("trackEnd", 5)
            await caller.send("custom", data=SECRET)
            await caller.hang_up(reason="lunch")
            assert await caller.until_closed(5)
        await manager.shut_down()
    return caller.events


async def test_a_recording_has_the_caller_left_the_server_right_and_lasts_as_long_as_the_call(tmp_path: Path) -> None:
    events = await hold_a_call(tmp_path)
    both, rate_hz = read_wav(tmp_path / "recorders" / "one-kept.wav")
    assert (rate_hz, both.shape[1]) == (16000, 2)
    times = {event["event"]: event["timestamp"] for event in events}
    lasted = (times["hangup"] - times["answer"]) / 1000
    assert len(both) / rate_hz == pytest.approx(lasted, abs=0.3)
    loud = np.abs(both.astype(np.int32)) > 1000
    left, right = (np.flatnonzero(loud[:, side]) for side in (0, 1))
    assert left[-1] < right[0] + 0.1 * rate_hz
    assert (left[-1] - left[0]) / rate_hz == pytest.approx(1.0, abs=0.1)
    assert (right[-1] - right[0]) / rate_hz == pytest.approx(1.0, abs=0.1)


async def test_a_dump_has_every_command_and_event_in_order_no_audio_and_no_secret(tmp_path: Path) -> None:
    events = await hold_a_call(tmp_path)
    text = (tmp_path / "recorders" / "kept.events.jsonl").read_text()
    assert SECRET not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert all(set(line) == {"type", "timestamp", "content"} for line in lines)
    told = [json.loads(line["content"]) for line in lines]
    dumped = [item["event"] for line, item in zip(lines, told, strict=True) if line["type"] == "event"]
    assert dumped == [event["event"] for event in events]
    commands = [item["command"] for line, item in zip(lines, told, strict=True) if line["type"] == "command"]
    assert commands == ["invite", "tts", "custom", "hangup"]
    assert told[0]["command"] == "invite"


async def test_a_record_says_how_it_ended_names_the_files_and_has_no_secret(tmp_path: Path) -> None:
    await hold_a_call(tmp_path, caller="sip:alice@example.com")
    [path] = (tmp_path / "cdr").rglob("*_kept.json")
    assert SECRET not in path.read_text()
    record = json.loads(path.read_text())
    assert (record["callId"], record["callType"], record["statusCode"]) == ("kept", "webSocket", 200)
    assert record["hangupReason"] == {"other": "lunch"}
    assert record["caller"] == "sip:alice@example.com"
    assert record["extras"]["ticket"] == "7"
    assert record["extras"]["session_id"] == "kept"
    [media] = record["recorder"]
    assert (tmp_path / "recorders" / Path(media["path"]).name).stat().st_size == media["size"] > 0
    assert Path(record["dumpEventFile"]).name == "kept.events.jsonl"


async def test_a_leg_that_fails_at_the_end_costs_neither_record_nor_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise ConnectionError("gone")

    monkeypatch.setattr(WebSocketLeg, "hang_up", fails)
    await hold_a_call(tmp_path)
    await asyncio.sleep(0)
    assert len(list((tmp_path / "cdr").rglob("*_kept.json"))) == 1
    assert (tmp_path / "recorders" / "one-kept.wav").stat().st_size > 64_000
