"""The help page, generated: the registry's keys, and what every column of the pane in front shows and is filled by."""

from __future__ import annotations

from console.app.detail import Line
from console.app.keymap import groups
from console.model.cell import Tone
from views.channel import ChannelPane
from views.pane import PaneView
from views.tables import TablePane

MOVES = (
    ("↑ ↓ g G", "one line up or down, first, last"),
    ("ctrl+d ctrl+u", "half a page"),
    ("< >", "sort by the column before or after"),
    ("space", "mark the row"),
)


def help_lines(pane: PaneView) -> list[Line]:
    """Keys by group, then the columns."""
    lines: list[Line] = []
    for group, entries in groups().items():
        lines.append(("", group, Tone.ACCENT))
        lines += [(entry.shown, entry.help, Tone.NORMAL) for entry in entries]
        if group == "In a pane":
            lines += [(keys, what, Tone.NORMAL) for keys, what in MOVES]
        lines.append(("", "", Tone.NORMAL))
    if isinstance(pane, TablePane | ChannelPane):
        lines.append(("", f"Columns of {pane.TITLE}", Tone.ACCENT))
        lines += [(column.title, column.help, Tone.NORMAL) for column in pane.table.columns]
        lines.append(("–", "a column whose source does not exist or is not configured", Tone.DIM))
    if isinstance(pane, ChannelPane):
        lines += [("", "", Tone.NORMAL), ("", "The matrix", Tone.ACCENT), *((*each, Tone.NORMAL) for each in pane.LEGEND)]
    lines += [
        ("", "", Tone.NORMAL),
        ("", "Letters", Tone.ACCENT),
        ("C W ?", "critical, warning, unknown; blank is fine. No data is never fine: it is ?", Tone.NORMAL),
    ]
    return lines
