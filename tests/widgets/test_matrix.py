"""A matrix: names that stay, columns that move, and a head that says where there is more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from console.model.cell import Cell
from console.model.grid import Grid, GridLine
from console.model.severity import Severity
from widgets.matrix import Matrix

Host = Callable[..., Any]


def grid(columns: int, lines: int = 3, text: str = "● 0.9") -> Grid:
    return Grid(
        "RENDITION",
        tuple(f"edge-{number}" for number in range(columns)),
        tuple(
            GridLine(f"{line}p", Severity.CRIT if line == 1 else Severity.OK, tuple(Cell(f"{text}{column}") for column in range(columns)))
            for line in range(lines)
        ),
    )


async def test_a_line_says_its_letter_its_name_and_its_cells(hosted: Host, screen: Any) -> None:
    matrix = Matrix()
    async with hosted(matrix, (60, 6)):
        matrix.show(grid(3))
        head, first, second, *_ = screen(matrix)
        assert head.split() == ["RENDITION", "edge-0", "edge-1", "edge-2"]
        assert first.split() == ["0p", "●", "0.90", "●", "0.91", "●", "0.92"]
        assert second.startswith(" C 1p")
        assert matrix.wanted_lines == 4


async def test_what_does_not_fit_is_announced_and_reached_by_the_arrows_while_the_names_stay(hosted: Host, screen: Any) -> None:
    matrix = Matrix()
    async with hosted(matrix, (40, 6)) as pilot:
        matrix.show(grid(6))
        assert "edge-2 ›" in screen(matrix)[0] and "edge-3" not in screen(matrix)[0]
        await pilot.press("right")
        assert "‹edge-1" in screen(matrix)[0] and "0p" in screen(matrix)[1] and "0.91" in screen(matrix)[1]
        await pilot.press("right", "right", "right", "right", "right")
        assert "edge-5" in screen(matrix)[0] and "›" not in screen(matrix)[0]
        seen = screen(matrix)[0]
        await pilot.press("right")
        assert screen(matrix)[0] == seen, "there is nothing behind the last column"
        await pilot.press(*["left"] * 9)
        assert "edge-0" in screen(matrix)[0] and "‹" not in screen(matrix)[0]


async def test_a_number_that_loses_a_digit_does_not_move_its_neighbours_and_a_fault_that_is_over_does(hosted: Host, screen: Any) -> None:
    matrix = Matrix()
    async with hosted(matrix, (60, 6)):
        seen = []
        for text in ("C STALE 10.", "C STALE 9.", "● 0."):
            matrix.show(grid(2, text=text))
            seen.append(screen(matrix)[0].index("edge-1"))
        assert seen[0] == seen[1] > seen[2]


async def test_fewer_columns_than_one_has_scrolled_to_do_no_harm(hosted: Host, screen: Any) -> None:
    matrix = Matrix("not known yet")
    async with hosted(matrix, (30, 5)) as pilot:
        matrix.show(grid(9))
        await pilot.press(*["right"] * 5)
        matrix.show(grid(1))
        assert "edge-0" in screen(matrix)[0]
        matrix.show(Grid("", (), ()))
        assert "not known yet" in " ".join(screen(matrix))


async def test_a_cell_as_long_as_a_novel_is_cut_and_a_width_of_nothing_survives(hosted: Host, screen: Any) -> None:
    matrix = Matrix()
    async with hosted(matrix, (50, 5)) as pilot:
        matrix.show(grid(2, text="x" * 500))
        assert "…" in screen(matrix)[1]
        for width in (12, 3, 1):
            await pilot.resize_terminal(width, 3)
            async with asyncio.timeout(10):
                while matrix.size.width != width:
                    await pilot.pause()
            assert all(len(line) <= width for line in screen(matrix))
