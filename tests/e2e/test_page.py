"""The Rust server's own page: it stages a playbook, calls by its id, and shows what it reads in the events."""

import asyncio
import json
from typing import Any

import httpx
import websockets
from tests.e2e.test_go_client import House, house

from active_call.plugin.leg import Answered
from active_call.testing.fakes import tone
from active_call.testing.session import book

__all__ = ["house"]

SEEN = {
    "answer": {"sdp"},
    "speaking": set(),
    "silence": set(),
    "asrfinal": {"text", "endTime"},
    "trackstart": set(),
    "trackend": set(),
    "addhistory": {"speaker", "text"},
}
METRICS = {
    "tts_play_id_map": {"playId", "text"},
    "llm_call_start": {"playId"},
    "llm_response": {"response", "duration", "ttfb", "playId"},
    "completed.tts.fake": {"ttfb", "playId"},
}


async def staged(base: str, body: dict[str, str]) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{base}/api/playbook/run", json=body)
    assert answer.status_code == 200
    return str(answer.json()["session_id"])


async def test_it_stages_a_playbook_and_shows_the_call_that_runs_it(house: House) -> None:
    house.fakes.transcripts, house.fakes.replies = ["what is up"], ["All good. And you?"]
    content = book(more="greeting: Hello there.")
    session_id = await staged(house.base, {"content": content, "type": "sip", "to": "sip:bob@example.com"})
    assert session_id.startswith("s.")
    events: list[dict[str, Any]] = []
    async with websockets.connect(f"{house.base.replace('http', 'ws')}/call/sip?id={session_id}") as socket:
        await socket.send(json.dumps({"command": "invite", "option": {"callee": "sip:bob@example.com"}}))
        phone = await house.exchange.phone(session_id)
        phone.tell(Answered(sdp="v=0\r\n"))
        ended = 0
        async with asyncio.timeout(10):
            while ended < 2:
                event = json.loads(await socket.recv())  # audio would not be JSON
                events.append(event)
                if event["event"] == "trackEnd":
                    ended += 1
                    if ended == 1:
                        speaking = asyncio.create_task(_speak(phone))
        await speaking
        await socket.send('{"command":"hangup"}')
    for event in events:
        name = event["event"].lower()
        assert SEEN.get(name, set()) <= event.keys()
        if name == "metrics" and event["key"] in METRICS:
            assert METRICS[event["key"]] <= event["data"].keys()
            assert type(event["duration"]) is int
    assert {event["event"].lower() for event in events} >= SEEN.keys()
    assert {event["key"] for event in events if event["event"] == "metrics"} >= METRICS.keys()
    replies = [event["data"] for event in events if event.get("key") == "llm_response"]
    assert replies[0]["response"] == "All good. And you?"
    tracks = [event["playId"] for event in events if event["event"] == "trackStart" and "playId" in event]
    assert tracks[-1] == replies[0]["playId"]
    said = [(event["speaker"], event["text"]) for event in events if event["event"] == "addHistory"]
    assert said[0] == ("assistant", "Hello there.")


async def _speak(phone: Any) -> None:
    for frame in [tone(0.02)[::2]] * 20 + [tone(0.02)[::2] * 0] * 60:
        phone.on_audio(frame)
        await asyncio.sleep(0.02)


async def test_a_call_that_it_leaves_at_once_ends(house: House) -> None:
    session_id = await staged(house.base, {"content": book(), "type": "webrtc"})
    async with websockets.connect(f"{house.base.replace('http', 'ws')}/call?id={session_id}") as socket:
        await socket.send('{"command":"invite","option":{}}')
        while json.loads(await socket.recv())["event"] != "answer":
            pass
        await socket.send('{"command":"hangup"}')
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(100):
            await asyncio.sleep(0.02)
            left = (await client.get(f"{house.base}/list")).json()["active_calls"]
            if not left:
                break
    assert left == []
