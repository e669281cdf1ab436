from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from console.judge.incidents import KEPT_S, QUIET_S, IncidentMemory, identity, step
from console.model.alert import Alert
from console.model.channel import Channel
from console.model.finding import ChannelVerdict, Finding
from console.model.incident import EntryKind, Incident
from console.model.kube import Deployment
from console.model.severity import Layer, Severity
from tests.console.judge.night import channel, instant

CRIT, WARN, OK, UNKNOWN = Severity.CRIT, Severity.WARN, Severity.OK, Severity.UNKNOWN
SERVICES = {"package": "packager-emea", "transcode": "transcoder-emea", "origin": "origin"}
NAMES = ("uk-sport-1", "uk-news-1", "fr-news-1")


def channels() -> dict[str, Channel]:
    return {name: msgspec.structs.replace(channel(), name=name, services=SERVICES) for name in NAMES}


def finding(
    entity: str,
    at: float,
    layer: Layer = Layer.PACKAGE,
    severity: Severity = CRIT,
    vantages: tuple[str, ...] = ("origin",),
    code: str = "STALE",
    rendition: str | None = "1080p",
) -> Finding:
    return Finding(
        code,
        entity,
        rendition,
        layer,
        vantages[0] if len(vantages) == 1 else None,
        severity,
        f"{rendition} {code.lower()}",
        instant(at).utc,
        instant(at).utc,
        {"vantages": list(vantages)},
    )


def verdict(*findings: Finding, channel: str = "", severity: Severity | None = None) -> ChannelVerdict:
    worst = max((f.severity for f in findings), key=lambda s: s.rank, default=OK)
    return ChannelVerdict(channel or findings[0].entity, severity or worst, findings=tuple(findings))


def alert(at: float, severity: str = "critical", state: str = "active", **labels: str) -> Alert:
    return Alert(
        f"fp-{labels}-{severity}", "PackagerPublishLate", severity, state, instant(at).utc, "late", labels
    )


def rollout(version: str, at: float | None, revision: int = 2, available: int = 4) -> Deployment:
    return Deployment(
        "demo-1",
        "live",
        "packager-emea",
        "u",
        2,
        2,
        4,
        4,
        available,
        available,
        instant(-9999).utc,
        service="packager-emea",
        version=version,
        revision=revision,
        progress_at=instant(at).utc if at is not None else None,
    )


class Night:
    def __init__(self) -> None:
        self.memory = IncidentMemory()

    def at(
        self,
        t: float,
        *verdicts: ChannelVerdict,
        alerts: tuple[Alert, ...] = (),
        deployments: tuple[Deployment, ...] = (),
        unwatched_s: float = 0.0,
    ) -> tuple[Incident, ...]:
        told: Mapping[str, ChannelVerdict] = {name: verdict(channel=name) for name in NAMES} | {
            v.channel: v for v in verdicts
        }
        self.memory, found = step(
            self.memory,
            told,
            channels(),
            {a.fingerprint: a for a in alerts},
            {d.key: d for d in deployments},
            instant(t),
            unwatched_s,
        )
        return found


def test_one_bad_packager_is_one_incident_however_many_channels_and_renditions_show_it():
    bad = [verdict(*(finding(name, 100, rendition=r) for r in ("1080p", "720p"))) for name in NAMES]
    (incident,) = Night().at(110, *bad, alerts=(alert(105, service="packager-emea"),))
    assert incident.service == "packager-emea"
    assert incident.layer is Layer.PACKAGE
    assert incident.entities[0] == "packager-emea"
    assert set(incident.entities[1:]) == set(NAMES)
    assert incident.title == "packager-emea: STALE on 3 channels"
    assert [entry.kind for entry in incident.timeline] == [EntryKind.FINDING] * 3 + [EntryKind.ALERT]
    assert incident.opened_at == instant(100).utc


def test_a_dead_pop_is_one_incident_on_that_pops_service():
    bad = [
        verdict(finding(name, 100, Layer.EDGE, vantages=("edge-lhr",), code="FETCH_FAIL")) for name in NAMES
    ]
    (incident,) = Night().at(110, *bad)
    assert incident.service == "edge-lhr"


def test_a_fault_at_several_edges_is_the_channels_and_its_alert_joins():
    bad = verdict(finding("uk-sport-1", 100, Layer.EDGE, vantages=("edge-lhr", "edge-syd", "edge-nrt")))
    night = Night()
    (incident,) = night.at(110, bad)
    assert incident.service is None
    (joined,) = night.at(125, bad, alerts=(alert(120, channel="uk-sport-1"),))
    assert joined.id == incident.id
    assert {entry.kind for entry in joined.timeline} == {EntryKind.FINDING, EntryKind.ALERT}


def test_an_alert_on_a_channel_and_the_finding_that_follows_are_one_incident():
    night = Night()
    (first,) = night.at(100, alerts=(alert(99, channel="uk-sport-1"),))
    (second,) = night.at(110, verdict(finding("uk-sport-1", 105)), alerts=(alert(99, channel="uk-sport-1"),))
    assert second.id == first.id
    assert second.service == "packager-emea"


def test_what_never_opens_one():
    quiet = (
        alert(100, severity="none"),
        alert(100, severity="warning", service="packager-emea"),
        alert(100, severity="info"),
        alert(100, state="suppressed", service="packager-emea"),
    )
    assert Night().at(110, verdict(finding("uk-sport-1", 100, severity=WARN)), alerts=quiet) == ()


def test_warnings_join_what_is_open():
    night = Night()
    bad = verdict(finding("uk-sport-1", 100))
    (incident,) = night.at(
        110,
        bad,
        verdict(finding("uk-news-1", 105, severity=WARN)),
        alerts=(alert(106, severity="warning", service="packager-emea"),),
    )
    assert set(incident.entities) == {"packager-emea", "uk-sport-1", "uk-news-1"}
    assert incident.severity is CRIT


def test_it_closes_after_a_quiet_minute_and_is_kept_for_an_hour():
    night = Night()
    night.at(110, verdict(finding("uk-sport-1", 100)))
    (incident,) = night.at(120)
    assert incident.closed_at is None
    assert incident.timeline[0].is_over
    (incident,) = night.at(120 + QUIET_S - 1)
    assert incident.closed_at is None
    (incident,) = night.at(120 + QUIET_S)
    assert incident.closed_at == instant(120 + QUIET_S).utc
    (incident,) = night.at(120 + QUIET_S + KEPT_S - 1)
    assert night.at(120 + QUIET_S + KEPT_S + 1) == ()


def test_a_fault_that_returns_within_the_minute_keeps_it_open():
    night = Night()
    bad = verdict(finding("uk-sport-1", 100))
    night.at(110, bad)
    night.at(120)
    night.at(150, bad)
    (incident,) = night.at(200)
    assert incident.closed_at is None


def test_what_nobody_can_see_is_not_over():
    night = Night()
    night.at(110, verdict(finding("uk-sport-1", 100)))
    for t in range(120, 400, 20):
        (incident,) = night.at(t, verdict(channel="uk-sport-1", severity=UNKNOWN))
    assert incident.closed_at is None
    assert not incident.timeline[0].is_over


def test_two_consoles_give_the_same_id_and_one_that_comes_later_learns_it_from_the_alert():
    late = alert(110, service="packager-emea")
    (early,) = Night().at(130, verdict(finding("uk-sport-1", 100.0)), alerts=(late,))
    (other,) = Night().at(131, verdict(finding("uk-sport-1", 101.7)), alerts=(late,))
    (third,) = Night().at(500, verdict(finding("uk-sport-1", 495.0)), alerts=(late,))
    assert early.id == other.id == third.id
    assert early.id.startswith("INC-") and len(early.id) == 10
    assert early.id != identity("service:packager-amer", instant(100).utc)


def test_the_last_rollout_of_the_workload_is_told_as_what_came_before():
    night = Night()
    night.at(0, deployments=(rollout("3.8.1", None, revision=1),))
    night.at(60, deployments=(rollout("3.8.2", 60),))
    (incident,) = night.at(
        110, verdict(finding("uk-sport-1", 100)), deployments=(rollout("3.8.2", 60, available=0),)
    )
    assert incident.before_it == "packager-emea 3.8.2 rolled out 02:01"
    entry = next(entry for entry in incident.timeline if entry.kind is EntryKind.ROLLOUT)
    assert (entry.at, entry.is_over) == (instant(60).utc, False)
    assert [entry.at for entry in incident.timeline] == sorted(entry.at for entry in incident.timeline)
    night.at(200, verdict(finding("uk-sport-1", 100)), deployments=(rollout("3.8.1", 200, revision=3),))
    (incident,) = night.at(
        210, verdict(finding("uk-sport-1", 100)), deployments=(rollout("3.8.1", 200, revision=3),)
    )
    assert [entry.text for entry in incident.timeline if entry.kind is EntryKind.ROLLOUT] == [
        "packager-emea 3.8.2 replaced before it was available",
        "packager-emea 3.8.1 rolled out",
    ]


def test_a_console_that_was_started_after_the_rollout_knows_it_from_the_condition():
    (incident,) = Night().at(110, verdict(finding("uk-sport-1", 100)), deployments=(rollout("3.8.2", 60),))
    assert incident.before_it == "packager-emea 3.8.2 rolled out 02:01"
    (incident,) = Night().at(110, verdict(finding("uk-sport-1", 100)), deployments=(rollout("3.8.2", -4000),))
    assert incident.before_it == ""


def test_incidents_are_bounded_and_the_worst_and_newest_come_first():
    night = Night()
    flood = tuple(
        Alert(f"fp{n}", f"A{n}", "critical", "active", instant(n).utc - timedelta(hours=1), "x")
        for n in range(500)
    )
    found = night.at(100, alerts=flood)
    assert len(found) == 200
    assert found[0].opened_at > found[-1].opened_at
