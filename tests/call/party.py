"""One call whose events are checked against what no call may do, whatever it was told."""

import asyncio
from typing import Any

from tests.call.phone import Exchange

from active_call.audio import FRAME_MS, FRAME_SAMPLES
from active_call.audio.frames import to_s16le
from active_call.call.manager import Manager
from active_call.protocol.commands import command_from
from active_call.protocol.events import to_wire
from active_call.testing.fakes import tone
from active_call.testing.session import Wire
from active_call.testing.virtual_time import VirtualLoop


class Party:
    """One call, its controller and its caller."""

    def __init__(self, manager: Manager, exchange: Exchange, number: int, *, phone: bool, content: str | None) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.events: list[dict[str, Any]] = []
        self.numbers: list[int] = []
        self.noted: list[str] = []
        """Texts of the `history` and `custom` commands that were sent."""
        self.due = 0
        """So many of them must come back."""
        self.wire = Wire([], loop.now_ms)
        call_id = f"call-{number}" if content is None else manager.directory.stage(content=content)
        self.call = manager.create(call_id, "sip" if phone else "webSocket", wire=self.wire)
        self._exchange = exchange
        self._reading = asyncio.create_task(self._read(), name="party reads")

    async def _read(self) -> None:
        async for number, event in self.call.events():
            self.numbers.append(number)
            self.events.append(to_wire(event))

    async def close(self) -> None:
        self.call.lost()
        await self.call.done()
        await self._reading

    @property
    def phone(self) -> Any:
        return self._exchange.phones.get(self.call.id)

    @property
    def ended(self) -> bool:
        return bool(self.events) and self.events[-1]["event"] == "hangup"

    def send(self, command: dict[str, Any]) -> None:
        self.call.command(command_from(command))

    async def say(self, seconds: float) -> None:
        samples = tone(seconds)
        for start in range(0, len(samples), FRAME_SAMPLES):
            frame = samples[start : start + FRAME_SAMPLES]
            if self.phone is not None and self.phone.on_audio is not None:
                self.phone.on_audio(frame[::2])
            elif self.wire.on_data is not None:
                self.wire.on_data(to_s16le(frame))
            await asyncio.sleep(FRAME_MS / 1000)

    # ------------------------------------------------------------ what must hold

    def check(self) -> None:
        assert self.numbers == sorted(set(self.numbers))
        names = [event["event"] for event in self.events]
        assert names.count("answer") <= 1, "two answers"
        assert "hangup" not in names[:-1], "something follows the hangup"
        times = [event["timestamp"] for event in self.events]
        assert times == sorted(times)
        for event in self.events:
            for key, value in event.items():
                if isinstance(value, int | float) and not isinstance(value, bool) and key != "confidence":
                    assert isinstance(value, int), f"{key} of {event} is a fraction"
                    assert value >= 0, f"{key} of {event} is negative"
        came = [event["text"] if "text" in event else event["data"] for event in self.events if _noted(event)]
        assert came == self.noted[: len(came)], "out of order"
        assert len(came) >= self.due, f"lost: {self.noted[len(came) : self.due]}"
        self._check_tracks()

    def _check_tracks(self) -> None:
        """One playback at a time, and an interruption only of the one that runs."""
        running: dict[str, str | None] = {}
        for event in self.events:
            track, play_id = event.get("trackId"), event.get("playId")
            match event["event"]:
                case "trackStart":
                    assert track not in running, f"{track} begins twice"
                    running[track] = play_id
                case "trackEnd":
                    assert track in running, f"{track} ends that did not run"
                    assert running.pop(track) == play_id, f"{track} ends as another"
                case "interruption":
                    assert running.get(track) == play_id
                    assert event["current"] <= event["totalDuration"]
                case "answer":
                    assert track in running
                case "hangup":
                    assert not running, f"{running} never ended"

    def check_end(self) -> None:
        self.check()
        assert self.ended, "no hangup"


def _noted(event: dict[str, Any]) -> bool:
    return event["event"] == "custom" or (event["event"] == "addHistory" and event["speaker"] == "note")
