from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from active_call.audio import Resampler, resample, silence

RATES = [
    (8000, 16000),
    (16000, 8000),
    (24000, 16000),
    (48000, 16000),
    (16000, 48000),
    (22050, 16000),
    (44100, 16000),
    (16000, 24000),
    (11025, 16000),
    (16000, 16000),
]


def sine(hz, rate_hz, *, seconds=0.5, amplitude=20000):
    return np.rint(amplitude * np.sin(2 * np.pi * hz * np.arange(int(rate_hz * seconds)) / rate_hz)).astype(np.int16)


def noise(n, seed=0):
    return np.random.default_rng(seed).integers(-32768, 32768, n).astype(np.int16)


def decibels(samples, amplitude=20000):
    """Level of the middle of a tone, relative to a sine of `amplitude`."""
    middle = samples[samples.size // 10 : -samples.size // 10].astype(float)
    return 20 * np.log10(max(np.sqrt(2 * np.mean(middle**2)), 1e-3) / amplitude)


def in_pieces(stream, samples, cuts):
    pieces = [stream.process(piece) for piece in np.split(samples, sorted(cuts))]
    return np.concatenate([*pieces, stream.flush()])


# ---------------------------------------------------------------- lengths


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
@pytest.mark.parametrize("n", [0, 1, 7, 320, 5000])
def test_the_length_is_the_input_times_the_ratio_rounded_up(from_hz, to_hz, n):
    assert resample(noise(n), from_hz, to_hz).size == -(-n * Fraction(to_hz, from_hz) // 1)


@pytest.mark.parametrize(("from_hz", "to_hz"), [rates for rates in RATES if rates[0] % 50 == 0])
def test_a_steady_stream_gives_a_frame_for_each_frame_from_the_first(from_hz, to_hz):
    stream = Resampler(from_hz, to_hz, steady=True)
    assert [stream.process(noise(from_hz // 50)).size for _ in range(100)] == [to_hz // 50] * 100


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_an_aligned_stream_holds_back_no_more_than_its_delay(from_hz, to_hz):
    stream = Resampler(from_hz, to_hz)
    given_ms = got_ms = 0.0
    for n in (1, 100, 321, 0, 5000):
        given_ms += 1000 * n / from_hz
        got_ms += 1000 * stream.process(noise(n)).size / to_hz
        assert given_ms - got_ms <= stream.delay_ms + 1e-9


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_the_delay_is_two_milliseconds_at_eight_kilohertz_and_less_above(from_hz, to_hz):
    expected = 0.0 if from_hz == to_hz else 16000 / min(from_hz, to_hz)
    assert Resampler(from_hz, to_hz).delay_ms == pytest.approx(expected)
    assert Resampler(from_hz, to_hz, steady=True).delay_ms == pytest.approx(expected)


# ---------------------------------------------------------------- streams


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 4000), max_size=12))
def test_a_stream_in_any_pieces_equals_the_whole_to_the_bit(from_hz, to_hz, cuts):
    samples = noise(4000)
    assert np.array_equal(in_pieces(Resampler(from_hz, to_hz), samples, cuts), resample(samples, from_hz, to_hz))


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_single_samples_equal_the_whole_to_the_bit(from_hz, to_hz):
    samples = noise(300)
    pieces = in_pieces(Resampler(from_hz, to_hz), samples, range(300))
    assert np.array_equal(pieces, resample(samples, from_hz, to_hz))


@settings(max_examples=60, deadline=None)
@given(
    from_hz=st.integers(1, 60).map(lambda n: n * 800),
    to_hz=st.integers(1, 60).map(lambda n: n * 800),
    steady=st.booleans(),
    cuts=st.lists(st.integers(0, 3000), max_size=5),
)
def test_any_ratio_in_any_pieces_equals_the_whole_to_the_bit(from_hz, to_hz, steady, cuts):
    samples = noise(3000)
    whole = in_pieces(Resampler(from_hz, to_hz, steady=steady), samples, [])
    assert np.array_equal(in_pieces(Resampler(from_hz, to_hz, steady=steady), samples, cuts), whole)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(8000, 16000), (16000, 8000), (48000, 16000)])
def test_a_steady_stream_is_the_aligned_one_after_its_delay(from_hz, to_hz):
    samples = noise(4800)
    stream = Resampler(from_hz, to_hz, steady=True)
    delay = round(stream.delay_ms * to_hz / 1000)
    late = in_pieces(stream, samples, [100, 333])
    assert np.array_equal(late[delay:], resample(samples, from_hz, to_hz))


@pytest.mark.parametrize("end", ["reset", "flush"])
def test_a_stream_can_be_used_again_and_remembers_nothing(end):
    stream = Resampler(16000, 8000)
    stream.process(noise(777))
    getattr(stream, end)()
    samples = noise(500, seed=1)
    assert np.array_equal(in_pieces(stream, samples, []), resample(samples, 16000, 8000))


def test_two_streams_of_one_ratio_do_not_hear_each_other():
    one, other = Resampler(8000, 16000), Resampler(8000, 16000)
    samples = noise(160)
    alone = Resampler(8000, 16000).process(samples)
    other.process(noise(160, seed=2))
    assert np.array_equal(one.process(samples), alone)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(16000, 16000), (8000, 16000)])
def test_the_result_is_a_new_array(from_hz, to_hz):
    samples = noise(320)
    kept = samples.copy()
    stream = Resampler(from_hz, to_hz, steady=True)
    first = stream.process(samples)
    before = first.copy()
    stream.process(samples)
    assert np.array_equal(first, before)
    first[:] = 0
    assert np.array_equal(samples, kept)


# ---------------------------------------------------------------- quality


@pytest.mark.parametrize(("from_hz", "to_hz"), [(8000, 16000), (16000, 8000)])
@pytest.mark.parametrize("hz", [100, 300, 1000, 2000, 3000, 3400])
def test_telephone_speech_passes_within_half_a_decibel(from_hz, to_hz, hz):
    assert abs(decibels(resample(sine(hz, from_hz), from_hz, to_hz))) < 0.5


@pytest.mark.parametrize("hz", [4600, 5000, 6000, 7000, 7900])
def test_what_eight_kilohertz_cannot_hold_does_not_fold_back(hz):
    assert decibels(resample(sine(hz, 16000), 16000, 8000)) < -60


@pytest.mark.parametrize(
    ("from_hz", "hz"), [(48000, 9200), (48000, 15000), (24000, 9200), (44100, 9200), (22050, 9200)]
)
def test_what_sixteen_kilohertz_cannot_hold_does_not_fold_back(from_hz, hz):
    assert decibels(resample(sine(hz, from_hz), from_hz, 16000)) < -60


@pytest.mark.parametrize("from_hz", [22050, 24000, 44100, 48000])
@pytest.mark.parametrize("hz", [100, 3000, 6800])
def test_wideband_speech_passes_within_half_a_decibel(from_hz, hz):
    assert abs(decibels(resample(sine(hz, from_hz), from_hz, 16000))) < 0.5


def test_no_image_appears_above_four_kilohertz():
    spectrum = np.abs(np.fft.rfft(resample(sine(1000, 8000), 8000, 16000)[800:-800] * np.hanning(6400)))
    hz = np.fft.rfftfreq(6400, 1 / 16000)
    assert 20 * np.log10(spectrum[hz > 4600].max() / spectrum.max()) < -60


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_a_tone_keeps_its_place_and_shape(from_hz, to_hz):
    got = resample(sine(440, from_hz), from_hz, to_hz)
    expected = sine(440, to_hz)[: got.size]
    inner = slice(to_hz // 100, -to_hz // 100)
    assert np.abs(got[: expected.size][inner].astype(int) - expected[inner]).max() <= 12


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_a_constant_stays_exactly_constant(from_hz, to_hz):
    got = resample(np.full(4000, 12345, np.int16), from_hz, to_hz)
    edge = to_hz // 200
    assert set(got[edge:-edge].tolist()) == {12345}


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_silence_stays_silence(from_hz, to_hz):
    assert not resample(silence(1000), from_hz, to_hz).any()


def test_overshoot_is_clipped_and_does_not_wrap_around():
    square = np.repeat(np.array([32767, -32768] * 20, np.int16), 40)
    got = resample(square, 8000, 16000).astype(int)
    assert got.max() == 32767
    assert got.min() == -32768
    assert np.all(got.reshape(-1, 80)[:, 10:70] * np.tile([1, -1], 20)[:, None] > 20000)


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize("rates", [(0, 16000), (16000, -8000)])
def test_a_rate_that_is_not_positive_is_refused(rates):
    with pytest.raises(ValueError, match="rates are positive"):
        Resampler(*rates)


def test_a_rate_without_a_practical_ratio_is_refused_before_memory_is_spent():
    with pytest.raises(ValueError, match=r"47999 Hz.*standard rate"):
        Resampler(47999, 16000)


def test_floats_are_refused_because_they_would_come_out_as_silence():
    with pytest.raises(TypeError, match="not float32"):
        Resampler(8000, 16000).process(np.zeros(160, np.float32))
