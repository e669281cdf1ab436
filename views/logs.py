"""The logs: the tail, its rate over the last quarter of an hour, and the account of every line."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult

from console.feeds.log import LogRing
from console.model.cell import Tone
from console.model.instant import Instant
from console.model.joined import Logs
from console.model.logline import LogLine
from console.model.scope import Scope
from console.model.severity import State
from console.rows import lines as rows
from console.rows.pane import Pane
from console.rows.units import percent
from views.foot import Foot
from views.pane import PaneView, Selection, fault_pieces
from widgets.log import LogView


class LogsPane(PaneView):
    """A histogram, the lines, and their account."""

    VIEW = rows.VIEW
    KEY = "2"
    TITLE = "Logs"
    EAGER = True

    def compose_body(self) -> ComposeResult:
        self.histogram = Foot()
        self.lines = LogView(self.desk.ring if self.desk.ring is not None else LogRing(1))
        self.foot = Foot()
        self.filter_text = ""
        self._scope = Scope()
        yield self.histogram
        yield self.lines
        yield self.foot

    def show(self, pane: Pane[Any], scope: Scope, now: Instant) -> None:
        """Follow the ring; the filter is the scope and the text."""
        if scope != self._scope:
            self._scope = scope
            self._set_filter()
        logs: Logs | None = self.seat.reading.value if self.seat.reading is not None else None
        self.lines.placeholder = self._absence(pane)
        self.lines.advance()
        self.histogram.show(self._histogram(logs))
        self.foot.show(fault_pieces(pane) if pane.error is not None else self._account(pane, logs))

    def show_fault(self, pane: Pane[Any]) -> None:
        if pane.error is not None:
            self.foot.show(((pane.error.short, Tone.CRIT),))

    def filter(self, text: str) -> None:
        """Show only lines that contain a text."""
        self.filter_text = text
        self._shown = None
        self._set_filter()
        self.lines.highlight(text)

    def pause(self) -> None:
        """Hold still, or follow again."""
        if self.lines.is_following:
            self.lines.pause()
        else:
            self.lines.follow()
        self._shown = None

    def selection(self) -> Selection | None:
        line = self.lines.cursor_line
        return self.selection_of(line) if line is not None else None

    def on_log_view_follow_changed(self, message: LogView.FollowChanged) -> None:
        """The account says PAUSED with the key, not with the next reading."""
        message.stop()
        if self.pane is not None and self.pane.error is None:
            self.foot.show(self._account(self.pane, self.seat.reading.value if self.seat.reading is not None else None))

    def on_log_view_line_chosen(self, message: LogView.LineChosen) -> None:
        message.stop()
        self.post_message(self.Opened(self.selection_of(message.line)))

    def selection_of(self, line: LogLine) -> Selection:
        """How other views can follow a line."""
        return Selection(
            view=self.VIEW,
            name=line.service or line.host or "",
            channel=line.channel,
            service=line.service,
            pod=line.pod,
            namespace=line.namespace,
            row=line,
        )

    def _set_filter(self) -> None:
        scope, wanted = self._scope, self.filter_text.casefold()
        if not scope and not wanted:
            self.lines.filter(None)
            return

        def admits(line: LogLine) -> bool:
            return rows.in_scope(line, scope) and (not wanted or wanted in line.message.casefold())

        self.lines.filter(admits)

    def _histogram(self, logs: Logs | None) -> tuple[tuple[str, Tone], ...]:
        if logs is None or logs.levels is None:
            return (
                ("no counts yet" if logs is None or logs.levels_error is None else logs.levels_error.short, Tone.DIM),
            )
        room = max(10, (self.size.width - 32) // 2)
        ratio = logs.levels.error_ratio
        tone = Tone.CRIT if ratio is not None and ratio >= rows.ERRORS_WARN else Tone.DIM
        return (
            ("15 min ", Tone.DIM),
            (rows.histogram(logs.levels, room), Tone.ACCENT),
            ("  errors ", Tone.DIM),
            (rows.errors_histogram(logs.levels, room), tone),
            (f" {percent(ratio, 1)}", tone),
        )

    def _account(self, pane: Pane[Any], logs: Logs | None) -> tuple[tuple[str, Tone], ...]:
        if logs is None:
            return ()
        accounting = logs.window.accounting
        pieces: list[tuple[str, Tone]] = []
        if not self.lines.is_following:
            pieces.append((f"PAUSED, {self.lines.behind} newer · = follows · ", Tone.WARN))
        pieces.append((rows.accounting_text(accounting), Tone.WARN if accounting.dropped else Tone.DIM))
        if self._scope or self.filter_text:
            pieces.append(
                (
                    f" · in scope: {self._scope or ''}{' “' + self.filter_text + '”' if self.filter_text else ''}",
                    Tone.ACCENT,
                )
            )
        if pane.note:
            pieces.append((f" · {pane.note}", Tone.DIM))
        return tuple(pieces)

    def _absence(self, pane: Pane[Any]) -> Any:
        if pane.error is not None:
            return pane.error
        if not pane.is_configured:
            return pane.summary
        return "connecting …" if pane.state is State.CONNECTING else "no lines in this scope yet"
