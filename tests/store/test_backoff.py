"""When a failed delivery is tried again, and when it is given up."""

from active_call.store.backoff import DAY_S, Backoff


def test_waits_double_up_to_the_longest_and_spread() -> None:
    backoff = Backoff(first_s=1, longest_s=60)
    for attempts, plain in ((1, 1), (2, 2), (5, 16), (7, 60), (1000, 60)):
        waits = {backoff.wait_s(attempts) for _ in range(50)}
        assert plain * 0.75 <= min(waits) <= max(waits) <= plain * 1.25
        assert len(waits) > 10


def test_it_is_given_up_by_age_or_by_attempts() -> None:
    backoff = Backoff(give_up_attempts=10)
    assert not backoff.hopeless(9, 2.9 * DAY_S)
    assert backoff.hopeless(9, 3 * DAY_S)
    assert backoff.hopeless(10, 0)
