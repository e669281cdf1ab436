"""One node, many channels, one incident: scenario 14 of the stream specification."""

from __future__ import annotations

import msgspec

from console.judge.incidents import IncidentMemory, step
from console.model.alert import Alert
from console.model.channel import Channel
from console.model.finding import ChannelVerdict, Finding
from console.model.incident import Incident
from console.model.observation import Outcome
from console.model.severity import Layer, Severity
from tests.console.judge.night import Night, Reply, World, channel, instant

WARN, CRIT, OK = Severity.WARN, Severity.CRIT, Severity.OK
FLEET = 50


def channels(count: int = FLEET, services: bool = True) -> dict[str, Channel]:
    found = {}
    for n in range(count):
        one = channel(edges=("lhr", "syd", "nrt", "iad"), services={"package": "packager-emea"})
        if not services:  # each channel has an edge of its own in every PoP
            one = msgspec.structs.replace(
                one,
                vantages=tuple(
                    msgspec.structs.replace(v, service=f"{v.name}-{n}") if v.layer is Layer.EDGE else v
                    for v in one.vantages
                ),
            )
        found[f"ch-{n:02}"] = msgspec.structs.replace(one, name=f"ch-{n:02}")
    return found


def lost(name: str, at: float, severity: Severity = WARN, layer: Layer = Layer.EDGE, vantage: str = "edge-lhr") -> ChannelVerdict:
    finding = Finding(
        "FETCH_FAIL", name, None, layer, vantage, severity, "every playlist cannot be fetched at 1 of 4 edges (lhr)",
        instant(at).utc, instant(at).utc, {"vantages": [vantage]},
    )  # fmt: skip
    return ChannelVerdict(name, severity, findings=(finding,))


class Watch:
    def __init__(self, known: dict[str, Channel]) -> None:
        self.known = known
        self.memory = IncidentMemory()

    def at(self, t: float, *verdicts: ChannelVerdict, alerts: tuple[Alert, ...] = ()) -> tuple[Incident, ...]:
        told = {name: ChannelVerdict(name, OK) for name in self.known} | {v.channel: v for v in verdicts}
        self.memory, found = step(
            self.memory, told, self.known, {a.fingerprint: a for a in alerts}, {}, instant(t)
        )
        return found


def test_14_a_pop_that_fails_forty_percent_of_the_channels_is_one_incident_though_each_is_only_warned_of():
    bad = [lost(f"ch-{n:02}", 100 + n * 0.7) for n in range(20)]
    (incident,) = Watch(channels()).at(120, *bad)
    assert incident.title == "PoP lhr: FETCH_FAIL on 20 channels"
    assert incident.severity is WARN
    assert incident.layer is Layer.EDGE
    assert {f"ch-{n:02}" for n in range(20)} <= set(incident.entities)


def test_it_is_one_also_where_every_channel_has_a_workload_of_its_own_and_some_were_critical_before():
    watch = Watch(channels(services=False))
    assert len(watch.at(105, *(lost(f"ch-{n:02}", 100, CRIT) for n in range(3)))) == 3
    (incident,) = watch.at(120, *(lost(f"ch-{n:02}", 100 + n, CRIT) for n in range(20)))
    assert incident.title == "PoP lhr: FETCH_FAIL on 20 channels"
    (still,) = watch.at(125, *(lost(f"ch-{n:02}", 100 + n, CRIT) for n in range(2)))
    assert still.id == incident.id
    assert still.title.startswith("PoP lhr: ")


def test_an_alert_of_the_pops_workload_joins():
    alert = Alert("fp", "EdgeDown", "critical", "active", instant(99).utc, "down", {"service": "edge-lhr"})
    (incident,) = Watch(channels()).at(120, *(lost(f"ch-{n:02}", 100) for n in range(20)), alerts=(alert,))
    assert incident.alerts == ("fp",)
    assert incident.title.startswith("PoP lhr: ")


def test_too_few_or_one_after_the_other_are_no_node():
    assert Watch(channels()).at(120, *(lost(f"ch-{n:02}", 100) for n in range(14))) == ()
    assert Watch(channels(8)).at(120, *(lost(f"ch-{n:02}", 100) for n in range(4))) == ()
    slowly = (lost(f"ch-{n:02}", 100 + 10 * n) for n in range(20))
    assert Watch(channels()).at(400, *slowly) == ()
    here_and_there = (lost(f"ch-{n:02}", 100, vantage=("edge-lhr", "edge-syd")[n % 2]) for n in range(24))
    assert Watch(channels()).at(120, *here_and_there) == ()


def test_a_packager_that_warns_for_many_is_one_incident_on_it():
    bad = (lost(f"ch-{n:02}", 100, layer=Layer.PACKAGE, vantage="origin") for n in range(20))
    (incident,) = Watch(channels()).at(120, *bad)
    assert incident.title == "packager-emea: FETCH_FAIL on 20 channels"
    assert incident.service == "packager-emea"


def test_it_closes_when_the_pop_is_back():
    watch = Watch(channels())
    watch.at(120, *(lost(f"ch-{n:02}", 100) for n in range(20)))
    watch.at(130)
    (incident,) = watch.at(200)
    assert incident.closed_at is not None


def test_14_end_to_end_within_30_s():
    start = 41.9

    class Dead(World):
        def reply(self, vantage: str, rendition: str | None, t: float) -> Reply:
            if vantage == "edge-lhr" and t >= start:
                return Reply(Outcome.UNREACHABLE, None, detail="connection refused")
            return super().reply(vantage, rendition, t)

    known = channels(10)
    bad = [Night(Dead(seed=n), known[f"ch-{n:02}"], seed=n).run(start + 30) for n in range(5)]
    watch = Watch(known)
    (incident,) = watch.at(start + 30, *(night.verdict for night in bad))
    assert incident.title == "PoP lhr: FETCH_FAIL on 5 channels"
