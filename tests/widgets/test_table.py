"""The table as its reader meets it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from console.model.cell import Cell, Column, Tone
from console.model.failure import Failure, FailureKind
from console.model.severity import Severity
from widgets.table import Table

Host = Callable[..., Any]


class Pod(msgspec.Struct, frozen=True):
    key: str
    restarts: int = 0
    severity: Severity = Severity.OK


COLUMNS: tuple[Column[Pod], ...] = (
    Column(key="pod", title="POD", cell=lambda pod: Cell(pod.key, sort=pod.key), width=10, grow=1, priority=0),
    Column(
        key="restarts",
        title="RST",
        cell=lambda pod: Cell(str(pod.restarts), Tone.of(pod.severity), pod.restarts),
        width=4,
        is_right=True,
    ),
    Column(key="node", title="NODE", cell=lambda pod: Cell("node-1"), width=12, priority=8),
)


def pods(count: int) -> list[Pod]:
    return [Pod(f"pod-{number:05}") for number in range(count)]


async def until(condition, deadline_s: float = 5.0) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        await asyncio.sleep(0.005)


def heard(pilot, kind: type) -> list:
    return [message for message in pilot.app.heard if isinstance(message, kind)]


async def test_a_row_shows_letter_name_and_numbers(hosted: Host, screen) -> None:
    table = Table(COLUMNS)
    async with hosted(table, (40, 6)):
        table.show([Pod("packager-7", 14, Severity.CRIT), Pod("origin-2")])
        head, first, second, *_ = screen(table)
        assert head.split() == ["S", "POD", "RST", "NODE"]
        assert first.startswith(" C▸packager-7") and "14 node-1" in first
        assert second.startswith("   origin-2") and " 0 node-1" in second
        assert all(len(line) == 40 for line in screen(table))


async def test_a_narrow_table_drops_columns_and_a_wide_one_has_them_back(hosted: Host, screen) -> None:
    table = Table(COLUMNS)
    async with hosted(table, (60, 6)) as pilot:
        table.show(pods(2))
        assert "NODE" in screen(table)[0]
        await pilot.resize_terminal(24, 6)
        await until(lambda: table.size.width == 24)
        assert "NODE" not in screen(table)[0] and "RST" in screen(table)[0]
        assert [column.key for column in table.column_layout.dropped] == ["node"]
        await pilot.resize_terminal(60, 6)
        await until(lambda: table.size.width == 60)
        assert "NODE" in screen(table)[0]


async def test_only_changed_visible_lines_are_painted(hosted: Host, painted) -> None:
    table = Table(COLUMNS)
    async with hosted(table, (40, 11)) as pilot:
        rows = pods(1000)
        table.show(rows)
        await pilot.pause()
        drawn = painted(table)
        table.show([*rows[:3], Pod(rows[3].key, 1), *rows[4:500], Pod(rows[500].key, 7), *rows[501:]])
        await pilot.pause()
        assert drawn == [4]
        table.show([Pod(row.key, row.restarts) for row in rows[:3]] + [Pod(rows[3].key, 1), *rows[4:]])
        await pilot.pause()
        assert drawn == [4], "equal rows are the same rows"


async def test_the_cost_of_a_paint_does_not_grow_with_the_rows(hosted: Host) -> None:
    asked = 0

    def cell(pod: Pod) -> Cell:
        nonlocal asked
        asked += 1
        return Cell(pod.key)

    table = Table((Column(key="pod", title="POD", cell=cell, width=10),))
    async with hosted(table, (40, 11)) as pilot:
        table.show(pods(20_000))
        await pilot.pause()
        await pilot.press("pagedown", "G", "g", "ctrl+d")
        assert asked <= 6 * 2 * table.body_height


async def test_the_cursor_stays_with_its_key_when_the_rows_move(hosted: Host, screen) -> None:
    table = Table(COLUMNS, freeze_s=0.0)
    async with hosted(table, (40, 11)) as pilot:
        rows = pods(30)
        table.show(rows)
        await pilot.press("down", "down")
        await until(lambda: not table.is_held)
        table.show([Pod("new", 0, Severity.CRIT), *reversed(rows[:8]), *rows[8:]])
        assert table.cursor_key == "pod-00002"
        assert any(line.startswith("  ▸pod-00002") for line in screen(table))


async def test_away_from_the_top_the_cursor_keeps_its_line_of_the_screen(hosted: Host, screen) -> None:
    table = Table(COLUMNS, freeze_s=0.0)
    async with hosted(table, (40, 11)) as pilot:
        rows = pods(100)
        table.show(rows)
        assert table.select("pod-00050")
        await pilot.press("up", "up")
        await until(lambda: not table.is_held)
        before = next(y for y, line in enumerate(screen(table)) if "▸" in line)
        table.show([*(Pod(f"new-{number}") for number in range(7)), *rows])
        after = next(y for y, line in enumerate(screen(table)) if "▸" in line)
        assert table.cursor_key == "pod-00048" and before == after


async def test_the_order_stands_still_while_the_cursor_moves(hosted: Host, screen) -> None:
    now = 100.0
    table = Table(COLUMNS, freeze_s=0.01, monotonic=lambda: now)
    async with hosted(table, (40, 11)) as pilot:
        table.show([Pod("a"), Pod("b"), Pod("c")])
        await pilot.press("down")
        table.show([Pod("z", 9, Severity.CRIT), Pod("c"), Pod("b", 5)])
        names = [line[3:13].strip() for line in screen(table)[1:5]]
        assert names == ["a", "b", "c", "z"], "a has gone but keeps its place, z waits at the end"
        assert screen(table)[0].startswith("‖S")
        now += 5.0
        await until(lambda: not table.is_held)
        assert [line[3:13].strip() for line in screen(table)[1:5]] == ["z", "c", "b", ""]
        assert table.cursor_key == "b"


async def test_a_key_lets_the_order_go_at_once_and_holds_it_for_good(hosted: Host) -> None:
    table = Table(COLUMNS, freeze_s=3600)
    async with hosted(table, (40, 11)) as pilot:
        table.show([Pod("a"), Pod("b")])
        await pilot.press("down")
        assert table.is_held
        await pilot.press("=")
        assert not table.is_held
        await pilot.press("=")
        assert table.is_held
        table.show([Pod("b"), Pod("a")])
        assert table._order.keys == ["a", "b"]


async def test_an_untouched_cursor_stays_near_the_worst(hosted: Host) -> None:
    table = Table(COLUMNS)
    async with hosted(table, (40, 6)):
        table.show([Pod("a")])
        table.show([*pods(50), Pod("a")])
        assert table.cursor_key == "pod-00000" and table.top == 0


async def test_the_cursor_of_a_vanished_row_goes_to_its_neighbour_and_says_so(hosted: Host) -> None:
    table = Table(COLUMNS, freeze_s=0.0)
    async with hosted(table, (40, 11)) as pilot:
        table.show(pods(5))
        await pilot.press("down", "down")
        await until(lambda: not table.is_held)
        table.show([*pods(2), *pods(5)[3:]])
        await pilot.pause()
        assert table.cursor_key == "pod-00003"
        assert heard(pilot, Table.RowHighlighted)[-1].key == "pod-00003"
        table.show([])
        await pilot.pause()
        assert table.cursor_key is None and heard(pilot, Table.RowHighlighted)[-1].row is None


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["j", "j", "k"], 1),
        (["G"], 99),
        (["end", "home"], 0),
        (["pagedown"], 9),
        (["ctrl+d", "ctrl+d"], 10),
        (["ctrl+d", "ctrl+u"], 0),
        (["pageup"], 0),
    ],
)
async def test_keys_move_the_cursor(hosted: Host, keys: list[str], expected: int) -> None:
    table = Table(COLUMNS)
    async with hosted(table, (40, 11)) as pilot:
        table.show(pods(100))
        await pilot.press(*keys)
        assert table.cursor_key == f"pod-{expected:05}"
        assert table.top <= expected < table.top + table.body_height


async def test_enter_opens_and_space_marks(hosted: Host, screen) -> None:
    table = Table(COLUMNS)
    async with hosted(table, (40, 11)) as pilot:
        table.show(pods(5))
        await pilot.press("space", "space", "enter")
        await pilot.pause()
        assert table.marked == {"pod-00000", "pod-00001"}
        assert heard(pilot, Table.MarksChanged)[-1].keys == table.marked
        assert heard(pilot, Table.RowChosen)[-1].key == "pod-00002"
        assert screen(table)[1].startswith("✓")
        await pilot.press("up", "space")
        assert table.marked == {"pod-00000"}


async def test_the_sort_column_goes_round_and_is_shown(hosted: Host, screen) -> None:
    table = Table(COLUMNS)
    async with hosted(table, (60, 11)) as pilot:
        table.show([Pod("b", 1), Pod("c", 3), Pod("a", 2)])
        await pilot.press(">")
        assert table.sort == ("pod", False) and "POD▴" in screen(table)[0]
        assert [line[3] for line in screen(table)[1:4]] == ["a", "b", "c"]
        await pilot.press(">")
        assert table.sort == ("restarts", True) and "RST▾" in screen(table)[0]
        assert [line[3] for line in screen(table)[1:4]] == ["c", "a", "b"]
        await pilot.press("<", "<")
        assert table.sort is None
        assert [line[3] for line in screen(table)[1:4]] == ["b", "c", "a"]


async def test_a_click_moves_opens_and_sorts(hosted: Host) -> None:
    table = Table(COLUMNS)
    async with hosted(table, (40, 11)) as pilot:
        table.show(pods(5))
        await pilot.click(table, offset=(5, 3))
        assert table.cursor_key == "pod-00002"
        await pilot.click(table, offset=(5, 3))
        await pilot.pause()
        assert heard(pilot, Table.RowChosen)[-1].key == "pod-00002"
        await pilot.click(table, offset=(5, 0))
        assert table.sort == ("pod", False)


async def test_an_empty_table_says_why(hosted: Host, screen) -> None:
    table = Table(COLUMNS, "no pods in this scope")
    async with hosted(table, (40, 8)):
        assert "no pods in this scope" in screen(table)[2]


async def test_an_error_is_readable_in_the_pane(hosted: Host, screen) -> None:
    failure = Failure(
        kind=FailureKind.UNREACHABLE,
        tried="list pods of live",
        on="kubernetes apac-1 https://10.0.0.1:6443",
        got="connection refused after 2.0 s",
        hint="is the tunnel up? midwatch doctor says which step fails",
    )
    table = Table(COLUMNS)
    async with hosted(table, (44, 12)):
        table.placeholder = failure
        text = " ".join(" ".join(screen(table)).split())
        for told in (failure.tried, failure.on, failure.got, "UNREACHABLE"):
            assert told in text
        assert "is the tunnel up? midwatch doctor" in text and "which step fails" in text


async def test_a_column_of_ours_that_fails_spoils_one_cell_and_not_the_screen(hosted: Host, screen, caplog) -> None:
    broken: Column[Pod] = Column(key="x", title="X", cell=lambda pod: Cell(str(1 // pod.restarts)), width=20)
    table = Table((COLUMNS[0], broken))
    async with hosted(table, (60, 6)):
        table.show([Pod("a", 0), Pod("b", 1)])
        assert "! ZeroDivisionError" in screen(table)[1]
        assert "b " in screen(table)[2] and "Error" not in screen(table)[2]
    assert "column x of row a" in caplog.text


async def test_markup_in_a_name_is_text(hosted: Host, screen) -> None:
    table = Table(COLUMNS)
    async with hosted(table, (60, 6)):
        table.show([Pod("[red]x[/]")])
        assert "[red]x[/]" in screen(table)[1]


async def test_another_theme_repaints_the_table(hosted: Host) -> None:
    table = Table(COLUMNS)
    async with hosted(table, (60, 6)) as pilot:
        table.show([Pod("a", 0, Severity.CRIT)])
        before = list(table.render_line(1))
        pilot.app.theme = "mono"
        await until(lambda: table.paint.name == "mono")
        assert list(table.render_line(1)) != before


async def test_strips_are_remembered_within_bounds(hosted: Host) -> None:
    table = Table(COLUMNS)
    async with hosted(table, (60, 11)) as pilot:
        table.show(pods(20_000))
        for _ in range(300):
            table.action_page(1)
            [table.render_line(y) for y in range(11)]
        await pilot.pause()
        assert len(table._strips) <= 1024
