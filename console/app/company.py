"""Who else is here, as one session is told of it. Whoever makes the session says; alone on a host there is nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from console.app.detail import Line
from console.model.cell import Tone
from console.model.instant import Instant
from console.model.operation import OperationLine
from console.rows.actions import AT_WORK, bare
from console.rows.units import clock, duration
from widgets.confusable import visible


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """One session."""

    name: str  # proven by a key or a certificate
    since: datetime
    address: str = ""  # empty where the one who looks may not see it
    view: str = ""  # a view's name and never its scope: that could name what the one who looks may not read
    is_self: bool = False


class Company(Protocol):
    """What a session knows of the others, and says of itself."""

    @property
    def here(self) -> Sequence[Guest]:
        """Every session, this one too; who came first stands first."""
        ...

    @property
    def count(self) -> int: ...

    @property
    def last_here(self) -> datetime | None:
        """When this person's last session before this one ended, and no other of theirs was left; None: not known."""
        ...

    def is_here(self, name: str) -> bool: ...

    def looks_at(self, view: str) -> None:
        """This session went to a view."""
        ...

    def leave(self) -> None:
        """This session is over. Twice does no harm."""
        ...


def who_page(guests: Sequence[Guest], lines: Sequence[OperationLine], now: Instant) -> list[Line]:
    """Who is here, since when, where they look, and what they run."""
    told: list[Line] = []
    for guest in guests:
        stay = duration(max(0.0, (now.utc - guest.since).total_seconds()))
        words = [f"since {clock(guest.since)} UTC, {stay}", guest.view, guest.address, "this session" * guest.is_self]
        told.append((visible(guest.name), " · ".join(filter(None, words)), Tone.STRONG if guest.is_self else Tone.NORMAL))
    names = {guest.name for guest in guests}
    for line in lines:
        if line.is_here or line.state in AT_WORK:
            runner = line.runs_by or line.by
            gone = "" if runner in names else ", who has left"
            far = f"step {min(line.done + 1, len(line.steps))} of {len(line.steps)}"
            told.append(("RUNNING", f"{line.action} {bare(line.target)} · {far} · of {visible(runner)}{gone}", Tone.ACCENT))
    return told
