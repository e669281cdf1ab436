"""One channel: what it is, every rendition at every vantage, what is wrong, and what happened in the last hour.

It is opened from a row of the streams and has no number of its own. The cursor stands in the findings: `v`, `c`, `l` and `p`
are about the finding under it.
"""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widget import Widget

from console.feeds.desk import Desk, Seat
from console.model.cell import Tone
from console.model.instant import Instant
from console.model.scope import Scope
from console.model.severity import State
from console.rows import channel as rows
from console.rows import findings, incidents, pods
from console.rows.pane import Pane
from console.rows.units import clock, duration
from views.foot import Foot, Piece
from views.pane import PaneView, Selection, fault_pieces
from widgets.backdrop import Backdrop
from widgets.matrix import Matrix
from widgets.table import Table
from widgets.timeline import Timeline

WIDE = 160  # cells: from here on the timeline stands beside the findings
LEAST = 3  # lines of a part that has anything to say
HEADS = 5  # lines of the page that no part has: its head, what it is, why (2), the timeline's name


class Parts(Backdrop, Container):
    """Findings and timeline: one over the other, or side by side."""

    DEFAULT_CSS = """
    Parts { height: 1fr; layout: vertical; }
    Parts.wide { layout: horizontal; }
    Parts Vertical { height: 1fr; width: 1fr; }
    Parts.wide Table { width: 3fr; height: 1fr; }
    Parts.wide Vertical { width: 2fr; }
    """


class ChannelPane(PaneView):
    """The page."""

    VIEW = rows.VIEW
    TITLE = "Channel"
    COLUMNS = findings.COLUMNS
    LEGEND = (
        ("C W ?", "the worst finding at this place, by its code; STALE says how many T the newest segment is old"),
        ("● 0.9", "nothing is held against it; its newest segment is 0.9 T old"),
        ("· 404", "the newest fetch failed so, which is no finding yet"),
        ("–", "this vantage does not name this rendition, or was not asked yet"),
        ("latency", "now - end of the newest segment (PROGRAM-DATE-TIME), the worst rendition at each vantage"),
        ("BW AVG", "BANDWIDTH and AVERAGE-BANDWIDTH as the master declares them, bit/s; then size and CODECS"),
        ("tab", "findings, matrix, timeline; in the matrix left and right bring other columns"),
    )

    def __init__(self, desk: Desk, seat: Seat, *, is_full: bool = False, id: str | None = None) -> None:
        super().__init__(desk, seat, is_full=is_full, id=id)
        self._incidents, self._workloads = desk.sit(incidents.VIEW), desk.sit(pods.VIEW)
        self._channel = ""
        self._shares: tuple[int | None, int | None] = (None, None)
        self.page = rows.NO_PAGE

    def compose_body(self) -> ComposeResult:
        self.facts, self.why = Foot(), Foot(lines=2)
        self.matrix = Matrix("which renditions there are is not known yet")
        self.table: Table[Any] = Table(self.COLUMNS, "no finding: nothing is held against it")
        self.timeline = Timeline("nothing happened to it in the last hour")
        self.parts = Parts()
        self._label = Foot()
        yield self.facts
        yield self.why
        yield self.matrix
        with self.parts:
            yield self.table
            with Vertical():
                yield self._label
                yield self.timeline

    def on_mount(self) -> None:
        self._label.show(
            (("TIMELINE ", Tone.ACCENT), ("its findings, and what changed below it, last 60 min", Tone.DIM))
        )

    def show(self, pane: Pane[Any], scope: Scope, now: Instant) -> None:
        """The page of the channel that the scope names."""
        name = scope.get("channel") or ""
        if name != self._channel:
            self._channel = name
            self.table.show(())
            self.table.action_first()
        self.page = page = self.desk.channel(name, self.seat, self._incidents, self._workloads, now)
        self.table.placeholder = self._absence(pane)
        self.facts.show(((f"{name} ", Tone.STRONG), *page.facts))
        self.why.show(fault_pieces(pane) if pane.error is not None and page.row is not None else self._why())
        self.matrix.show(page.grid)
        self.table.show(page.findings)
        self.timeline.show(page.timeline)
        self._share_out()

    def _absence(self, pane: Pane[Any]) -> Any:
        if pane.error is not None and self.page.row is None:
            return pane.error
        if pane.state is State.CONNECTING or not pane.is_configured:
            return pane.summary
        if self.page.row is None:
            return f"the channel list names no {self._channel!r}"
        return "no finding: nothing is held against it" if not self.page.row.reason else self.page.row.reason

    def _why(self) -> tuple[Piece, ...]:
        row = self.page.row
        if row is None or not row.reason:
            return ()
        layer = f"[{row.layer.value}] " if row.layer is not None else ""
        since = f"since {clock(row.since)} ({duration(row.since_s)}): " if row.since is not None else ""
        tone = Tone.of(row.severity)
        return (("WHY ", Tone.ACCENT), (layer, tone), (since, Tone.NORMAL), (row.reason, tone))

    def _share_out(self) -> None:
        """Heights: the matrix whole where it can be, the findings as many as there are, the timeline the rest."""
        is_wide = self.size.width >= WIDE
        self.parts.set_class(is_wide, "wide")
        room = max(0, self.size.height - HEADS)
        matrix = min(self.matrix.wanted_lines, max(LEAST, room - 2 * LEAST))
        wanted = max(LEAST, len(self.page.findings) + 1)
        below = max(0, room - matrix)
        shares: tuple[int | None, int | None] = (matrix, None if is_wide else min(wanted, max(LEAST, below - LEAST)))
        if shares != self._shares:  # each change lays out the page anew
            self._shares = shares
            self.matrix.styles.height, self.table.styles.height = shares

    def show_fault(self, pane: Pane[Any]) -> None:
        if pane.error is not None:
            self.page = rows.NO_PAGE
            self.table.placeholder = pane.error
            self.table.show(())

    def focus_body(self) -> None:
        self.screen.set_focus(self.table)

    def step(self, steps: int) -> None:
        """To the next part of the page."""
        parts: list[Widget] = [self.table, self.matrix, self.timeline]
        at = next((number for number, part in enumerate(parts) if part.has_focus), 0)
        self.screen.set_focus(parts[(at + steps) % len(parts)])

    def on_table_row_highlighted(self, message: Table.RowHighlighted) -> None:
        message.stop()

    def on_table_hold_changed(self, message: Table.HoldChanged) -> None:
        message.stop()
        self.head.hold(message.is_held)

    def on_table_row_chosen(self, message: Table.RowChosen) -> None:
        message.stop()
        selection = self.selection()
        if selection is not None:
            self.post_message(self.Opened(selection))

    def selection(self) -> Selection | None:
        """The channel, by the finding under the cursor: to the keys it is a stream like any other."""
        row = self.page.row
        if row is None:
            return None
        found = self.table.cursor_row
        service = found.service if found is not None else row.service
        return Selection(view="streams", name=row.name, channel=row.name, service=service, row=found or row)

    def on_unmount(self) -> None:
        self._incidents.close()
        self._workloads.close()
