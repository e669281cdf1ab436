"""A matrix between rows and widgets: named columns, named lines, a cell where they cross."""

from __future__ import annotations

import msgspec

from console.model.cell import Cell
from console.model.severity import Severity


class GridLine(msgspec.Struct, frozen=True):
    """One line: its name, how bad the worst of it is, and as many cells as the grid has columns."""

    name: str
    severity: Severity
    cells: tuple[Cell, ...]


class Grid(msgspec.Struct, frozen=True):
    """Column heads and lines; `corner` heads the names."""

    corner: str
    columns: tuple[str, ...]
    lines: tuple[GridLine, ...]
