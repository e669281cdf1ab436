"""The board: bars to the eighth, unknown is never a small number."""

from __future__ import annotations

from collections.abc import Callable
from math import nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.model.bar import Bar
from console.model.severity import Severity
from themes.tones import paint
from widgets.board import Board, gauge, measure

Host = Callable[..., Any]
NIGHT, PLAIN = paint("night"), paint("night", no_color=True)


def bar(key: str, ratio: float | None = 0.5, severity: Severity = Severity.OK, **fields: Any) -> Bar:
    text = "" if ratio is None else f"{ratio * 100:.0f} %"
    return Bar(key=key, severity=severity, name=f"gauge {key}", ratio=ratio, text=text, **fields)


def drawn(ratio: float, cells: int, **fields: Any) -> str:
    return "".join(text for text, _ in gauge(bar("x", ratio, **fields), cells, NIGHT))


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (0.0, "    "),
        (0.5, "██  "),
        (1.0, "████"),
        (1.7, "████"),
        (-1.0, "    "),
        (0.28125, "█▏  "),
        (0.0001, "▏   "),
        (nan, "    "),
    ],
)
def test_a_bar_is_drawn_to_the_eighth(ratio: float, expected: str) -> None:
    assert drawn(ratio, 4) == expected


def test_ticks_stand_on_the_empty_part_only() -> None:
    assert drawn(0.2, 10, warn=0.8, crit=0.9) == "██      ▏▏"
    assert drawn(0.95, 10, warn=0.8, crit=0.9) == "█████████▌"


def test_without_color_the_track_is_dotted() -> None:
    text = "".join(text for text, _ in gauge(bar("x", 0.5, warn=0.8), 10, PLAIN))
    assert text == "█████···|·"


ratios = st.none() | st.floats(allow_nan=True, allow_infinity=True)


@given(ratios, st.integers(0, 60), ratios, ratios)
def test_a_bar_has_exactly_its_width(ratio: float | None, cells: int, warn: float | None, crit: float | None) -> None:
    for styles in (NIGHT, PLAIN):
        pieces = gauge(bar("x", 0.5, warn=warn, crit=crit), cells, styles)
        assert sum(cell_len(text) for text, _ in pieces) == cells
        pieces = gauge(Bar(key="x", severity=Severity.OK, name="x", ratio=ratio), cells, styles)
        assert sum(cell_len(text) for text, _ in pieces) == cells


@given(st.lists(st.builds(bar, st.text(max_size=40), note=st.text(max_size=40)), max_size=8), st.integers(0, 150))
def test_the_measures_never_exceed_the_column(bars: list[Bar], column: int) -> None:
    measures = measure(bars, column)
    assert all(size >= 0 for size in (measures.name, measures.bar, measures.text, measures.trend, measures.note))


async def test_an_unknown_gauge_shows_its_reason_instead_of_a_bar(hosted: Host, screen: Any) -> None:
    board = Board()
    async with hosted(board, (70, 4)):
        board.show([bar("redis", None, Severity.UNKNOWN, note="no data since 02:09:30"), bar("egress", 0.5)])
        first, second, *_ = screen(board)
        assert first.startswith(" ?▸gauge redis") and "no data since 02:09:30" in first
        assert "█" not in first and "█" in second


async def test_sixty_gauges_stand_in_columns_when_there_is_room(hosted: Host, screen: Any) -> None:
    board = Board()
    async with hosted(board, (180, 20)):
        board.show([bar(f"{number:02}") for number in range(60)])
        assert board.columns == 3 and board.line_count() == 20
        text = "\n".join(screen(board))
        assert all(f"gauge {number:02}" in text for number in range(60))
        assert all(len(line) == 180 for line in screen(board))


async def test_only_the_changed_gauge_is_painted(hosted: Host, painted: Any) -> None:
    board = Board()
    async with hosted(board, (80, 20)) as pilot:
        bars = [bar(f"{number:02}", 0.5) for number in range(10)]
        board.show(bars)
        await pilot.pause()
        lines = painted(board)
        board.show([*bars[:4], bar("04", 0.6), *bars[5:]])
        await pilot.pause()
        assert lines == [4]


async def test_the_cursor_stays_with_its_gauge(hosted: Host) -> None:
    board = Board()
    async with hosted(board, (80, 20)) as pilot:
        board.show([bar("a"), bar("b"), bar("c")])
        await pilot.press("down", "enter")
        await pilot.pause()
        assert board.cursor_key == "b"
        assert [message.key for message in pilot.app.heard if isinstance(message, Board.BarChosen)] == ["b"]
        board.show([bar("c"), bar("a"), bar("new"), bar("b")])
        assert board.cursor_key == "b"


async def test_arrows_cross_the_columns(hosted: Host) -> None:
    board = Board()
    async with hosted(board, (130, 5)) as pilot:
        board.show([bar(str(number)) for number in range(8)])
        assert board.columns == 2
        await pilot.press("right")
        assert board.cursor_key == "4"
        await pilot.press("down", "left")
        assert board.cursor_key == "1"


async def test_more_gauges_than_lines_scroll(hosted: Host, screen: Any) -> None:
    board = Board()
    async with hosted(board, (60, 5)) as pilot:
        board.show([bar(f"{number:02}") for number in range(30)])
        await pilot.press("G")
        assert board.cursor_key == "29" and "gauge 29" in screen(board)[-1]
        board.show([bar("00")])
        assert "gauge 00" in screen(board)[0]


async def test_without_gauges_it_says_so(hosted: Host, screen: Any) -> None:
    board = Board("no gauges configured: [[sites.X.gauges]]")
    async with hosted(board, (60, 5)) as pilot:
        await pilot.press("down", "enter", "right")
        assert "no gauges configured" in "\n".join(screen(board))
