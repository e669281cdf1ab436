"""NO_COLOR and hostile text, seen at the very end: in what would be written to the terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from console.model.cell import Cell, Column, Tone
from console.model.severity import Severity
from widgets.table import Table

Host = Callable[..., Any]
SGR = re.compile(r"\x1b\[([0-9;]*)m")


class Row(msgspec.Struct, frozen=True):
    key: str
    severity: Severity


COLUMNS: tuple[Column[Row], ...] = (
    Column(key="name", title="NAME", cell=lambda row: Cell(row.key, Tone.of(row.severity)), width=30),
)
ROWS = [Row(f"{severity.value} row", severity) for severity in Severity]


def written(pilot: Any) -> str:
    """What the whole screen is to the terminal."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.render(pilot.app.console) for strip in strips)


async def test_no_color_writes_no_color_code_at_all(hosted: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    table = Table(COLUMNS)
    async with hosted(table, (40, 8)) as pilot:
        table.show(ROWS)
        await pilot.pause()
        codes = {code for found in SGR.findall(written(pilot)) for code in found.split(";")}
        assert codes <= {"0", "1", "2", "4", "7"} and {"1", "4", "7"} <= codes


async def test_with_color_the_same_screen_has_colors(hosted: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    table = Table(COLUMNS)
    async with hosted(table, (40, 8)) as pilot:
        table.show(ROWS)
        await pilot.pause()
        codes = {code for found in SGR.findall(written(pilot)) for code in found.split(";")}
        assert codes & {"38", "48", *map(str, range(30, 38)), *map(str, range(40, 48))}


async def test_hostile_names_reach_the_terminal_disarmed(hosted: Host) -> None:
    table = Table(COLUMNS)
    async with hosted(table, (40, 8)) as pilot:
        table.show([Row("a\x1b]52;c;aGk=\x07b", Severity.OK), Row("c\u202ed\x9b2J", Severity.CRIT)])
        await pilot.pause()
        text = SGR.sub("", written(pilot))
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
        assert "]52;c;aGk=" in text, "the harmless rest stays readable"
