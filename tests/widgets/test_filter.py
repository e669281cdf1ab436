"""Nothing that can move a cursor, hide or reorder text leaves for the terminal."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.color import Color
from textual.filter import ANSIToTruecolor, DimFilter, Monochrome
from textual.strip import Strip

from widgets.filter import COLORLESS, SANITISING, clean, line_filters

BLACK = Color(0, 0, 0)
BAD = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufe0f\ufeff\ud800-\udfff]")


@given(st.text(alphabet=st.one_of(st.characters(exclude_categories=[]), st.sampled_from("\x1b\u202e\u200d❤️👩🔬"))))
def test_cleaning_keeps_the_width_and_leaves_nothing_unsafe(text: str) -> None:
    cleaned = clean(text)
    assert BAD.search(cleaned) is None
    assert cell_len(cleaned) == cell_len(text)


@pytest.mark.parametrize(
    "text", ["\x1b]52;c;aGk=\x07", "\x9b2J", "a\u202egnp.exe", "\u200bhidden", "x\ud800y", "\U000e0041tag"]
)
def test_known_attacks_are_disarmed(text: str) -> None:
    cleaned = clean(text)
    assert BAD.search(cleaned) is None and "\U000e0041" not in cleaned
    cleaned.encode("utf-8")


@pytest.mark.parametrize("text", ["segment 8812 late", "日本語", "▁▂▃█ ─│ …", "é è ñ", "e\u0301"])
def test_honest_text_passes_as_it_is(text: str) -> None:
    assert clean(text) == text


def test_a_clean_strip_is_not_copied() -> None:
    segments = [Segment("packager-7"), Segment("1/1", Style(bold=True))]
    assert SANITISING.apply(segments, BLACK) is segments


def test_a_control_segment_never_passes() -> None:
    segments = [Segment("ok"), Segment("\x1b[2J", None, [(ControlType.CLEAR,)])]
    assert "".join(text for text, _, _ in SANITISING.apply(segments, BLACK)) == "ok"


def test_a_strip_keeps_its_length_through_the_filter() -> None:
    strip = Strip([Segment("a\u202eb"), Segment("❤️ x")])
    cleaned = strip.apply_filter(SANITISING, BLACK)
    assert sum(cell_len(segment.text) for segment in cleaned) == strip.cell_length


def test_colorless_keeps_weight_and_drops_every_color() -> None:
    style = Style(color="#ff0000", bgcolor="#000000", bold=True, reverse=True)
    [segment] = COLORLESS.apply([Segment("C", style)], BLACK)
    assert segment.style == Style(bold=True, reverse=True)
    assert segment.style is not None and segment.style.render("C") == "\x1b[1;7mC\x1b[0m"


def test_no_color_replaces_the_stock_filters_that_make_colors() -> None:
    from textual._ansi_theme import MONOKAI

    stock = [ANSIToTruecolor(MONOKAI), Monochrome(), DimFilter()]
    filters = line_filters(stock, no_color=True)
    assert [type(each) for each in filters[:1]] == [DimFilter]
    assert filters[-2:] == [SANITISING, COLORLESS]
    assert line_filters(stock, no_color=False) == [*stock, SANITISING]
