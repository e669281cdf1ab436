"""The actions pane: what must be decided first, what runs, what waits, what is over; and what it is called."""

from __future__ import annotations

import json
from typing import Any

import pytest

from console.model.operation import OperationLine, Operations, OperationStep
from console.model.reading import Reading
from console.model.scope import Scope
from console.model.severity import Severity, State
from console.rows import actions
from console.rows.digest import to_json, to_text
from console.rows.pane import Pane
from console.snapshot import session
from tests.hand_clock import HandClock
from tests.scene import Scene, back, live, operation

NOW = HandClock().now()
DRAIN = tuple(
    OperationStep(f"evict kube:demo-1/live/pod/packager-{number}", "done" if number < 7 else "begun" if number == 7 else "pending")
    for number in range(12)
)


def line(state: str, **said: Any) -> OperationLine:
    return operation(NOW, **{"id": f"op-{state}", "state": state, "is_over": False, "ending": "", **said})


def made(*lines: OperationLine, scope: Scope = Scope(), trouble: str = "") -> Pane[actions.OperationRow]:  # noqa: B008
    return actions.pane(live(Operations(lines, trouble), NOW), scope, NOW)


def test_what_must_be_decided_is_first_then_what_runs_then_what_waits_then_what_is_over() -> None:
    states = ("succeeded", "running", "awaiting approval", "interrupted", "approved", "unknown", "failed", "planned", "stopped")
    rows = made(*(line(state) for state in states)).rows
    assert [row.state for row in rows] == [
        "unknown", "interrupted", "stopped", "running", "awaiting approval", "approved", "planned", "succeeded", "failed",
    ]  # fmt: skip
    assert [row.is_open for row in rows] == [True] * 7 + [False] * 2


@pytest.mark.parametrize(
    ("state", "severity"),
    [
        ("unknown", Severity.CRIT), ("interrupted", Severity.CRIT), ("stopped", Severity.WARN), ("running", Severity.OK),
        ("verifying", Severity.OK), ("awaiting approval", Severity.OK), ("succeeded", Severity.OK), ("undone", Severity.OK),
        ("refused", Severity.OK), ("cancelled", Severity.OK), ("abandoned", Severity.OK),
    ],
)  # fmt: skip
def test_how_bad_a_state_is(state: str, severity: Severity) -> None:
    pane = made(line(state))
    assert (pane.rows[0].severity, pane.severity) == (severity, severity)


def test_a_failure_warns_for_an_hour_and_as_long_as_it_can_be_taken_back() -> None:
    assert made(line("failed", last_at=back(NOW, 60))).severity is Severity.WARN
    assert made(line("failed", last_at=back(NOW, 7200))).severity is Severity.OK
    assert made(line("failed", last_at=back(NOW, 7200), may_undo=True)).severity is Severity.WARN


def test_an_interrupted_drain_says_how_far_it_came_what_is_in_doubt_and_what_can_be_done() -> None:
    row = made(
        line("interrupted", action="node.drain", target="node:demo-1/worker-3", steps=DRAIN, done=7, may_resume=True, may_undo=True)
    ).rows[0]
    assert row.text == "7 of 12 steps done, 1 in doubt; resume or undo"
    assert row.brief == "node.drain demo-1/worker-3 interrupted: 7 of 12 steps done, 1 in doubt; resume or undo"


def test_a_running_one_says_what_it_does_now_and_one_of_another_process_that_it_is() -> None:
    here = made(line("running", is_here=True, progress="evicting packager-7", steps=DRAIN, done=7, is_stopping=True)).rows[0]
    assert here.text == "7 of 12 done, evicting packager-7 · stopping before the next step"
    assert made(line("running", steps=DRAIN, done=7)).rows[0].text == "7 of 12 done, in another process"


def test_a_plan_that_ran_out_unconfirmed_is_no_operation_and_one_that_was_confirmed_is() -> None:
    assert made(line("expired", reason="")).count == 0
    assert made(line("expired", reason="wedged")).count == 1


def test_a_scope_leaves_what_was_done_to_others_aside() -> None:
    lines = (line("succeeded"), line("failed", target="node:demo-2/worker-3"))
    for words, count in ((["service=packager-apac"], 1), (["cluster=demo-2"], 1), (["node=worker-3"], 1), (["namespace=vod"], 0)):
        assert made(*lines, scope=Scope.parse(words)).count == count, words


def test_a_record_that_cannot_be_read_or_written_is_told_and_warns() -> None:
    pane = made(trouble="the disk is full")
    assert pane.severity is Severity.WARN and pane.note == "the disk is full"
    reading: Reading[Operations] = live(Operations((), "x"), NOW)
    assert actions.pane(reading, Scope(), NOW).state is State.LIVE


def test_the_summary_counts_what_is_open_and_what_is_over() -> None:
    pane = made(line("running"), line("unknown"), line("interrupted"), line("succeeded"), line("awaiting approval"))
    assert pane.summary == "1 unknown · 1 half done · 1 running · 1 awaiting approval · 1 ended"
    assert made().summary == "nothing was done"


async def test_a_snapshot_of_the_actions_tells_what_is_bad_by_line_and_all_of_it_as_json() -> None:
    scene = Scene(HandClock())
    unknown = line("unknown", action="deployment.scale", ending="no answer")
    scene.feeds["actions"].set(live(Operations((operation(NOW), unknown)), NOW))
    with session(scene.desk, "demo", "actions", Scope()) as opened:
        digest = opened.digest()
    text = to_text(digest)
    assert "C deployment.scale demo-1/live/packager-apac unknown: no answer · by mei · 01:12:27" in text
    pane = json.loads(to_json(digest))["panes"][0]
    assert (pane["name"], pane["severity"], pane["count"]) == ("actions", "CRIT", 2)
    assert {"name", "severity", "action", "target", "state", "by", "at", "done", "steps", "may_resume", "may_undo"} <= set(pane["rows"][0])
    await scene.hub.close()
