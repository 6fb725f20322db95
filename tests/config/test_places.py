"""Where the keys of a TOML document stand."""

import json
import string
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from active_call.config.places import Place, places

KEYS = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=5) | st.sampled_from(
    ["a b", "x.y", "[z]", "#"]
)
SCALARS = (
    st.integers(-(2**60), 2**60)
    | st.booleans()
    | st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=8)
    | st.sampled_from(["a = 1", "[t]", '"', "'", "#", "\\"])
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))


def written(value) -> str:
    """Any of our values as TOML: JSON but for tables."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {written(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[ # [[no]]\n " + ",\n ".join(written(item) for item in value) + "\n]"
    return json.dumps(value, ensure_ascii=False)


def paths(value, at=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*at, key)
        yield from paths(item, (*at, key))


@settings(max_examples=40)
@given(
    st.dictionaries(KEYS, VALUES, max_size=4),
    st.dictionaries(KEYS, st.lists(st.dictionaries(KEYS, VALUES, max_size=3), max_size=3)),
)
def test_every_key_that_the_parser_finds_has_a_place(top, tables):
    tables = {key: rows for key, rows in tables.items() if key not in top}
    text = "".join(f"{json.dumps(key)} = {written(value)} # {key}\n" for key, value in top.items())
    for key, rows in tables.items():
        for row in rows:
            text += f"[[{json.dumps(key)}]]\n" + "".join(f"{json.dumps(k)} = {written(v)}\n" for k, v in row.items())
    found = places(text)
    assert set(found) == set(paths(tomllib.loads(text)))
    lines = text.split("\n")
    for path, place in found.items():
        if isinstance(path[-1], str) and len(path) == 1 and path[0] in top:
            assert lines[place.line - 1][place.column - 1 :].startswith(json.dumps(path[-1]))


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("a",), Place(2, 1)),
        (("t", "x", "deep"), Place(6, 3)),
        (("t", "list", 1), Place(8, 3)),
        (("t", "inline", "k"), Place(10, 12)),
        (("rows", 0, "n"), Place(13, 1)),
        (("rows", 1), Place(14, 1)),
        (("rows", 1, "n"), Place(15, 1)),
        (("rows", 1, "sub", "m"), Place(17, 1)),
    ],
)
def test_lines_and_columns_count_from_one(path, place):
    text = '''# comment
a = """
[not.a.table]
b = 1"""
[t]
  x.deep = 'c = 2'
list = [1,
  "]", # ]
]
inline = { k = 1, l = 1979-05-27 }
"q" = 3
[[rows]]
n = 1
[[rows]]
n = 2
[rows.sub]
m = 3
'''
    assert places(text)[path] == place
