"""What became of findings over a time of watching: raised, worse, over. For whoever reads a watch as a story and not as a
state: `midwatch probe` on a terminal or in a pipeline.

A verdict that is UNKNOWN ends nothing: a fault that nobody can see at the moment is not over.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from console.model.finding import ChannelVerdict, Finding
from console.model.severity import Severity

Key = tuple[str, str, str, str]
LIMIT = 1_000  # findings of one watch that are remembered as over; a stream with more has been told enough of


class Change(StrEnum):
    """What happened to a finding."""

    RAISED = "raised"
    WORSE = "worse"
    OVER = "over"


class Turn(msgspec.Struct, frozen=True):
    """One change, with the finding as it was then."""

    change: Change
    finding: Finding


class History(msgspec.Struct, frozen=True):
    """The findings that last, at their worst so far, and those that are over, oldest first."""

    lasting: Mapping[Key, Finding] = {}
    over: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them, in the order in which they began."""
        return tuple(sorted((*self.over, *self.lasting.values()), key=lambda finding: finding.first_seen))


def step(history: History, verdict: ChannelVerdict) -> tuple[History, tuple[Turn, ...]]:
    """The history with one verdict more, and what changed."""
    if verdict.severity is Severity.UNKNOWN and not verdict.findings:
        return history, ()
    turns: list[Turn] = []
    lasting: dict[Key, Finding] = {}
    for finding in verdict.findings:
        known = history.lasting.get(finding.key)
        if known is None:
            turns.append(Turn(Change.RAISED, finding))
            lasting[finding.key] = finding
            continue
        is_worse = finding.severity.rank > known.severity.rank
        worst = finding if finding.severity.rank >= known.severity.rank else known
        kept = msgspec.structs.replace(
            worst, first_seen=min(known.first_seen, finding.first_seen), last_seen=finding.last_seen
        )
        lasting[finding.key] = kept
        if is_worse:
            turns.append(Turn(Change.WORSE, kept))
    gone = tuple(finding for key, finding in history.lasting.items() if key not in lasting)
    turns += [Turn(Change.OVER, finding) for finding in gone]
    if not turns and not lasting and not history.lasting:
        return history, ()
    return History(lasting, (*history.over, *gone)[-LIMIT:]), tuple(turns)
