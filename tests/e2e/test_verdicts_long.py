"""The verdicts of the nights that take long: an encoder that flaps, a CDN that is slow, a node that is gone."""

from __future__ import annotations

import pytest

from console.model.incident import EntryKind
from tests.e2e.nights import HEALED_WITHIN_S, Night, Nights, is_blind
from tests.e2e.test_verdicts import CRIT_WITHIN_S, P_S, T_S, WARN_WITHIN_S, blind_s, not_yet, of, seconds

pytestmark = [pytest.mark.proof, pytest.mark.timeout(420)]

SLOW_WARN_WITHIN_S = 16.0
"""A segment of 1.5 T is known to be slow when it is there, and one is no proof."""


def accused(night: Night) -> set[tuple[str, str, str]]:
    """(channel, code, layer) of every finding of the night."""
    return {(f.entity, f.code, f.layer.value) for moment in night.moments for f in moment.findings}


def found_in_time(night: Night, within_s: float, severity: str) -> list[str]:
    """What is wrong with how the lines of the truth were found; [] when nothing is."""
    wrong = []
    for told in (start for start in night.starts if start.codes):
        found = next((m for m in night.moments if (f := of(m, told)) is not None
                      and (severity != "CRIT" or f.severity.value == severity)), None)
        if found is None:
            wrong.append(f"{told.entity} {told.rendition}: never {severity}")
            continue
        took_s = seconds(not_yet(night.moments, found), told.t)
        if took_s > within_s + blind_s(night.moments, told.t, found.at):
            wrong.append(f"{told.entity} {told.rendition}: not {severity} until {took_s:.1f} s, limit {within_s:g} s")
    return wrong


@pytest.mark.night("encoder-flap")
def test_an_encoder_that_flaps_is_marked_so_and_held_at_its_worst(nights: Nights) -> None:
    night = nights.of("encoder-flap")
    assert {channel for channel, _, _ in accused(night)} == {"in-cricket-1"}
    codes = {code for _, code, _ in accused(night)}
    assert "STALE" in codes and all(code.startswith("INGEST_") for code in codes - {"STALE"}), codes
    assert {layer for _, _, layer in accused(night)} <= {"package", "ingest"}
    assert not found_in_time(night, WARN_WITHIN_S, "WARN")
    flapping = [m for m in night.moments if any("flapping" in row.reason for row in m.panes["streams"].rows)]
    assert flapping and seconds(flapping[0].at, night.begun) < 75, "four changes: two spells"
    after = [m for m in night.moments if m.at >= flapping[0].at and not is_blind(m)]
    assert {m.panes["streams"].severity for m in after} == {"CRIT"}, "held between the spells and after them"
    assert {row.name for m in after for row in m.panes["streams"].rows} == {"in-cricket-1"}
    told = [m.incidents[0] for m in night.moments if m.incidents]
    assert len({incident.name for incident in told}) == 1
    assert any("IngestUnstable" in e.text for e in told[-1].timeline if e.kind is EntryKind.ALERT)


@pytest.mark.night("cdn-slow")
def test_slow_segments_are_named_with_the_two_edges_and_no_other_channel_is(nights: Nights) -> None:
    night = nights.of("cdn-slow")
    assert not found_in_time(night, SLOW_WARN_WITHIN_S + P_S, "WARN")
    assert accused(night) == {(told.entity, "SEG_SLOW", "edge") for told in night.starts}
    for moment in night.moments:
        for finding in moment.findings:
            assert finding.rendition == "1080p"
            assert set(finding.evidence["vantages"]) <= {"edge-syd", "edge-nrt"}, finding  # type: ignore[arg-type]
    last = night.moments[-1]
    assert not last.findings, f"not healed within {HEALED_WITHIN_S:g} s: {last.findings}"
    alerts = {e.text.partition(":")[0] for m in night.moments for i in m.incidents for e in i.timeline
              if e.kind is EntryKind.ALERT}
    assert alerts == {"EdgeSlow"}


@pytest.mark.night("node-lost")
def test_a_lost_node_is_one_incident_of_its_packagers_and_heals_with_their_successors(nights: Nights) -> None:
    night = nights.of("node-lost")
    streams = [told for told in night.starts if told.codes]
    assert not found_in_time(night, WARN_WITHIN_S, "WARN") and not found_in_time(night, CRIT_WITHIN_S, "CRIT")
    assert accused(night) == {(told.entity, "STALE", "package") for told in streams}
    back = max(told.t for told in night.ends if told.codes)
    assert 70 < seconds(back, night.begun) < 80
    over = next(m for m in night.moments if m.at > back and not m.findings)
    assert seconds(over.at, back) < 2 * T_S + 3 * P_S + blind_s(night.moments, back, over.at)
    told = [m.incidents for m in night.moments if m.incidents]
    assert {incident.name for incidents in told for incident in incidents} == {told[0][0].name}
    assert told[-1][0].service == "packager-emea"
    summaries = {m.panes["workloads"].summary for m in night.moments if 45 < seconds(m.at, night.begun) < 85}
    assert summaries and all("node emea-node-08 not ready" in summary for summary in summaries), summaries
    assert "not ready" not in night.moments[-1].panes["workloads"].summary
