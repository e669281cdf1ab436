"""What was done about an incident stands in its timeline, and who has acknowledged it, while that lasts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from console.judge.acted import acted
from console.model.incident import EntryKind, Incident, TimelineEntry
from console.model.operation import OperationLine
from console.model.severity import Severity
from tests.hand_clock import HandClock
from tests.scene import back, incident, operation

NOW = HandClock().now()
INCIDENT = msgspec.structs.replace(incident(NOW), alerts=("f00d",))
UNDO = {"action": "deployment.undo", "target": "kube:demo-1/live/deployment/packager-emea", "at": back(NOW, 30), "last_at": back(NOW, 5)}


def entries(*lines: OperationLine, about: Incident = INCIDENT) -> list[TimelineEntry]:
    found = acted((about,), lines, NOW.utc)[0]
    assert list(found.timeline) == sorted(found.timeline, key=lambda entry: entry.at)
    return [entry for entry in found.timeline if entry.kind is EntryKind.ACTION]


def line(**said: Any) -> OperationLine:
    return operation(NOW, **{**UNDO, **said})


def test_an_operation_is_told_when_it_was_asked_for_and_when_it_ended() -> None:
    asked, ended = entries(line(reason="bad deploy"))
    assert (asked.at, asked.text) == (back(NOW, 30), "mei deployment.undo packager-emea: bad deploy")
    assert (ended.at, ended.text) == (back(NOW, 5), "deployment.undo packager-emea succeeded: every pod new, streams no worse")


@pytest.mark.parametrize(
    ("said", "belongs"),
    [
        ({}, True),
        ({"target": "kube:demo-1/live/pod/packager-emea-7c9d8b5f6d-x2k40"}, True),
        ({"target": "kube:demo-1/live/deployment/packager-emea-canary"}, False),
        ({"target": "kube:demo-1/live/deployment/packager-apac"}, False),
        ({"target": "node:demo-1/emea-node-03"}, False),
        ({"target": "node:demo-1/emea-node-03", "incident": "INC-7f3a"}, True),
        ({"target": "alert:f00d"}, True),
        ({"target": "alert:beef"}, False),
        ({"at": back(NOW, 7200)}, False),
        ({"state": "refused"}, False),
        ({"state": "cancelled"}, False),
        ({"state": "planned", "is_over": False}, False),
    ],
)
def test_what_belongs_to_an_incident(said: dict[str, Any], belongs: bool) -> None:
    assert bool(entries(line(**said))) is belongs


def test_what_is_not_over_or_not_known_is_told_as_such() -> None:
    (running,) = entries(line(state="running", is_over=False))
    assert running.text.endswith(", running") and not running.is_over
    assert entries(line(state="unknown", is_over=True, ending="no answer"))[-1].severity is Severity.CRIT


def acknowledgement(**said: Any) -> OperationLine:
    until = NOW.utc + timedelta(minutes=30)
    return line(**{"action": "alert.acknowledge", "target": "alert:f00d", "until": until, **said})


@pytest.mark.parametrize(
    ("said", "who"),
    [
        ({}, "mei"),
        ({"target": "incident:INC-7f3a"}, "mei"),
        ({"until": back(NOW, 1)}, None),
        ({"until": None}, None),
        ({"state": "failed"}, None),
        ({"state": "undone"}, None),
        ({"target": "alert:beef"}, None),
        ({"action": "alert.silence"}, None),
    ],
)
def test_who_has_acknowledged_it_while_that_lasts(said: dict[str, Any], who: str | None) -> None:
    assert acted((INCIDENT,), [acknowledgement(**said)], NOW.utc)[0].acknowledged_by == who


def test_of_two_acknowledgements_the_newer_counts() -> None:
    lines = [acknowledgement(by="ana", at=back(NOW, 10)), acknowledgement(by="mei", at=back(NOW, 20))]
    assert acted((INCIDENT,), lines, NOW.utc)[0].acknowledged_by == "ana"


def test_incidents_about_which_nothing_was_done_are_handed_on_as_they_are() -> None:
    assert acted((INCIDENT,), [], NOW.utc)[0] is INCIDENT
    assert acted((INCIDENT,), [line(target="node:demo-1/x")], NOW.utc)[0] is INCIDENT
