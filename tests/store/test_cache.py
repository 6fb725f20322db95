import contextlib
import dataclasses
import os
import resource
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.store.cache import AudioCache, BadCacheKey, Spoken, cache_key

HELLO = Spoken(provider="aliyun", text="Hello", voice="zhi.yu", model="v2")


@pytest.fixture
def cache(tmp_path: Path) -> AudioCache:
    return AudioCache(tmp_path / "tts")


@pytest.mark.parametrize(
    "change",
    [
        {"provider": "tencent"},
        {"text": "Hello "},
        {"model": "v3"},
        {"model": None},
        {"voice": "xiaoyun"},
        {"language": "en"},
        {"speed": 1.5},
        {"volume": 5},
        {"emotion": "happy"},
        {"rate_hz": 8000},
        {"endpoint": "wss://tts.example"},
        {"extra": {"pitch": "2"}},
    ],
)
def test_whatever_changes_the_sound_changes_the_key(change: dict[str, Any]) -> None:
    assert dataclasses.replace(HELLO, **change).key != HELLO.key


def test_every_field_is_in_the_key() -> None:
    """The list above must not fall behind the class."""
    assert len(dataclasses.fields(Spoken)) == 11


@given(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5), st.text(max_size=5))
def test_no_two_voices_share_a_key(provider: str, voice: str, provider_2: str, voice_2: str) -> None:
    one, two = (Spoken(provider=p, voice=v, text="x") for p, v in ((provider, voice), (provider_2, voice_2)))
    assert (one.key == two.key) is ((provider, voice) == (provider_2, voice_2))


def test_a_key_is_a_plain_name_that_says_whose_voice_it_is() -> None:
    key = HELLO.key
    assert key.endswith("-aliyun-zhi-yu")
    assert "." not in key
    assert len(key.split("-")[0]) == 64
    assert dataclasses.replace(HELLO, speed=1).key == key


def test_speeds_with_a_dot_do_not_overwrite_each_other(cache: AudioCache) -> None:
    """The reference cuts file names at the last dot."""
    fast, faster = (dataclasses.replace(HELLO, speed=speed).key for speed in (1.2, 1.5))
    cache.put(fast, b"ab")
    cache.put(faster, b"cd")
    cache.put("greeting-1.2", b"ef")
    cache.put("greeting-1.5", b"gh")
    assert [cache.get(key) for key in (fast, faster, "greeting-1.2", "greeting-1.5")] == [b"ab", b"cd", b"ef", b"gh"]


@pytest.mark.parametrize("explicit", ["greeting", "a", "Order_42-v1.2", "0" * 128])
def test_a_client_may_name_a_key(cache: AudioCache, explicit: str) -> None:
    key = cache_key(HELLO, explicit)
    assert key == explicit
    assert cache.put(key, b"abcd")
    assert cache.get(key) == b"abcd"


@pytest.mark.parametrize(
    "explicit",
    ["../x", "/etc/passwd", "a/b", "a\\b", "..", ".hidden", "a..b", "a b", "a\0", "a\n", "ä", "-x", "x" * 129],
)
def test_a_key_that_is_no_plain_name_is_refused(cache: AudioCache, explicit: str) -> None:
    with pytest.raises(BadCacheKey):
        cache_key(HELLO, explicit)
    for use in (cache.get, cache.size, cache.writer):
        with pytest.raises(BadCacheKey):
            use(explicit)


def test_a_client_cannot_put_its_words_under_the_key_of_another_text() -> None:
    other = dataclasses.replace(HELLO, text="Your account is safe").key
    for explicit in (other, other.upper(), other.split("-")[0]):
        with pytest.raises(BadCacheKey, match="another text"):
            cache_key(HELLO, explicit)
    assert cache_key(HELLO, HELLO.key) == cache_key(HELLO, "") == cache_key(HELLO) == HELLO.key


def test_what_was_put_is_read_back_and_sized(cache: AudioCache) -> None:
    assert (cache.get("k"), cache.size("k")) == (None, None)
    assert cache.put("k", b"abcd")
    assert (cache.get("k"), cache.size("k")) == (b"abcd", 4)


def test_many_pieces_odd_and_empty_ones_too_are_one_entry(cache: AudioCache) -> None:
    pieces = [b"abc", b"", b"d", b"x" * 100_001, b"", b"y"]
    with cache.writer("k") as writer:
        for piece in pieces:
            writer.write(piece)
        assert cache.get("k") is None
        assert writer.commit()
    assert cache.get("k") == b"".join(pieces)


def test_what_is_not_committed_leaves_nothing(cache: AudioCache, tmp_path: Path) -> None:
    def break_off() -> None:
        with cache.writer("k") as writer:
            writer.write(b"ab")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert cache.get("k") is None
    assert list((tmp_path / "tts").iterdir()) == []


@pytest.mark.parametrize("pcm", [b"", b"abc"])
def test_nothing_and_half_a_sample_are_not_kept(cache: AudioCache, pcm: bytes, tmp_path: Path) -> None:
    assert not cache.put("k", pcm)
    assert list((tmp_path / "tts").iterdir()) == []


@pytest.mark.parametrize("damaged", [b"", b"abc"])
def test_a_damaged_file_is_dropped_and_made_again(cache: AudioCache, damaged: bytes, tmp_path: Path) -> None:
    cache.put("k", b"abcd")
    (tmp_path / "tts" / "k.pcm").write_bytes(damaged)
    assert cache.size("k") is None
    assert cache.get("k") is None
    assert not (tmp_path / "tts" / "k.pcm").exists()
    assert cache.put("k", b"abcd")


def test_an_entry_larger_than_the_cache_is_not_kept_and_costs_no_disk(tmp_path: Path) -> None:
    cache = AudioCache(tmp_path, max_bytes=100)
    with cache.writer("k") as writer:
        for _ in range(60):
            writer.write(b"ab")
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 100
        assert not writer.commit()
    assert list(tmp_path.iterdir()) == []


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """Files may grow to 1000 bytes: the same error at the same places as a disk without room.

    Only around the code under test: it is the whole process's limit, and pytest may be writing to a file.
    """
    before, signals = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, signals)


@pytest.mark.parametrize("size", [1002, 100_000])
def test_a_full_disk_costs_the_entry_and_not_the_call(
    cache: AudioCache, size: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with full_disk():
        assert not cache.put("k", bytes(size))
        assert cache.get("k") is None
        assert list((tmp_path / "tts").iterdir()) == []
        assert cache.put("k", bytes(10))
    assert "not kept" in caplog.text


def test_a_directory_that_cannot_be_made_costs_the_entry_and_not_the_call(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert not AudioCache(tmp_path / "file" / "tts").put("k", b"ab")


def test_what_is_heard_often_outlives_what_is_not(tmp_path: Path) -> None:
    cache = AudioCache(tmp_path, max_bytes=100)
    for number, name in enumerate(("often", "once", "late")):
        cache.put(name, bytes(30))
        then = time.time() - 1000 + number
        os.utime(tmp_path / f"{name}.pcm", (then, then))
    assert cache.get("often")
    cache.put("new", bytes(30))
    assert cache.get("once") is None
    assert cache.get("often")
    assert cache.get("new")


def test_a_reader_sees_the_old_or_the_new_and_never_a_mixture(cache: AudioCache) -> None:
    versions = [bytes([number]) * 20_000 for number in range(20)]
    cache.put("k", versions[0])
    done = threading.Event()
    seen: list[bytes | None] = []

    def read() -> None:
        while not done.is_set():
            seen.append(cache.get("k"))

    reader = threading.Thread(target=read)
    reader.start()
    for version in versions:
        cache.put("k", version)
    done.set()
    reader.join()
    assert seen
    assert all(pcm in versions for pcm in seen)
