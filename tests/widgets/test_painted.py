"""What a widget hands to the screen by its own short way is what Textual's longer one would have handed on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from console.feeds.log import LogRing
from console.model.bar import Bar
from console.model.cell import Cell, Column
from console.model.logline import LogLine
from console.model.severity import Severity
from widgets.board import Board
from widgets.lines import Lines
from widgets.log import LogView
from widgets.table import Table

Host = Callable[..., Any]
AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
TEXTS = ("plain", "日本語の行", "e\u0301 a\u202eb", "\x1b[2J gone", "█▏… –", "x" * 90, "")


class Row(Cell, frozen=True):
    """A row whose one cell is itself."""

    key: str = ""
    severity: Severity = Severity.WARN


def a_table() -> Lines:
    table: Table[Row] = Table([Column(key="text", title="text", cell=lambda row: row, width=40, priority=0)])
    table.show([Row(text=text, key=str(at)) for at, text in enumerate(TEXTS)])
    return table


def a_log() -> Lines:
    ring = LogRing()
    for text in TEXTS:
        ring.append(LogLine(at=AT, level="error", message=text, service=text))
    view = LogView(ring)
    view.advance()
    return view


def a_board() -> Lines:
    board = Board()
    board.show(
        [
            Bar(text, Severity.CRIT, text or "?", at / len(TEXTS) if at else None, f"{at} %", note=text, trend=(1.0, 2.0), warn=0.5)
            for at, text in enumerate(TEXTS)
        ]
    )
    return board


def cells(strips: Iterable[Strip]) -> list[list[tuple[str, Style | None]]]:
    """Character by character, because segments may be cut otherwise."""
    return [[(character, style) for text, style, _ in strip for character in text] for strip in strips]


@pytest.mark.parametrize("make", [a_table, a_log, a_board], ids=["table", "log", "board"])
async def test_the_short_way_paints_what_textual_would(hosted: Host, make: Callable[[], Lines]) -> None:
    widget = make()
    async with hosted(widget, (70, 12)) as pilot:
        await pilot.pause()
        whole, part = Region(0, 0, 70, 12), Region(3, 2, 40, 5)
        for crop in (whole, part):
            theirs = Widget.render_lines(widget, crop)
            for each in pilot.app.get_line_filters():
                theirs = [strip.apply_filter(each, widget.background_colors[1]) for strip in theirs]
            ours = widget.render_lines(crop)
            assert cells(ours) == cells(theirs)
            assert {strip.cell_length for strip in ours} == {crop.width}


async def test_only_refreshed_lines_are_drawn_again(hosted: Host, painted: Callable[[Lines], list[int]]) -> None:
    table = a_table()
    async with hosted(table, (70, 12)) as pilot:
        await pilot.pause()
        drawn, whole = painted(table), Region(0, 0, 70, 12)
        table.render_lines(whole)
        assert drawn == []
        table.refresh(Region(0, 3, 70, 2))
        table.render_lines(whole)
        assert drawn == [3, 4]
        table.refresh(repaint=False)
        table.render_lines(whole)
        assert drawn == [3, 4]
        table.refresh()
        table.render_lines(whole)
        assert drawn == [3, 4, *range(12)]


@pytest.mark.parametrize("rule", [("padding", (1, 2)), ("border", ("round", "red")), ("opacity", 0.5), ("tint", "red 50%")])
async def test_what_a_stylesheet_adds_is_left_to_textual(hosted: Host, rule: tuple[str, Any]) -> None:
    table = a_table()
    async with hosted(table, (70, 12)) as pilot:
        bare = cells(table.render_lines(Region(0, 0, 70, 12)))
        setattr(table.styles, *rule)
        await pilot.pause()
        added = cells(table.render_lines(Region(0, 0, 70, 12)))
        assert added != bare and [len(line) for line in added if line] != []
        assert added == cells(Widget.render_lines(table, Region(0, 0, 70, 12)))
