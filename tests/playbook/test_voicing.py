"""What a voice gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call.playbook.voicing import speakable


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Hello there. ", "Hello there."),
        ("Hello 😀!", "Hello!"),
        ("nice😀day", "nice day"),
        ("👨‍👩‍👧 family ❤️ 🇬🇧 ☎️", "family"),
        ("press 5️⃣ now", "press 5 now"),
        ("**Bold** and *soft* and __both__ and `code`", "Bold and soft and both and code"),
        ("**half a", "half a"),
        ("~~no~~ yes", "no yes"),
        ("- one\n* two\n+ three\n• four", "one two three four"),
        ("## Title\n> quoted", "Title quoted"),
        ("see [our page](https://a.b/c)", "see our page"),
        ("2*3 = 3 * 2, snake_case -5", "2*3 = 3 * 2, snake_case -5"),
        ("1. Apples", "1. Apples"),
        ("  a \t\n  b ", "a b"),
        ("你好，**世界**😀", "你好，世界"),
        ("😀", ""),
        ("...", ""),
        ("---", ""),
        (" \n", ""),
        ("”", ""),
        ("#1 * © ™", "#1 *"),
    ],
)
def test_only_what_can_be_pronounced_is_left(text: str, wanted: str) -> None:
    assert speakable(text) == wanted


@given(st.text())
def test_no_spare_blanks_are_left(text: str) -> None:
    assert speakable(text) == " ".join(speakable(text).split())
