from hypothesis import given
from hypothesis import strategies as st

from active_call.media.schedule import CATCH_UP_SLOTS, SLOT_MS, SLOTS, Schedule


def test_one_slot_is_due_every_five_ms() -> None:
    schedule = Schedule(1000)
    assert [schedule.due(1000 + ms) for ms in (0, 3, 5, 6, 10, 15.2)] == [0, 0, 1, 0, 1, 1]


def test_waking_a_little_early_counts_so_that_whole_millisecond_timers_do_not_spin() -> None:
    schedule = Schedule(0)
    assert schedule.due(4.2) == 1
    assert schedule.due_ms == 2 * SLOT_MS


def test_a_late_clock_makes_up_for_what_it_missed() -> None:
    schedule = Schedule(0)
    assert schedule.due(SLOT_MS + 60) == 1 + CATCH_UP_SLOTS
    assert schedule.skipped_slots == 0
    assert schedule.due_ms == SLOT_MS + 60 + SLOT_MS


def test_what_is_older_than_three_frames_is_skipped_and_counted() -> None:
    schedule = Schedule(0)
    assert schedule.due(SLOT_MS + 1000) == 1 + CATCH_UP_SLOTS
    assert schedule.skipped_slots == 1000 // SLOT_MS - CATCH_UP_SLOTS
    assert schedule.due(SLOT_MS + 1000) == 0
    assert schedule.due(SLOT_MS + 1005) == 1


@given(st.lists(st.floats(0, 200), max_size=50))
def test_lateness_never_adds_up(waits: list[float]) -> None:
    schedule, now, ticked = Schedule(0), 0.0, 0
    for wait in waits:
        now += wait
        due = schedule.due(now)
        assert due <= 1 + CATCH_UP_SLOTS
        ticked += due
        assert now - 1 <= schedule.due_ms <= now + SLOT_MS + 1.001
        assert (ticked + schedule.skipped_slots) * SLOT_MS == schedule.due_ms - SLOT_MS


def test_a_frame_has_four_slots() -> None:
    assert SLOTS * SLOT_MS == 20
