"""The verdicts against the truth: what breaks is found by name, layer and place in time, and nothing else is accused."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from console.model.finding import Finding
from console.model.incident import EntryKind
from console.model.severity import Severity
from tests.e2e.nights import CALM_S, HEALED_WITHIN_S, Night, Nights, is_blind, is_calm, is_live, taken
from tests.e2e.platform import Told
from tests.e2e.watch import Moment

T_S, P_S = 4.0, 2.0
WARN_WITHIN_S = 1.5 * T_S + 3 * P_S
CRIT_WITHIN_S = 3 * T_S + 3 * P_S
FAULTS = ("edge-stale", "bad-deploy")


def seconds(until: datetime, since: datetime) -> float:
    return (until - since).total_seconds()


def of(moment: Moment, told: Told) -> Finding | None:
    """The finding that tells this line of the truth."""
    for finding in moment.findings:
        if (finding.entity, finding.rendition) == (told.entity, told.rendition) and finding.code in told.codes:
            return finding
    return None


def blind_s(moments: Iterable[Moment], since: datetime, until: datetime) -> float:
    """For how long the prober told that it could not see: a machine too busy to look is no fault of the judge's.

    To each spell belong the heartbeat before it, since when nothing is proven, and the poll after it, which proves again.
    """
    total, before, was_blind = 0.0, since, False
    for moment in moments:
        if since <= moment.at <= until:
            if is_blind(moment):
                total += seconds(moment.at, before) + (0 if was_blind else 1.0 + P_S)
            before, was_blind = moment.at, is_blind(moment)
    return total


def not_yet(moments: list[Moment], first: Moment) -> datetime:
    """The last moment before `first`: what is seen first in `first` came after it."""
    return moments[moments.index(first) - 1].at


@pytest.mark.night("calm")
def test_in_calm_nothing_is_accused_and_all_panes_stay_live(nights: Nights) -> None:
    night = nights.of("calm")
    settled = next(moment for moment in night.moments if is_live(moment))
    watched = [moment for moment in night.moments if moment.at >= settled.at]
    assert seconds(watched[-1].at, watched[0].at) >= CALM_S - 1
    for moment in night.moments:
        assert not moment.findings
        assert not moment.incidents
        for name, pane in moment.panes.items():
            assert pane.severity in ("OK", "UNKNOWN"), (name, moment.at, pane)
            assert pane.error is None, (name, moment.at, pane)
    for moment in watched:
        if not blind_s(night.moments, moment.at - timedelta(seconds=10), moment.at):
            assert is_calm(moment), (moment.at, moment.panes)


@pytest.mark.night("edge-stale", "bad-deploy")
@pytest.mark.parametrize("scenario", FAULTS)
def test_before_the_fault_the_console_saw_all_and_accused_nothing(nights: Nights, scenario: str) -> None:
    night = nights.of(scenario)
    before = [moment for moment in night.moments if moment.at < night.begun]
    assert is_calm(before[-1]), before[-1].panes
    assert not any(moment.findings or moment.incidents for moment in before)


@pytest.mark.night("edge-stale", "bad-deploy")
@pytest.mark.parametrize("scenario", FAULTS)
def test_each_truth_is_found_by_code_layer_and_vantages_within_its_deadline(nights: Nights, scenario: str) -> None:
    night = nights.of(scenario)
    assert night.starts
    wrong = [why for told in night.starts if (why := _lacking(night, told))]
    assert not wrong, "\n".join(wrong)


def _lacking(night: Night, told: Told) -> str:
    """What is wrong with the findings of one line of the truth, with what was measured; "" when nothing is."""
    what = f"{told.entity} {told.rendition} {told.codes}"
    seen = [(moment, finding) for moment in night.moments if (finding := of(moment, told)) is not None]
    if not seen:
        return f"{what}: never found"
    critical = [(moment, finding) for moment, finding in seen if finding.severity is Severity.CRIT]
    if not critical:
        return f"{what}: never CRIT"
    first, finding = seen[0]
    crit = critical[0][0]
    blind = blind_s(night.moments, told.t, crit.at)
    told_s = seconds(finding.first_seen, told.t)
    warn_s, crit_s = (seconds(not_yet(night.moments, each), told.t) for each in (first, crit))
    measured = (
        f"{what}: first_seen {told_s:.1f} s after the start, absent until {warn_s:.1f} s (limit {WARN_WITHIN_S:g}), "
        f"not CRIT until {crit_s:.1f} s (limit {CRIT_WITHIN_S:g}), blind for {blind:.1f} s"
    )
    problems = []
    if told_s > WARN_WITHIN_S + blind or warn_s > WARN_WITHIN_S + blind:
        problems.append("too late")
    if crit_s > CRIT_WITHIN_S + blind:
        problems.append("CRIT too late")
    if layers := {each.layer.value for _, each in seen} - {told.layer}:
        problems.append(f"layer {told.layer}, but it said {layers}")
    if not any(tuple(each.evidence["vantages"]) == told.vantages for _, each in critical):  # type: ignore[arg-type]
        problems.append(f"never CRIT at {told.vantages}")
    if any(set(each.evidence["vantages"]) - set(told.vantages) for _, each in seen):  # type: ignore[arg-type]
        problems.append("a vantage that is fine was named")
    return f"{measured}: {', '.join(problems)}" if problems else ""


@pytest.mark.night("edge-stale", "bad-deploy")
@pytest.mark.parametrize("scenario", FAULTS)
def test_nothing_but_the_truth_is_ever_accused(nights: Nights, scenario: str) -> None:
    night = nights.of(scenario)
    true = {(told.entity, told.rendition, code, told.layer) for told in night.starts for code in told.codes}
    said = {(f.entity, f.rendition, f.code, f.layer.value) for moment in night.moments for f in moment.findings}
    assert said <= true, f"accused beside the truth: {sorted(said - true, key=str)}"
    suspects = {told.entity for told in night.starts}
    for moment in night.moments:
        named = {row.name for row in moment.panes["streams"].rows if row.severity != "UNKNOWN"}
        assert named <= suspects, f"{named - suspects} at {moment.at}"
        assert moment.panes["capacity"].severity in ("OK", "UNKNOWN"), (moment.at, moment.panes["capacity"])


@pytest.mark.night("edge-stale", "bad-deploy")
@pytest.mark.parametrize("scenario", FAULTS)
def test_the_first_finding_is_a_warning_and_a_finding_keeps_its_birthday(nights: Nights, scenario: str) -> None:
    night = nights.of(scenario)
    for told in night.starts:
        seen = [f for moment in night.moments if moment.at < night.ended and (f := of(moment, told)) is not None]
        assert seen[0].severity is Severity.WARN, (told.entity, told.rendition)
        assert len({finding.first_seen for finding in seen}) <= 1 + len(told.vantages), "first_seen wanders"
        assert min(seconds(finding.last_seen, finding.first_seen) for finding in seen) >= 0


@pytest.mark.night("edge-stale", "bad-deploy")
@pytest.mark.parametrize("scenario", FAULTS)
def test_after_the_end_it_heals_and_stays_healed(nights: Nights, scenario: str) -> None:
    night = nights.of(scenario)
    after = [moment for moment in night.moments if moment.at > night.ended]
    calm = next((moment for moment in after if is_calm(moment)), None)
    assert calm is not None, f"never calm again; the last: {after[-1].panes} {after[-1].findings}"
    took_s = seconds(calm.at, night.ended)
    assert took_s <= HEALED_WITHIN_S + blind_s(night.moments, night.ended, calm.at), f"healed after {took_s:.1f} s"
    relapse = [moment.at for moment in after if moment.at > calm.at and moment.findings]
    assert not relapse, f"accused again at {relapse[0]}, {seconds(relapse[0], night.ended):.1f} s after the end"


@pytest.mark.night("edge-stale")
def test_edge_stale_is_critical_only_once_enough_edges_are_bad(nights: Nights) -> None:
    night = nights.of("edge-stale")
    for moment in night.moments:
        for finding in moment.findings:
            if finding.severity is Severity.CRIT:
                assert len(finding.evidence["vantages"]) >= 3, finding  # type: ignore[arg-type]
            assert "origin" not in finding.evidence["vantages"], finding  # type: ignore[operator]


@pytest.mark.night("edge-stale", "bad-deploy")
@pytest.mark.parametrize(("scenario", "alert"), [("edge-stale", "EdgeStale"), ("bad-deploy", "PackagerPublishLate")])
def test_the_whole_night_is_one_incident_with_the_alert_in_its_timeline(
    nights: Nights, scenario: str, alert: str
) -> None:
    night = nights.of(scenario)
    assert {len(moment.incidents) for moment in night.moments if moment.at > night.begun} <= {0, 1}
    told = [moment.incidents[0] for moment in night.moments if moment.incidents]
    assert len({incident.name for incident in told}) == 1
    last = told[-1]
    assert set(last.entities) >= {start.entity for start in night.starts}
    assert last.layer is not None and last.layer.value == night.starts[0].layer
    alerts = [entry for entry in last.timeline if entry.kind is EntryKind.ALERT]
    assert [alert in entry.text for entry in alerts] == [True], last.timeline
    findings = [entry for entry in last.timeline if entry.kind is EntryKind.FINDING]
    assert {entry.entity for entry in findings} == {start.entity for start in night.starts}
    assert [entry.at for entry in last.timeline] == sorted(entry.at for entry in last.timeline)


@pytest.mark.night("bad-deploy")
def test_the_bad_deploy_is_told_with_the_rollout_before_it(nights: Nights) -> None:
    night = nights.of("bad-deploy")
    last = next(m.incidents[0] for m in reversed(night.moments) if m.incidents and m.at < night.ended)
    assert last.service == "packager-emea"
    assert "packager-emea" in last.title
    assert last.severity is Severity.CRIT
    assert last.before_it.startswith("packager-emea 3.8.2"), last.before_it
    rollouts = [entry for entry in last.timeline if entry.kind is EntryKind.ROLLOUT]
    assert any("packager-emea" in entry.entity and "3.8.2" in entry.text for entry in rollouts), last.timeline
    opened_s = seconds(last.opened_at, night.begun)
    assert 0 <= opened_s <= WARN_WITHIN_S + blind_s(night.moments, night.begun, last.opened_at)


@pytest.mark.night("bad-deploy")
def test_of_the_workloads_only_the_bad_packagers_pods_are_accused(nights: Nights) -> None:
    night = nights.of("bad-deploy")
    named: dict[str, set[str]] = {}
    for moment in night.moments:
        for row in moment.panes["workloads"].rows:
            named.setdefault(row.severity, set()).add(row.name)
    crit = named.pop("CRIT", set())
    assert crit and all(name.startswith("packager-emea-") for name in crit), crit
    others = {name for names in named.values() for name in names if not name.startswith("packager-emea-")}
    assert not others, f"accused beside packager-emea: {others}"
    during = [m.panes["workloads"] for m in night.moments if night.begun < m.at < night.ended]
    assert any("CrashLoopBackOff" in row.reason for pane in during for row in pane.rows)


@pytest.mark.night("backend-down")
def test_a_backend_that_goes_and_comes_again_is_told_and_costs_the_others_nothing(nights: Nights) -> None:
    night = nights.of("backend-down")
    failed = [m for m in night.moments if night.begun < m.at < night.ended and m.panes["logs"].state == "error"]
    assert failed and seconds(failed[0].at, night.begun) < 15
    for moment in failed:
        logs = moment.panes["logs"]
        assert "elasticsearch http://127.0.0.1" in (logs.error or "")
        assert logs.severity == "UNKNOWN"
    told = list(dict.fromkeys(moment.panes["logs"].error or "" for moment in failed))
    # The question in flight when the port closed is cut off in whatever way (reset, disconnected); every later one is refused.
    assert all("connection refused" in error for error in (told[1:] or told)), told
    others = {
        (name, pane.state)
        for moment in night.moments
        if moment.at > night.begun
        for name, pane in moment.panes.items()
        if name != "logs" and not blind_s(night.moments, moment.at - timedelta(seconds=10), moment.at)
    }
    assert others == {("streams", "live"), ("workloads", "live"), ("capacity", "live")}
    assert not any(moment.findings or moment.incidents for moment in night.moments)


@pytest.mark.night("backend-down")
def test_when_it_is_back_the_pane_is_live_by_itself_and_says_what_is_missing(nights: Nights) -> None:
    night = nights.of("backend-down")
    again = [m for m in night.moments if m.at > night.ended and m.panes["logs"].state == "live"]
    assert again, night.moments[-1].panes["logs"]
    took_s = seconds(again[0].at, night.ended)
    assert took_s <= 30, f"live again after {took_s:.1f} s"
    marks = {mark for moment in night.moments for mark in moment.marks}
    assert any(mark.startswith("reconnected: ") and "s missing" in mark and "fetched" in mark for mark in marks), marks


@pytest.mark.night("backend-down")
def test_no_log_line_of_the_gap_is_missing_and_the_account_closes(nights: Nights) -> None:
    night = nights.of("backend-down")
    accounts = [moment.panes["logs"].accounting or {} for moment in night.logged]
    for account in accounts:
        assert account["received"] == account["shown"] + account["dropped"]
    assert accounts[-1]["dropped"] == 0
    # What was just being indexed when the watch began may or may not have been seen; the gap itself is far longer.
    assert night.held <= taken(night.logged[0], night.logged[-1]) <= night.held_most


@pytest.mark.night("backend-down")
def test_a_snapshot_taken_while_a_backend_is_down_ends_with_5(nights: Nights) -> None:
    night = nights.of("backend-down")
    assert night.snapshot is not None
    assert night.snapshot.code == 5, night.snapshot.err
    panes = night.snapshot.panes
    assert panes["logs"]["state"] == "error" and "connection refused" in panes["logs"]["error"]
    assert (panes["workloads"]["state"], panes["capacity"]["state"]) == ("live", "live")
    # It waits for 10 s at most, in which a busy machine may not watch for 1.5 T.
    streams = panes["streams"]
    assert streams["state"] == "live" or streams["note"].startswith("warming"), streams
    assert night.snapshot.document["severity"] == "UNKNOWN"
