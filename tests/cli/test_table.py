"""Aligned columns."""

from active_call.cli.table import cells, table


def test_columns_line_up_and_the_last_one_wraps_under_itself():
    text = table(("A", "B"), [("one", "alpha beta gamma delta epsilon"), ("three", "x")], width=31)
    assert text.splitlines() == [
        "A      B",
        "one    alpha beta gamma delta",
        "       epsilon",
        "three  x",
    ]


def test_wide_characters_count_twice():
    assert cells("模型a") == 5
    assert table(("A", "B"), [("模型", "x"), ("abc", "y")]).splitlines() == ["A     B", "模型  x", "abc   y"]


def test_a_newline_in_a_cell_starts_a_line_in_its_column():
    assert table(("A", "B"), [("x\nyy", "1\n2\n3")]).splitlines() == ["A   B", "x   1", "yy  2", "    3"]


def test_a_head_without_rows_is_a_line():
    assert table(("A", "B"), []) == "A  B"
