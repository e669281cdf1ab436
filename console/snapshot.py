"""One moment, headless: the digest of a view as soon as it has settled, and how well that went as an exit code.

Text and JSON come from rows and need no app; pictures are drawn by the same app as the console's (console/app/picture.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from console.exit_codes import ExitCode, most_telling
from console.feeds.clock import wait_until
from console.feeds.desk import Desk, Seat, panes_of
from console.judge.codes import Code
from console.model.scope import Scope
from console.model.severity import Severity, State
from console.rows import streams
from console.rows.digest import Digest
from console.rows.pane import Pane

EXTRA = ("incidents", "sources", "workloads")  # what a digest tells beside its panes


class Session:
    """The seats of one snapshot, and the wait until what they show can be believed."""

    def __init__(self, desk: Desk, site: str, view: str, scope: Scope) -> None:
        self._desk = desk
        self._site = site
        self._view = view
        self._scope = scope
        self._wake = asyncio.Event()
        self._names = panes_of(view)
        self._seats: dict[str, Seat] = {}

    def open(self) -> None:
        """Sit down, so that the feeds start."""
        for name in dict.fromkeys((*self._names, *EXTRA)):
            self._seats[name] = self._desk.sit(name, self._wake)

    def close(self) -> None:
        for seat in self._seats.values():
            seat.close()

    def digest(self) -> Digest:
        """What the seats show now."""
        now = self._desk.clock.now()
        panes = {name: seat.pane(self._scope, now) for name, seat in self._seats.items()}
        return Digest(
            site=self._site,
            view=self._view,
            scope=self._scope,
            taken_at=now.utc,
            panes=tuple(panes[name] for name in self._names),
            incidents=panes["incidents"],
            sources=panes["sources"],
            rollouts=self._desk.rollouts(self._seats["workloads"], self._scope, now)
            if "workloads" in self._names
            else (),
        )

    async def settled(self, wait_s: float) -> Digest:
        """The digest once every pane has settled, or when `wait_s` are over, whichever is first."""
        clock = self._desk.clock
        deadline = clock.now().mono + wait_s
        while True:
            digest = self.digest()
            panes = [*digest.panes, *([digest.incidents] if digest.incidents is not None else [])]
            if all(pane.is_settled or not pane.is_configured for pane in panes):
                return digest
            now = clock.now()
            if now.mono >= deadline:
                return digest
            await wait_until(self._wake, clock, min(deadline, now.mono + 0.5))
            self._wake.clear()


@contextmanager
def session(desk: Desk, site: str, view: str, scope: Scope) -> Iterator[Session]:
    """A session that gives its seats back."""
    opened = Session(desk, site, view, scope)
    opened.open()
    try:
        yield opened
    finally:
        opened.close()


def exit_code(digest: Digest, *, tells_health: bool) -> ExitCode:
    """How it went, by the contract's order of precedence. A backend that the site does not have counts for nothing."""
    panes = [pane for pane in digest.panes if pane.is_configured]
    sources = digest.sources.rows if digest.sources is not None else ()
    codes = [ExitCode.OK]
    if tells_health and digest.severity in (Severity.WARN, Severity.CRIT):
        codes.append(ExitCode.UNHEALTHY)
    if panes and all(_is_unreached(pane) for pane in panes):
        codes.append(ExitCode.UNREACHABLE)
    if any(pane.state in (State.ERROR, State.STALE, State.PARTIAL) for pane in panes):
        codes.append(ExitCode.PARTIAL)
    if any(row.state is State.ERROR for row in sources):
        codes.append(ExitCode.PARTIAL)
    if any(pane.state is State.CONNECTING for pane in panes):
        codes.append(ExitCode.TIMED_OUT)
    return most_telling(codes)


def _is_unreached(pane: Pane[Any]) -> bool:
    """Nothing behind this pane has answered. The prober is ours and always there, so that of the streams it is told
    by every channel being down and nobody having answered as much as a status.
    """
    if pane.state is State.ERROR:
        return not pane.rows
    if pane.name != streams.VIEW or not pane.rows:
        return False
    is_answered = any(
        "status" in finding.evidence or finding.code == Code.NOT_PLAYLIST.value for finding in pane.findings
    )
    return not is_answered and all(Code.DOWN.value in row.codes for row in pane.rows)
