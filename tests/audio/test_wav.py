import io
import struct
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.audio import (
    WavError,
    WavWriter,
    encode_alaw,
    encode_ulaw,
    load_mono,
    mono,
    read_wav,
    resample,
    to_s16le,
    write_wav,
)

RAMP = np.arange(-500, 500, dtype=np.int16)


def chunk(kind, body, size=None):
    return kind + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def fmt(tag=1, channels=1, rate_hz=8000, bits=16, extra=b""):
    align = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * align, align, bits) + extra)


def riff(*chunks, size=None):
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def read(data):
    samples, _ = read_wav(data)
    return samples[:, 0].tolist()


# ---------------------------------------------------------------- sample formats


@pytest.mark.parametrize(
    ("tag", "bits", "body", "expected"),
    [
        (1, 8, b"\x00\x80\xff", [-32768, 0, 32512]),
        (1, 16, b"\x00\x80\x01\x00", [-32768, 1]),
        (1, 24, b"\xff\x00\x80\xff\x01\x00", [-32768, 1]),
        (1, 32, b"\xff\xff\x00\x80\xff\xff\x01\x00", [-32768, 1]),
        (3, 32, struct.pack("<5f", -1, 0, 0.5, 1, 7), [-32768, 0, 16384, 32767, 32767]),
        (3, 32, struct.pack("<4f", float("nan"), float("inf"), float("-inf"), 3e38), [0, 32767, -32768, 32767]),
        (3, 32, b"\x01\x00\xa0\x7f", [0]),  # a signalling NaN
        (6, 8, encode_alaw(np.array([1000, -8], np.int16)), [1008, -8]),
        (7, 8, encode_ulaw(np.array([988, 0], np.int16)), [988, 0]),
    ],
)
def test_every_sample_format_becomes_sixteen_bits(tag, bits, body, expected):
    assert read(riff(fmt(tag, bits=bits), chunk(b"data", body))) == expected


@pytest.mark.parametrize(
    ("tag", "body", "expected"), [(1, b"\x34\x12\x00\x00\x00\x40", [16384]), (3, b"\x00\x00\x00\x3f", [16384])]
)
def test_an_extensible_format_is_read_by_its_sub_format(tag, body, expected):
    guid = struct.pack("<H", tag) + bytes.fromhex("000000001000800000aa00389b71")
    extra = struct.pack("<HHI", 22, 32, 4) + guid
    body = body[-4:]
    assert read(riff(fmt(0xFFFE, bits=32, extra=extra), chunk(b"data", body))) == expected


def test_channels_are_the_second_axis():
    body = to_s16le(np.array([1, 2, 3, 4, 5, 6], np.int16))
    samples, rate_hz = read_wav(riff(fmt(channels=2, rate_hz=44100), chunk(b"data", body)))
    assert samples.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert rate_hz == 44100


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_files_of_the_standard_library_can_be_read(bits):
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(2)
        writer.setsampwidth(bits // 8)
        writer.setframerate(16000)
        writer.writeframes(b"\x80" * (bits // 8) * 20)
    assert read_wav(file.getvalue())[0].shape == (10, 2)


# ---------------------------------------------------------------- chunks and lengths


def test_other_chunks_are_passed_over_even_with_an_odd_length():
    data = riff(chunk(b"LIST", b"odd"), fmt(extra=b"\0\0"), chunk(b"fact", b"1234"), chunk(b"data", to_s16le(RAMP)))
    assert read(data + chunk(b"id3 ", b"\xff" * 9)) == RAMP.tolist()


@pytest.mark.parametrize("riff_size", [0, 0xFFFFFFFF])
@pytest.mark.parametrize("data_size", [0, 0xFFFFFFFF])
def test_a_length_that_was_never_filled_in_means_all_that_is_there(riff_size, data_size):
    assert read(riff(fmt(), chunk(b"data", to_s16le(RAMP), data_size), size=riff_size)) == RAMP.tolist()


def test_an_empty_file_with_a_remark_behind_it_stays_empty():
    assert read(riff(fmt(), chunk(b"data", b""), chunk(b"LIST", b"remark"))) == []


def test_a_cut_file_yields_its_whole_samples():
    whole = riff(fmt(channels=2), chunk(b"data", to_s16le(RAMP)))
    assert read_wav(whole[:-7])[0].tolist() == RAMP.reshape(-1, 2)[:-2].tolist()


@given(st.binary(max_size=80), st.integers(0, 60))
def test_damaged_files_yield_samples_or_a_wav_error(junk, position):
    data = bytearray(riff(fmt(), chunk(b"data", bytes(16))))
    data[position : position + len(junk)] = junk
    try:
        samples, rate_hz = read_wav(bytes(data))
    except WavError:
        return
    assert samples.dtype == np.int16
    assert rate_hz > 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a WAV file"),
        (b"ID3\x04 and so on, a song", r"not a WAV file: it starts with b'ID3"),
        (riff(), "no format in the file"),
        (riff(fmt()), "no audio in the file"),
        (riff(chunk(b"data", b"1234"), fmt()), "data comes before its format"),
        (riff(chunk(b"fmt ", b"short"), chunk(b"data", b"")), "has 5 bytes, at least 16"),
        (riff(fmt(0xFFFE), chunk(b"data", b"")), "extensible format has 16 bytes"),
        (riff(fmt(0x55, bits=8), chunk(b"data", b"12")), "format 0x0055 are not supported.*ffmpeg"),
        (riff(fmt(bits=12), chunk(b"data", b"12")), "12-bit samples"),
        (riff(fmt(bits=0), chunk(b"data", b"12")), "0-bit samples"),
        (riff(fmt(channels=0), chunk(b"data", b"12")), "0 channels"),
    ],
)
def test_what_cannot_be_read_is_explained(data, message):
    with pytest.raises(WavError, match=message):
        read_wav(data)


def test_an_error_names_the_file(tmp_path):
    path = tmp_path / "greeting.wav"
    path.write_bytes(b"OggS and more")
    with pytest.raises(WavError, match=r"greeting\.wav: not a WAV file"):
        read_wav(path)
    with path.open("rb") as file, pytest.raises(WavError, match=r"greeting\.wav: not a WAV file"):
        read_wav(file)


# ---------------------------------------------------------------- mono


def test_mono_is_the_average_of_the_channels():
    assert mono(np.array([[100, 300], [-32768, -32768], [32767, 32767]], np.int16)).tolist() == [200, -32768, 32767]
    assert mono(np.array([[1, 2, 6]], np.int16)).tolist() == [3]
    assert mono(RAMP) is RAMP
    assert mono(RAMP[:, None]).tolist() == RAMP.tolist()


def test_a_file_of_any_shape_loads_as_mono_at_our_rate(tmp_path):
    path = tmp_path / "stereo.wav"
    write_wav(path, np.stack([RAMP, RAMP], axis=1), 8000)
    assert np.array_equal(load_mono(path), resample(RAMP, 8000, 16000))
    assert np.array_equal(load_mono(path.read_bytes(), rate_hz=8000), RAMP)


def test_a_file_with_an_absurd_rate_is_refused_by_name(tmp_path):
    path = tmp_path / "odd.wav"
    write_wav(path, RAMP, 999_983)
    with pytest.raises(WavError, match=r"odd\.wav: cannot resample from 999983 Hz"):
        load_mono(path)


# ---------------------------------------------------------------- writing


@pytest.mark.parametrize("samples", [RAMP, RAMP.reshape(-1, 2), RAMP[:0]])
def test_what_is_written_reads_back(tmp_path, samples):
    path = tmp_path / "out.wav"
    write_wav(path, samples, 16000)
    assert read_wav(path)[0].tolist() == (samples if samples.ndim == 2 else samples[:, None]).tolist()


def test_the_standard_library_agrees_with_the_header(tmp_path):
    path = tmp_path / "out.wav"
    with WavWriter(path, rate_hz=8000, channels=2) as writer:
        writer.write(RAMP)
        writer.write(RAMP.reshape(-1, 2))
        assert writer.duration_ms == 125
    with wave.open(str(path)) as file:
        assert file.getparams()[:4] == (2, 2, 8000, 1000)
        assert file.readframes(2000) == to_s16le(RAMP) * 2
    assert path.read_bytes()[4:8] == struct.pack("<I", path.stat().st_size - 8)


def test_a_crash_loses_less_than_a_second(tmp_path):
    path = tmp_path / "crashed.wav"
    writer = WavWriter(path, rate_hz=8000, channels=1)
    seen = []
    for _ in range(125):  # 2.5 s in frames of 20 ms; what another process sees now is what a crash would leave
        writer.write(RAMP[:160])
        with wave.open(str(path)) as file:
            seen.append(writer.duration_ms - file.getnframes() / 8)
            assert len(file.readframes(20000)) == file.getnframes() * 2
    writer.close()
    assert max(seen) < 1000


def test_a_file_is_playable_before_its_first_sample(tmp_path):
    path = tmp_path / "new.wav"
    with WavWriter(path, rate_hz=8000, channels=1):
        assert read_wav(path)[0].shape == (0, 1)


def test_a_file_is_completed_when_the_block_fails(tmp_path):
    path = tmp_path / "out.wav"

    def fail_while_recording():
        with WavWriter(path, rate_hz=8000, channels=1) as writer:
            writer.write(RAMP)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_while_recording()
    assert read_wav(path)[0].size == RAMP.size


def test_closing_again_is_harmless_and_writing_then_is_an_error(tmp_path):
    writer = WavWriter(tmp_path / "out.wav", rate_hz=8000, channels=1)
    writer.close()
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.write(RAMP)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (RAMP[:3], r"shape \(3,\) do not fit a file of 2 channels"),
        (RAMP[:6].reshape(2, 3), r"shape \(2, 3\) do not fit"),
        (RAMP[:, None], r"shape \(1000, 1\) do not fit"),
        (np.zeros((4, 2), np.float32), "int16 samples, not float32"),
    ],
)
def test_samples_that_do_not_fit_are_refused(tmp_path, samples, message):
    with WavWriter(tmp_path / "out.wav", rate_hz=8000, channels=2) as writer, pytest.raises(ValueError, match=message):
        writer.write(samples)


@pytest.mark.parametrize(("rate_hz", "channels"), [(0, 1), (8000, 0), (8000, 70000)])
def test_a_file_that_cannot_exist_is_not_created(tmp_path, rate_hz, channels):
    with pytest.raises(ValueError, match="cannot write"):
        WavWriter(tmp_path / "out.wav", rate_hz=rate_hz, channels=channels)
    assert not list(tmp_path.iterdir())


def test_beyond_four_gigabytes_the_length_is_unknown_and_the_file_still_reads(tmp_path, monkeypatch):
    monkeypatch.setattr("active_call.audio.wav._UNKNOWN_SIZE", 1000)
    path = tmp_path / "long.wav"
    write_wav(path, RAMP, 16000)
    assert struct.unpack_from("<I", path.read_bytes(), 40) == (1000,)
    assert read_wav(path)[0].size == RAMP.size
