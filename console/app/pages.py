"""What the keys show over everything (describe, evidence, events, help), ask for (`/` and `:`), and what `c` copies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from textual.app import App

from console.app import details
from console.app.commands import COMMANDS, Commanded, run
from console.app.detail import DetailScreen, Line
from console.app.help import help_lines
from console.app.prompt import Question
from console.feeds.desk import Seat
from console.model.channel import Channel
from console.rows import curl
from console.rows.findings import FindingRow
from console.rows.pane import Pane
from views.logs import LogsPane
from views.pane import PaneView, Selection
from views.tables import TablePane

TOLD = 60  # characters of what was copied


class Pages:
    """Opens pages of text for a selection."""

    def __init__(
        self,
        app: Callable[[], App[Any]],
        ask: Callable[[Question], None],
        seats: Callable[[], Mapping[str, Seat]],
        streams: Callable[[], Pane[Any]],
    ) -> None:
        self._app = app
        self._ask = ask
        self._seats = seats
        self._streams = streams  # the streams of every scope: a finding is shown wherever its channel is selected

    def describe(self, selection: Selection) -> None:
        """Everything known of it."""
        self._open(f"{selection.view} · {selection.name}", details.described(selection))

    def evidence(self, selection: Selection) -> None:
        """Why the verdict was given."""
        pane = self._streams()
        self._open(f"evidence · {selection.name}", details.evidence(selection, (*pane.findings, *pane.children)))

    def events(self, selection: Selection) -> None:
        """The cluster's events about it."""
        reading = self._seats()["workloads"].reading
        known = reading.value.events.values() if reading is not None and reading.value is not None else ()
        self._open(f"events · {selection.name}", details.events(selection, known))

    def help(self, pane: PaneView) -> None:
        """The keys, and the columns of the pane in front."""
        self._open("help", help_lines(pane))

    def copy(self, selection: Selection) -> None:
        """To the terminal's clipboard: of a stream the request that showed its fault, of a log line its text, else the name."""
        text = self._request(selection) or getattr(selection.row, "message", None) or selection.name
        why = self._app().to_clipboard(text)  # type: ignore[attr-defined]  # ours
        if why:
            self._app().notify(f"not copied: {why}", severity="warning", markup=False)
        else:
            self._app().notify(f"copied: {text[:TOLD]}{'…' if len(text) > TOLD else ''}", markup=False)

    def filter(self, pane: TablePane | LogsPane, renew: Callable[[], None]) -> None:
        """Asks for the text that the pane's rows must contain; what is typed is shown while one types."""

        def typed(text: str) -> None:
            pane.filter(text)
            renew()

        def answered(text: str | None) -> None:
            typed(text or "")

        self._ask(Question("filter (esc clears)", answered, value=pane.filter_text, typed=typed))

    def command(self, screen: Commanded) -> None:
        """Asks for a command and does it, or says what is wrong with it."""

        def answered(text: str | None) -> None:
            complaint = run(screen, text) if text else None
            if complaint:
                self._app().notify(complaint, severity="warning", markup=False)

        self._ask(Question("command", answered, choices=COMMANDS))

    def _request(self, selection: Selection) -> str:
        """The redacted curl of the selected finding, of the channel's worst one, or of its master."""
        if selection.view != "streams":
            return ""
        reading = self._seats()["streams"].reading
        streams = reading.value if reading is not None else None
        channel: Channel | None = streams.channels.get(selection.channel) if streams is not None else None
        if streams is None or channel is None:
            return ""
        if isinstance(selection.row, FindingRow):
            return curl.of_finding(channel, selection.row.finding)
        verdict = streams.verdicts.get(channel.name)
        if verdict is not None and verdict.findings:
            return curl.of_finding(channel, verdict.findings[0])
        return curl.of_channel(channel)

    def _open(self, title: str, lines: list[Line]) -> None:
        self._app().push_screen(DetailScreen(title, lines))
