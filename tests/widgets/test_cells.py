"""A fitted text has exactly the width asked for, by the measure Textual lays out by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from widgets.cells import MOST_MARKS, fit, fit_ends, is_single, width, wrap

nasty = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from("日本語가ｱ👩🔬❤️\u200d\ufe0f\u0301\u0300é…│█\t\n\x1b\x00\u202e\u200b"),
    ),
    max_size=60,
)


@given(nasty, st.integers(-3, 80), st.booleans())
def test_the_width_is_exact(text: str, cells: int, right: bool) -> None:
    assert cell_len(fit(text, cells, right)) == max(0, cells)


@given(nasty, st.integers(0, 80))
def test_fitted_texts_add_up(text: str, cells: int) -> None:
    both = fit(text, cells) + fit(text, cells)
    assert cell_len(both) == 2 * cells


@given(nasty)
def test_what_fits_is_not_cut(text: str) -> None:
    assert fit(text, width(text)).count("…") == text.count("…")


@given(st.text(alphabet="abc日本 ", max_size=40), st.integers(1, 30))
def test_a_cut_text_is_a_beginning_with_an_ellipsis(text: str, cells: int) -> None:
    fitted = fit(text, cells)
    if width(text) > cells:
        head, dots, pad = fitted.partition("…")
        assert dots and text.startswith(head) and not pad.strip()
    else:
        assert fitted.rstrip() == text.rstrip()


@pytest.mark.parametrize(
    ("text", "cells", "right", "expected"),
    [
        ("packager-7", 12, False, "packager-7  "),
        ("182k", 6, True, "  182k"),
        ("packager-7", 5, False, "pack…"),
        ("日本語", 6, False, "日本語"),
        ("日本語", 5, False, "日本…"),
        ("日本語", 4, False, "日… "),
        ("日本語", 4, True, " 日…"),
        ("日", 1, False, "…"),
        ("", 3, False, "   "),
        ("x", 0, False, ""),
        ("a\tb\nc", 5, False, "abc  "),
    ],
)
def test_examples(text: str, cells: int, right: bool, expected: str) -> None:
    assert fit(text, cells, right) == expected


def test_a_pile_of_combining_marks_is_kept_low() -> None:
    assert fit("a" + "\u0301" * 500, 3) == "a" + "\u0301" * MOST_MARKS + "  "


@given(nasty, st.integers(1, 40))
def test_wrapped_lines_never_exceed_the_width(text: str, cells: int) -> None:
    assert all(width(line) <= cells for line in wrap(text, cells))


@given(st.lists(st.text(alphabet="abcdef", min_size=1, max_size=12), min_size=1), st.integers(1, 30))
def test_wrapping_loses_no_letter(words: list[str], cells: int) -> None:
    assert "".join(wrap(" ".join(words), cells)).replace(" ", "") == "".join(words)


def test_a_name_cut_before_its_end_keeps_what_tells_it_from_its_neighbours() -> None:
    assert fit_ends("packager-emea-7c9d8b5f6d-x2k40", 24) == "packager-emea-7c9…-x2k40"
    assert fit_ends("origin-0", 12) == "origin-0    "
    assert fit_ends("packager-emea-7c9d8b5f6d-x2k40", 8) == "package…"
    assert fit_ends("", 3) == "   " and fit_ends("abc", 0) == ""
    for size in range(60):
        assert width(fit_ends("頻道-packager-頻道頻道", size)) == size


def test_every_character_that_counts_as_one_cell_takes_one() -> None:
    single = [chr(point) for point in range(0x1_0000) if is_single(chr(point))]
    assert len(single) > 1000
    assert {cell_len(character) for character in single} == {1}
    assert is_single("█▏ 54 %  ▂▃▄ …") and not is_single("日") and not is_single("a\u0301") and not is_single("\x1b")
