"""A watch told as a story: what was raised, what became worse, what is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from console.judge.history import Change, History, step
from console.model.finding import ChannelVerdict, Finding
from console.model.severity import Layer, Severity

AT = datetime(2024, 3, 1, 2, 0, tzinfo=UTC)


def finding(severity: Severity = Severity.WARN, at_s: float = 0.0, code: str = "STALE") -> Finding:
    at = AT + timedelta(seconds=at_s)
    return Finding(code, "one", "720p", Layer.PACKAGE, None, severity, "720p stale", AT, at)


def verdict(*findings: Finding, severity: Severity | None = None) -> ChannelVerdict:
    level = severity or max((each.severity for each in findings), key=lambda s: s.rank, default=Severity.OK)
    return ChannelVerdict("one", level, findings=findings)


def test_a_fault_is_raised_once_grows_worse_once_and_is_over_once():
    story, changes = History(), []
    for at_s, found in enumerate([(), (Severity.WARN,), (Severity.WARN,), (Severity.CRIT,), (Severity.WARN,), (), ()]):
        story, turns = step(story, verdict(*(finding(severity, at_s) for severity in found)))
        changes += [(at_s, turn.change, turn.finding.severity) for turn in turns]
    assert changes == [
        (1, Change.RAISED, Severity.WARN),
        (3, Change.WORSE, Severity.CRIT),
        (5, Change.OVER, Severity.CRIT),
    ]
    assert [(f.severity, f.last_seen) for f in story.findings] == [(Severity.CRIT, AT + timedelta(seconds=4))]


def test_what_nobody_can_see_is_not_over():
    story, _ = step(History(), verdict(finding()))
    after, turns = step(story, verdict(severity=Severity.UNKNOWN))
    assert (after, turns) == (story, ())


def test_a_fault_that_comes_again_is_told_again_and_both_are_kept():
    story = History()
    for found in ((finding(),), (), (msgspec.structs.replace(finding(), first_seen=AT + timedelta(seconds=9)),)):
        story, _ = step(story, verdict(*found))
    assert len(story.findings) == 2 and len(story.lasting) == 1


def test_a_well_stream_makes_no_story():
    story, turns = step(History(), verdict())
    assert story.findings == () and turns == ()
