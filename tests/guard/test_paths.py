import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from active_call.guard.paths import PathPolicy, PathRefused, playbook_name


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for directory in ("work/sub", "media", "outside", "shared"):
        (tmp_path / directory).mkdir(parents=True)
    for file in ("work/a.wav", "work/sub/b.wav", "media/a.wav", "media/c.wav", "outside/s.txt", "shared/d.wav"):
        (tmp_path / file).write_text(file)
    return tmp_path


@pytest.fixture
def policy(place: Path) -> PathPolicy:
    return PathPolicy([place / "work", place / "media"], [place / "shared"])


def test_a_name_is_looked_for_in_each_root_in_order(policy: PathPolicy, place: Path) -> None:
    assert policy.resolve("a.wav").read_text() == "work/a.wav"
    assert policy.resolve("sub/b.wav").read_text() == "work/sub/b.wav"
    assert policy.resolve("./c.wav").read_text() == "media/c.wav"
    assert policy.resolve("new/e.wav") == place / "work/new/e.wav"


def test_a_file_that_merely_has_two_dots_in_its_name_is_fine(policy: PathPolicy, place: Path) -> None:
    assert policy.resolve("a..b.wav") == place / "work/a..b.wav"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("../outside/s.txt", "climbs"),
        ("sub/../../outside/s.txt", "climbs"),
        ("sub/../a.wav", "climbs"),
        ("..\\outside\\s.txt", "climbs"),
        ("..", "climbs"),
        ("", "empty"),
        ("a.wav\0.txt", "control"),
        ("a\nb", "control"),
        ("/etc/passwd", "paths.allow"),
        ("//etc/passwd", "paths.allow"),
        ("a.wav/b", "not a directory"),
        ("x" * 5000, "too long"),
        ("\ud800", "no valid file name"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(policy: PathPolicy, name: str, says: str) -> None:
    with pytest.raises(PathRefused, match=says):
        policy.resolve(name)


def test_absolute_names_are_allowed_only_where_the_operator_said_so(policy: PathPolicy, place: Path) -> None:
    assert policy.resolve(str(place / "shared/d.wav")).read_text() == "shared/d.wav"
    for name in ("outside/s.txt", "work/a.wav", "shared2"):
        with pytest.raises(PathRefused):
            policy.resolve(str(place / name))


def test_links_may_not_lead_outside_even_when_their_target_is_missing(policy: PathPolicy, place: Path) -> None:
    (place / "work/file").symlink_to(place / "outside/s.txt")
    (place / "work/dir").symlink_to(place / "outside")
    (place / "work/broken").symlink_to(place / "outside/nothing")
    for name in ("file", "dir/s.txt", "dir/new", "broken"):
        with pytest.raises(PathRefused, match="link"):
            policy.resolve(name)


def test_links_may_lead_within_and_to_allowed_places(policy: PathPolicy, place: Path) -> None:
    (place / "work/near").symlink_to(place / "work/a.wav")
    (place / "work/far").symlink_to(place / "shared")
    assert policy.resolve("near") == place / "work/a.wav"
    assert policy.resolve("far/d.wav") == place / "shared/d.wav"


def test_a_link_that_leads_to_itself_does_not_hang(policy: PathPolicy, place: Path) -> None:
    (place / "work/loop").symlink_to(place / "work/loop")
    assert policy.resolve("loop").is_relative_to(place / "work")


def test_a_root_may_itself_be_a_link(place: Path) -> None:
    (place / "alias").symlink_to(place / "work")
    assert PathPolicy([place / "alias"]).resolve("a.wav") == place / "work/a.wav"


def test_a_root_is_not_a_prefix_of_text(place: Path) -> None:
    (place / "work-secret").mkdir()
    (place / "work/sneaky").symlink_to(place / "work-secret")
    with pytest.raises(PathRefused):
        PathPolicy([place / "work"]).resolve("sneaky/x")


def test_a_refusal_does_not_tell_where_things_are(policy: PathPolicy, place: Path) -> None:
    (place / "work/file").symlink_to(place / "outside/s.txt")
    with pytest.raises(PathRefused) as caught:
        policy.resolve("file")
    assert str(place) not in str(caught.value)


def test_a_policy_without_roots_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="root"):
        PathPolicy([])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["..", ".", "/", "\\", "a", "\0", "~", "sub", "work", " "]), max_size=8))
def test_no_name_gets_out(policy: PathPolicy, place: Path, parts: list[str]) -> None:
    try:
        path = policy.resolve("".join(parts))
    except PathRefused:
        return
    inside = [place / "work", place / "media", place / "shared"]
    assert any(Path(os.path.realpath(path)).is_relative_to(root) for root in inside)


@pytest.mark.parametrize("name", ["hello.md", "你好.md", "a b.md", "x"])
def test_plain_names_are_names_of_playbooks(name: str) -> None:
    assert playbook_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "..", "../x.md", "a/b.md", "a\\b.md", "a..b", ".env", "a\0.md", "a\n", "\u202e.md", "x" * 256, "\ud800"],
)
def test_other_names_are_not(name: str) -> None:
    with pytest.raises(PathRefused):
        playbook_name(name)
