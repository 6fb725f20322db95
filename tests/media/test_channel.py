from typing import Any

import numpy as np
from tests.media.test_clock import SLOTS, House

from active_call.media.mixer import Mixer


def test_a_leg_of_8_khz_is_sent_frames_of_160_samples(utter: Any) -> None:
    house = House(1, rate_hz=8000)
    house.channels[0].playback.say(utter("a", 3200))
    house.tick(60)
    assert [len(frame) for _, frame in house.legs[0].sent] == [160] * 10


def test_what_a_leg_of_8_khz_still_holds_counts_twice_in_the_ledger(utter: Any) -> None:
    house = House(1, rate_hz=8000)
    house.channels[0].playback.say(utter("a", 3200))
    house.tick(3 * SLOTS)
    house.legs[0].unsent_samples = 160
    [(_, heard)] = house.channels[0].playback.cut()
    assert heard.heard_ms == 40


def test_nothing_of_the_last_utterance_is_heard_at_the_beginning_of_the_next(utter: Any) -> None:
    house = House(1, rate_hz=8000)
    playback = house.channels[0].playback
    playback.say(utter("loud", 320, first=20000))
    house.tick(30)
    quiet = utter("quiet", 0)
    quiet.spans[0].push(np.zeros(320, np.int16))
    playback.say(quiet)
    house.tick(30)
    assert len(house.legs[0].sent) == 2
    assert not house.legs[0].sent[1][1].any()


def test_a_muted_party_is_heard_as_silence_of_the_same_length() -> None:
    house = House(1)
    house.channels[0].muted = True
    house.legs[0].hear(np.full(320, 5000, np.int16))
    house.tick()
    assert house.channels[0].intake.written == 320
    assert not house.channels[0].intake.read(0, 320).any()


def test_a_second_source_is_heard_while_playback_is_silent() -> None:
    house = House(1)
    channel = house.channels[0]
    assert isinstance(channel.mixer, Mixer)
    channel.mixer.add(lambda: np.full(320, 7, np.int16))
    house.clock.speak(channel)
    house.tick(8)
    assert [int(frame[0]) for _, frame in house.legs[0].sent] == [7, 7]


def test_a_closed_channel_is_neither_pulled_nor_heard(utter: Any) -> None:
    house = House(1)
    channel = house.channels[0]
    channel.playback.say(utter("a", 3200))
    house.legs[0].hear(np.zeros(320, np.int16))
    channel.close()
    house.tick(20)
    assert house.legs[0].sent == []
    assert channel.intake.written == 0
