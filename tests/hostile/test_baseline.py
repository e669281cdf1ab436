"""The proof that the proof can fail: Textual's own widgets hand the attacks on, and the reader finds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from textual.app import App, ComposeResult
from textual.filter import LineFilter
from textual.widget import Widget
from textual.widgets import DataTable, Input, Label, Log, RichLog, Static, TextArea

from tests.hostile.corpus import CORPUS
from tests.hostile.terminal import Foreign, Terminal
from widgets.filter import line_filters

SIZE = (120, 90)
TEXTS = [text[:100].replace("\n", " ") for name, text in CORPUS.items() if "markup" not in name]  # a line each; DataTable falls over a tag that does not close


def _log() -> Widget:
    log = Log()
    log.call_after_refresh(log.write_lines, TEXTS)
    return log


def _rich_log() -> Widget:
    log = RichLog()
    for text in TEXTS:
        log.call_after_refresh(log.write, text)
    return log


def _table() -> Widget:
    table: DataTable[str] = DataTable()
    table.add_column("text")
    for text in TEXTS:
        table.add_row(text)
    return table


WIDGETS: dict[str, Callable[[], Widget]] = {
    "Static": lambda: Static("\n".join(TEXTS), markup=False),
    "Label": lambda: Label("\n".join(TEXTS), markup=False),
    "RichLog": _rich_log,
    "Log": _log,
    "DataTable": _table,
    "TextArea": lambda: TextArea("\n".join(TEXTS)),
    "Input": lambda: Input("a\x1b]52;c;cm0=\x07b\u202ec"),
}


class Bare(App[None]):
    """One stock widget, as any application would use it."""

    def __init__(self, make: Callable[[], Widget]) -> None:
        super().__init__()
        self._make = make

    def compose(self) -> ComposeResult:
        yield self._make()


class Guarded(Bare):
    """The same behind our filter."""

    def get_line_filters(self) -> Sequence[LineFilter]:
        return line_filters(super().get_line_filters(), no_color=False)


async def shown(app: App[None], written: list[str]) -> Terminal:
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await pilot.pause()
    assert written, "nothing was drawn"
    terminal = Terminal(*SIZE)
    terminal.feed("".join(written))
    assert terminal.characters > 20
    return terminal


@pytest.mark.parametrize("name", WIDGETS)
async def test_every_stock_widget_hands_an_attack_to_the_terminal(name: str, written: list[str]) -> None:
    with pytest.raises(Foreign):
        await shown(Bare(WIDGETS[name]), written)


@pytest.mark.parametrize("name", WIDGETS)
async def test_the_same_widget_behind_our_filter_hands_on_none(name: str, written: list[str]) -> None:
    await shown(Guarded(WIDGETS[name]), written)
