import asyncio
import logging
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.media.conftest import Notices

from active_call.audio import FRAME_SAMPLES
from active_call.media.channel import Channel
from active_call.media.clock import FAILURES, MediaClock
from active_call.media.edges import SpeechBegan, SpeechEdges, SpeechEnded
from active_call.media.schedule import SLOTS
from active_call.providers.host import CoreHost
from active_call.testing.fakes import EnergyDetector


class FakeLeg:
    """Keeps the frames it is sent, with the tick at which each came."""

    def __init__(self, rate_hz: int = 16000) -> None:
        self.rate_hz = rate_hz
        self.unsent_samples = 0
        self.sent: list[tuple[int, np.ndarray]] = []
        self.error: Exception | None = None
        self.tick = 0
        self.hear: Any = None

    def attach(self, on_audio: Any) -> None:
        self.hear = on_audio

    def send(self, frame: np.ndarray) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append((self.tick, frame))

    def flush(self) -> int:
        return 0


class House:
    """A clock with legs and a time that moves 5 ms with every tick."""

    def __init__(self, legs: int, rate_hz: int = 16000) -> None:
        self.ms = 0
        self.clock = MediaClock(lambda: self.ms)
        self.notices = [Notices() for _ in range(legs)]
        self.legs = [FakeLeg(rate_hz) for _ in range(legs)]
        self.channels: list[Channel] = []
        for leg, notices in zip(self.legs, self.notices, strict=True):
            self.channels.append(Channel(leg, self.clock, notices))  # type: ignore[arg-type]

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.ms += 5
            for leg in self.legs:
                leg.tick += 1
            self.clock.tick()


def test_legs_are_spread_over_the_slots() -> None:
    house = House(8)
    assert sorted(channel.slot for channel in house.channels) == [0, 0, 1, 1, 2, 2, 3, 3]
    house.channels[0].close()
    assert house.clock.channels == 7
    late = Channel(FakeLeg(), house.clock, Notices())  # type: ignore[arg-type]
    assert late.slot == house.channels[0].slot


def test_a_speaking_leg_gets_a_frame_every_four_slots(utter: Any) -> None:
    house = House(3)
    for channel, name in zip(house.channels, "abc", strict=True):
        channel.playback.say(utter(name, 10 * FRAME_SAMPLES))
        house.tick()
    house.tick(60)
    for leg in house.legs:
        ticks = [tick for tick, _ in leg.sent]
        assert len(ticks) == 10
        assert set(np.diff(ticks)) == {SLOTS}


def test_a_leg_that_was_silent_gets_its_first_frame_in_the_very_next_slot(utter: Any) -> None:
    house = House(1)
    for after in range(7, 7 + SLOTS):
        house.tick(after)
        before = house.legs[0].tick
        house.channels[0].playback.say(utter(str(after), 320))
        house.tick()
        assert house.legs[0].sent[-1][0] == before + 1
        house.tick(8)


def test_a_leg_that_speaks_on_is_not_sent_two_frames_within_20_ms(utter: Any) -> None:
    house = House(1)
    house.channels[0].playback.say(utter("a", 320))
    house.tick()
    house.channels[0].playback.say(utter("b", 320))
    house.tick(12)
    assert [tick for tick, _ in house.legs[0].sent] == [1, 1 + SLOTS]


def test_nobody_is_pulled_while_nothing_is_to_be_said() -> None:
    house = House(2)
    house.tick(20)
    assert [channel.last_tick for channel in house.channels] == [-1000, -1000]


def test_a_leg_that_fails_does_not_silence_the_others(utter: Any, caplog: pytest.LogCaptureFixture) -> None:
    house = House(2)
    house.legs[0].error = OSError("gone")
    for channel in house.channels:
        channel.playback.say(utter("a", 20 * 320))
    with caplog.at_level(logging.ERROR):
        house.tick(100)
    assert len(house.legs[1].sent) == 20
    assert house.clock.channels == 1
    assert len(caplog.records) == 2  # once with its cause, once when it is given up


def test_a_leg_that_fails_now_and_then_stays(utter: Any) -> None:
    house = House(1)
    house.channels[0].playback.say(utter("a", 20 * 320))
    for _ in range(3):
        house.legs[0].error = OSError("full")
        house.tick(SLOTS * (FAILURES - 1))
        house.legs[0].error = None
        house.tick(SLOTS)
    house.tick(50)
    assert house.clock.channels == 1
    assert len(house.legs[0].sent) == 20 - 3 * (FAILURES - 1)


def test_audio_that_cannot_be_taken_in_does_not_stop_the_clock(caplog: pytest.LogCaptureFixture) -> None:
    house = House(2)
    house.legs[0].hear(np.zeros((2, 2), np.int16))
    house.legs[1].hear(np.zeros(320, np.int16))
    with caplog.at_level(logging.ERROR):
        house.tick()
    assert house.channels[1].intake.written == 320
    assert "taken in" in caplog.text


def test_one_detector_is_shared_by_all_legs_and_edges_come_in_the_tick() -> None:
    house = House(2)
    detector, told = EnergyDetector(), []
    for channel in house.channels:
        channel.detect(detector, SpeechEdges(window=512), lambda edge, now_ms: told.append((edge, now_ms)))
    assert detector.joined == {0, 1}
    for _ in range(20):
        for leg in house.legs:
            leg.hear(np.full(320, 5000, np.int16))
        house.tick(SLOTS)
    assert [edge for edge, _ in told] == [SpeechBegan(0)] * 2
    house.channels[0].close()
    assert detector.joined == {1}


def test_speech_of_a_leg_that_delivers_nothing_ends_within_half_a_second() -> None:
    house = House(1)
    told: list[Any] = []
    house.channels[0].detect(EnergyDetector(), SpeechEdges(window=512), lambda edge, now_ms: told.append(edge))
    for _ in range(20):
        house.legs[0].hear(np.full(320, 5000, np.int16))
        house.tick(SLOTS)
    house.tick(500 // 5)
    assert [type(edge) for edge in told] == [SpeechBegan, SpeechEnded]


# ------------------------------------------------------------ time


async def test_it_ticks_only_while_somebody_has_joined() -> None:
    async with MediaClock() as clock:
        ticks: list[float] = []
        clock.tick = lambda: ticks.append(time.perf_counter())  # type: ignore[method-assign]
        await asyncio.sleep(0.03)
        assert ticks == []
        channel = Channel(FakeLeg(), clock, Notices())  # type: ignore[arg-type]
        await asyncio.sleep(0.1)
        assert len(ticks) >= 5
        channel.close()
        await asyncio.sleep(0.02)
        count = len(ticks)
        await asyncio.sleep(0.03)
        assert len(ticks) == count
        Channel(FakeLeg(), clock, Notices())  # type: ignore[arg-type]
        await asyncio.sleep(0.03)
        assert len(ticks) > count
    count = len(ticks)
    await asyncio.sleep(0.02)
    assert len(ticks) == count


async def test_a_loop_that_was_blocked_is_made_up_for_by_three_frames_and_the_rest_is_counted() -> None:
    async with MediaClock() as clock:
        ticks: list[float] = []
        clock.tick = lambda: ticks.append(time.perf_counter())  # type: ignore[method-assign]
        Channel(FakeLeg(), clock, Notices())  # type: ignore[arg-type]
        await asyncio.sleep(0.02)
        before = len(ticks)
        time.sleep(0.3)  # noqa: ASYNC251
        await asyncio.sleep(0.001)
        assert len(ticks) - before >= 13
        assert clock.skipped_frames >= 10
        assert max(clock.late_ms) > 200


async def test_a_tick_that_raises_does_not_stop_the_clock(caplog: pytest.LogCaptureFixture) -> None:
    raised: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: raised.append(context["exception"]))
    async with MediaClock() as clock:
        ticks: list[int] = []

        def tick() -> None:
            ticks.append(1)
            raise RuntimeError("a bug")

        clock.tick = tick  # type: ignore[method-assign]
        Channel(FakeLeg(), clock, Notices())  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
    assert len(ticks) > 3
    assert len(raised) == len(ticks)


async def test_a_provider_that_blocks_holds_up_nobody_because_it_runs_off_the_loop() -> None:
    host = CoreHost(SimpleNamespace(), environ={}, threads=1)  # type: ignore[arg-type]
    async with MediaClock() as clock:
        Channel(FakeLeg(), clock, Notices())  # type: ignore[arg-type]
        await asyncio.sleep(0.02)
        clock.late_ms.clear()
        await host.run(time.sleep, 0.4)
        assert len(clock.late_ms) > 20
        assert clock.skipped_frames == 0
    await host.aclose()
