"""`interrupt` with `fadeOutMs`, and what a pause has to do with what is said later."""

import numpy as np
import pytest
from tests.call.controlled import TEN, Controlled

from active_call.testing.virtual_time import in_virtual_time


def peaks(s, since):
    return [int(np.abs(frame.astype(int)).max()) for _, frame in s.wire.sent[since:]]


@in_virtual_time
async def test_an_interrupt_with_fade_out_dies_away_and_one_without_stops_at_once():
    async with Controlled() as s:
        for fade_ms in (0, 300):
            await s.send("tts", text=TEN, playId=str(fade_ms))
            await s.call_time(0.4)
            before = len(s.wire.sent)
            await s.send("interrupt", fadeOutMs=fade_ms)
            end = await s.until("trackEnd", playId=str(fade_ms))
            assert end["duration"] < 500
            await s.call_time(1)
            heard = peaks(s, before)
            assert len(heard) * 20 == pytest.approx(fade_ms, abs=20)
            if fade_ms:
                assert heard[0] > 6000
                assert heard[-1] < 1000
                assert heard == sorted(heard, reverse=True)


@in_virtual_time
async def test_what_is_said_while_the_old_fades_follows_it():
    async with Controlled() as s:
        await s.send("tts", text=TEN, playId="old")
        await s.call_time(0.4)
        await s.send("interrupt", fadeOutMs=300)
        before = len(s.wire.sent)
        await s.send("tts", text="New.", playId="new")
        assert (await s.until("trackEnd", playId="new"))["duration"] == 80
        assert len(s.wire.sent) - before == pytest.approx((300 + 80) // 20, abs=1)


@pytest.mark.parametrize("then", ["interrupt", "replace"])
@in_virtual_time
async def test_a_pause_ends_with_what_was_paused(then):
    async with Controlled() as s:
        await s.send("tts", text=TEN, playId="old")
        await s.call_time(0.4)
        await s.send("pause")
        await s.call_time(0.2)
        if then == "interrupt":
            await s.send("interrupt")
        await s.send("tts", text="New.", playId="new")
        assert (await s.until("trackEnd", playId="new", patience=2))["duration"] == 80


@in_virtual_time
async def test_what_is_added_to_a_paused_track_waits_with_it():
    async with Controlled() as s:
        await s.send("tts", text="One.", playId="p")
        await s.call_time(0.02)
        await s.send("pause")
        await s.send("tts", text="Two.", playId="p")
        await s.call_time(3)
        assert not s.all("trackEnd", playId="p")
        await s.send("resume")
        assert (await s.until("trackEnd", playId="p"))["duration"] == 160
