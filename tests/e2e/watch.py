"""An engine without a face, as a child: `python -m tests.e2e.watch CONFIG OUT` writes what it says four times a second.

A process of its own, so that what a test does meanwhile never delays what it measures.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from console.assembly import Engine
from console.config.load import load
from console.feeds.clock import SystemClock
from console.feeds.desk import OVERVIEW
from console.feeds.log import LogRing
from console.model.finding import Finding
from console.model.scope import Scope
from console.model.severity import Severity
from console.rows import lines
from console.rows.digest import Digest
from console.rows.incidents import IncidentRow
from console.rows.pane import Pane
from console.snapshot import session

EVERY_S = 0.25


class Row(msgspec.Struct, frozen=True):
    """A row that is not OK."""

    name: str
    severity: str
    reason: str


class PaneSeen(msgspec.Struct, frozen=True):
    """One pane at one moment. `rows`: those not OK."""

    state: str
    severity: str
    summary: str
    note: str
    error: str | None
    accounting: dict[str, int] | None
    rows: tuple[Row, ...]


class Moment(msgspec.Struct, frozen=True):
    """What an engine said at one moment."""

    at: datetime
    panes: dict[str, PaneSeen]
    findings: tuple[Finding, ...]
    incidents: tuple[IncidentRow, ...]
    sources: dict[str, str]  # name -> state
    marks: tuple[str, ...]  # words of midwatch's own among the log lines that are new since the moment before


class Marks:
    """Picks the marks out of a ring of log lines, each once."""

    def __init__(self, ring: LogRing | None) -> None:
        self._ring = ring
        self._seen = 0

    def fresh(self) -> tuple[str, ...]:
        if self._ring is None:
            return ()
        count, self._seen = self._ring.last_seq - self._seen, self._ring.last_seq
        return tuple(line.message for line in self._ring.newest(count) if line.is_mark)


def moment(digest: Digest, marks: tuple[str, ...]) -> Moment:
    """The parts of a digest that tests compare, small enough to be written four times a second."""
    return Moment(
        at=digest.taken_at,
        panes={pane.name: _seen(pane) for pane in digest.panes},
        findings=tuple(finding for pane in digest.panes for finding in pane.findings),
        incidents=digest.incidents.rows if digest.incidents is not None else (),
        sources={row.name: row.state.value for row in digest.sources.rows} if digest.sources is not None else {},
        marks=marks,
    )


def _seen(pane: Pane[Any]) -> PaneSeen:
    rows: tuple[Row, ...] = ()
    if pane.name != lines.VIEW:  # a line of level error is no verdict
        bad = (row for row in pane.rows if row.severity is not Severity.OK)
        rows = tuple(Row(row.name, row.severity.value, row.reason) for row in bad)
    return PaneSeen(
        state=pane.state.value,
        severity=pane.severity.value,
        summary=pane.summary,
        note=pane.note,
        error=str(pane.error) if pane.error is not None else None,
        accounting=dict(pane.accounting) if pane.accounting is not None else None,
        rows=rows,
    )


async def watch(config: Path, out: Path) -> None:
    """Until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    engine = Engine.open(load(config, {}), None, SystemClock())
    try:
        with out.open("ab", buffering=0) as file, session(engine.desk, engine.name, OVERVIEW, Scope()) as taking:
            marks = Marks(engine.desk.ring)
            while not ended.is_set():
                file.write(msgspec.json.encode(moment(taking.digest(), marks.fresh())) + b"\n")
                try:
                    async with asyncio.timeout(EVERY_S):
                        await ended.wait()
                except TimeoutError:
                    continue
    finally:
        await engine.close()


if __name__ == "__main__":
    asyncio.run(watch(Path(sys.argv[1]), Path(sys.argv[2])))
