import warnings
from hashlib import sha256

import numpy as np
import pytest

from active_call.audio import decode_alaw, decode_ulaw, encode_alaw, encode_ulaw, to_s16le
from active_call.audio.g711 import ALAW_SILENCE, ULAW_SILENCE

EVERY_SAMPLE = np.arange(65536, dtype=np.uint16).view(np.int16)
EVERY_OCTET = bytes(range(256))

# SHA-256 of what the C implementation in CPython 3.11 (audioop) makes of every input, in the order above.
GOLDEN = {
    encode_ulaw: "617fa4850d68d3906597e949f7625fb2fc46db479e29707f33159b3d131721cb",
    encode_alaw: "f77c76aa923ee25617453f87514828a12896227f82ff383bf3bb53d6ac7c2a0f",
    decode_ulaw: "3dab54339e520bb2c924826e3b72a917a2b612e9fd12fc867500f1d983a75827",
    decode_alaw: "e04788d110e58ff8c70c93b8480190d973e3b67876b6119abbaec766cc75c174",
}


@pytest.mark.parametrize("encode", [encode_ulaw, encode_alaw])
def test_all_65536_samples_encode_as_in_the_c_implementation(encode):
    assert sha256(encode(EVERY_SAMPLE)).hexdigest() == GOLDEN[encode]


@pytest.mark.parametrize("decode", [decode_ulaw, decode_alaw])
def test_all_256_octets_decode_as_in_the_c_implementation(decode):
    assert sha256(to_s16le(decode(EVERY_OCTET))).hexdigest() == GOLDEN[decode]


def test_the_golden_sums_are_those_of_audioop():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        audioop = pytest.importorskip("audioop")  # gone from Python 3.13
    samples = EVERY_SAMPLE.tobytes()
    assert sha256(audioop.lin2ulaw(samples, 2)).hexdigest() == GOLDEN[encode_ulaw]
    assert sha256(audioop.lin2alaw(samples, 2)).hexdigest() == GOLDEN[encode_alaw]
    for decode, theirs in ((decode_ulaw, audioop.ulaw2lin), (decode_alaw, audioop.alaw2lin)):
        assert decode(EVERY_OCTET).tobytes() == theirs(EVERY_OCTET, 2)


def test_values_from_the_tables_of_the_standard():
    # Tables 2a and 1a of G.711: the extreme decoder outputs (14 and 13 bits, here scaled to 16) and the smallest.
    assert decode_ulaw(b"\x80\x00\xff\x7f").tolist() == [8031 * 4, -8031 * 4, 0, 0]
    assert decode_alaw(b"\xaa\x2a\xd5\x55").tolist() == [4032 * 8, -4032 * 8, 8, -8]


@pytest.mark.parametrize(
    ("encode", "decode", "wrong_by"), [(encode_ulaw, decode_ulaw, 644), (encode_alaw, decode_alaw, 512)]
)
def test_a_round_trip_is_wrong_by_half_a_step_of_the_top_segment_at_most(encode, decode, wrong_by):
    error = decode(encode(EVERY_SAMPLE)).astype(int) - EVERY_SAMPLE
    assert np.abs(error).max() <= wrong_by


@pytest.mark.parametrize(("encode", "decode"), [(encode_ulaw, decode_ulaw), (encode_alaw, decode_alaw)])
def test_transcoding_twice_changes_nothing_more(encode, decode):
    once = encode(decode(EVERY_OCTET))
    assert encode(decode(once)) == once


def test_digital_silence_has_its_own_octet():
    assert encode_ulaw(np.zeros(2, np.int16)) == bytes([ULAW_SILENCE] * 2)
    assert encode_alaw(np.zeros(2, np.int16)) == bytes([ALAW_SILENCE] * 2)


def test_every_second_sample_of_a_stereo_array_can_be_encoded():
    stereo = np.array([[100, 9], [-3000, 9]], np.int16)
    assert encode_ulaw(stereo[:, 0]) == encode_ulaw(np.array([100, -3000], np.int16))


def test_nothing_becomes_nothing():
    assert encode_ulaw(np.zeros(0, np.int16)) == encode_alaw(np.zeros(0, np.int16)) == b""
    assert decode_ulaw(b"").size == decode_alaw(b"").size == 0
