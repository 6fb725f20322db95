import numpy as np

from active_call.media.mixer import Mixer

ONE = np.full(320, 1000, np.int16)


def test_a_lone_source_is_passed_on_untouched() -> None:
    assert Mixer(lambda: ONE).pull() is ONE
    assert Mixer(lambda: None).pull() is None


def test_what_sounds_together_is_added_and_what_is_silent_is_left_out() -> None:
    mixer = Mixer(lambda: ONE)
    mixer.add(lambda: ONE * 2)
    mixer.add(lambda: None)
    frame = mixer.pull()
    assert frame is not None
    assert (frame == 3000).all()


def test_it_saturates_instead_of_wrapping() -> None:
    mixer = Mixer(lambda: ONE * 30)
    mixer.add(lambda: ONE * 30)
    frame = mixer.pull()
    assert frame is not None
    assert (frame == 32767).all()


def test_nothing_sounds_when_every_source_is_silent() -> None:
    mixer = Mixer(lambda: None)
    mixer.add(lambda: None)
    assert mixer.pull() is None


def test_a_second_source_makes_the_clock_pull_always_until_it_is_removed() -> None:
    mixer = Mixer(lambda: None)
    source = lambda: ONE  # noqa: E731
    mixer.add(source)
    assert mixer.extra
    mixer.remove(source)
    assert not mixer.extra
