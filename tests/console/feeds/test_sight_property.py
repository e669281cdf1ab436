"""Filtering and then making rows is making the rows of a world in which the hidden things never were."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from console.feeds.desk import Desk
from console.model.channel import Channel, Vantage
from console.model.finding import Finding
from console.model.incident import EntryKind
from console.model.kube import KubeEvent
from console.model.logline import LogLine
from console.model.operation import OperationLine
from console.model.scope import Scope
from console.model.severity import Layer, Severity
from console.model.sight import Sight
from tests.console.feeds.sight_world import CLUSTER, World, WorldDesk, ago, alert, deployment, pod
from tests.hand_clock import HandClock

SIGHT = Sight.of([(("live", "web-*"), ("logs-*",))])
NOW = HandClock().now()
NAMESPACES = st.sampled_from(("live", "vod", "web-1", "secret"))
SERVICE_NAMES = ("packager", "packager-emea", "origin", "db", "cutter")
SERVICES = st.sampled_from(SERVICE_NAMES)
CHANNELS = ("uk-sport-1", "fr-news-1", "de-cine-1")
SCOPES = (Scope(), Scope.parse(["service=packager"]), Scope.parse(["namespace=vod"]), Scope.parse(["channel=uk-sport-1"]))
OPENING = (EntryKind.FINDING, EntryKind.ALERT)
PANES = ("streams", "logs", "workloads", "capacity", "incidents", "actions", "channel")


@st.composite
def worlds(draw: Any) -> World:
    """Things in four namespaces; their texts name nobody, so that nothing of a visible one has to be taken back."""
    homes = draw(st.lists(st.tuples(NAMESPACES, SERVICES, st.integers(0, 2), st.booleans()), max_size=10, unique_by=lambda h: h[:3]))
    world = World(
        pods=[
            pod(ns, f"{service}-77c5d5f9c-{n}", NOW, service=service, ready=int(is_well), status="Running" if is_well else "CrashLoopBackOff",
                owner=f"ReplicaSet/{service}-77c5d5f9c")
            for ns, service, n, is_well in homes
        ],
        deployments=[
            deployment(ns, service, NOW, available=int(is_well), progress_at=ago(NOW, 300 + 60 * n)) for ns, service, n, is_well in homes if n
        ],
        events=[
            KubeEvent(CLUSTER, ns, f"e-{service}-{n}", "Pod", f"{service}-77c5d5f9c-{n}", "BackOff", True, "again", 1, None, ago(NOW, n))
            for ns, service, n, _ in homes
        ],
    )  # fmt: skip
    for number, (namespace, service, channel, is_bad) in enumerate(
        draw(st.lists(st.tuples(st.none() | NAMESPACES, st.none() | SERVICES, st.none() | st.sampled_from(CHANNELS), st.booleans()), max_size=6))
    ):
        labels = {k: v for k, v in (("namespace", namespace), ("service", service), ("channel", channel if service is None else None)) if v}
        world.alerts.append(alert(f"f{number}", NOW, "critical" if is_bad else "warning", **labels))
    for name in CHANNELS:
        package, edge = draw(st.tuples(SERVICES, st.none() | SERVICES))
        vantages = (Vantage("at-home", Layer.ORIGIN, "http://o/m.m3u8"), Vantage("far", Layer.EDGE, "http://e/m.m3u8", service=edge))
        world.channels.append(Channel(name, vantages, services={"package": package}))
        for code in draw(st.lists(st.sampled_from(("STALE", "FETCH_FAIL")), max_size=2, unique=True)):
            severity, layer = draw(st.tuples(st.sampled_from((Severity.CRIT, Severity.WARN)), st.sampled_from((Layer.PACKAGE, Layer.EDGE))))
            world.findings.append(
                Finding(code, name, "1080p", layer, "far" if layer is Layer.EDGE else None, severity, "it is", ago(NOW, 64), NOW.utc,
                        {"vantages": ["far"]})
            )  # fmt: skip
    world.lines = [
        LogLine(ago(NOW, 40 - number), level, f"line {number}", service, f"{service}-77c5d5f9c-{n}" if service and has_pod else None,
                namespace, index=index, own_id=str(number))
        for number, (namespace, service, n, has_pod, level, index) in enumerate(
            draw(st.lists(st.tuples(st.none() | NAMESPACES, st.none() | SERVICES, st.integers(0, 2), st.booleans(),
                                    st.sampled_from(("error", "info")), st.sampled_from(("logs-a", "audit-a"))), max_size=12))
        )
    ]  # fmt: skip
    world.operations = [
        OperationLine(id=f"op-{number}", action="deployment.restart", target=target, state=state, tier="low", by="mei", at=ago(NOW, 200),
                      last_at=ago(NOW, 100), is_over=state == "succeeded", reason="because")
        for number, (target, state) in enumerate(
            draw(st.lists(st.tuples(st.builds(lambda ns, s: f"kube:{CLUSTER}/{ns}/deployment/{s}", NAMESPACES, SERVICES)
                                    | st.just(f"node:{CLUSTER}/worker-1") | st.builds(lambda n: f"alert:f{n}", st.integers(0, 6)),
                                    st.sampled_from(("succeeded", "interrupted"))), max_size=4))
        )
    ]  # fmt: skip
    return world


def names_in(world: World) -> tuple[set[str], set[str]]:
    """What hidden things are called, and what visible ones are."""
    hidden, shown = set[str](), set[str]()
    for each in (*world.pods, *world.deployments):
        (shown if SIGHT.reads(each.namespace) else hidden).update(name for name in (each.name, each.service) if name)
    return hidden, shown


def is_grouped_by_secrets(world: World) -> bool:
    """Whether the channel list points at workloads that may not be seen, or a hidden alert speaks of a service or a channel.
    Incidents are grouped for all who look at once: what a finding would have joined, had it pointed nowhere, or had there been no
    such alert, is not worked out again for each sight.
    """
    hidden, shown = names_in(world)
    named = {name for channel in world.channels for name in (*channel.services.values(), channel.vantages[1].service)}
    unseen = [each.labels for each in world.alerts if not SIGHT.reads(each.labels.get("namespace", "live"))]
    return any(is_secret(name, hidden, shown) for name in named) or any(labels.keys() & {"service", "channel"} for labels in unseen)


def without(world: World) -> World:
    """The world as it would be if the hidden things had never been there: said once more, plainly."""
    hidden, shown = names_in(world)
    secret = {name for name in SERVICE_NAMES if is_secret(name, hidden, shown)}
    pods = {each.name for each in world.pods if SIGHT.reads(each.namespace)}

    def is_free(each: Any) -> bool:
        labels = each.labels
        return SIGHT.reads(labels["namespace"]) if "namespace" in labels else labels.get("service") not in secret

    def is_line(line: LogLine) -> bool:
        if not SIGHT.reads_line(line.namespace, line.index):
            return False
        if line.namespace is not None:
            return True
        if line.pod and not (line.pod in pods or is_of_visible(line.pod, hidden, shown)):
            return False
        return line.service not in secret

    alerts = [each for each in world.alerts if is_free(each)]
    fingerprints = {each.fingerprint for each in alerts}
    channels = [
        msgspec.structs.replace(
            channel,
            services={layer: name for layer, name in channel.services.items() if name not in secret},
            vantages=tuple(
                msgspec.structs.replace(vantage, service=None if vantage.service in secret else vantage.service)
                for vantage in channel.vantages
            ),
        )
        for channel in world.channels
    ]
    return msgspec.structs.replace(
        world,
        pods=[each for each in world.pods if SIGHT.reads(each.namespace)],
        deployments=[each for each in world.deployments if SIGHT.reads(each.namespace)],
        events=[each for each in world.events if SIGHT.reads(each.namespace)],
        alerts=alerts,
        channels=channels,
        lines=[line for line in world.lines if is_line(line)],
        operations=[
            each
            for each in world.operations
            if (each.target.startswith("kube:") and SIGHT.reads(each.target.split("/")[1]))
            or each.target.startswith("node:")
            or each.target.removeprefix("alert:") in fingerprints
        ],
    )


def is_secret(name: str | None, hidden: set[str], shown: set[str]) -> bool:
    """Whether a name is that of something hidden and of nothing visible, itself or by the longest one that it begins with."""
    if name is None or name in shown:
        return False
    fitting = [each for each in (*shown, *hidden) if f"{name}-".startswith(f"{each}-")]
    longest = max(fitting, key=len, default="")
    return name in hidden or (bool(longest) and longest not in shown)


def is_of_visible(name: str, hidden: set[str], shown: set[str]) -> bool:
    """Whether the workload that a pod is called after is a visible one."""
    return any(f"{name}-".startswith(f"{each}-") for each in shown)


def shown(world: WorldDesk, desk: Desk) -> dict[str, Any]:
    """Everything that rows are made of, but for what says of itself that it is of all lines."""
    now, found = world.now, dict[str, Any]()
    seats = {name: desk.sit(name) for name in PANES}
    for scope in SCOPES:
        for name, seat in seats.items():
            pane = seat.pane(scope, now)
            if name == "logs":
                pane = msgspec.structs.replace(pane, note="", accounting=None, summary="", severity=Severity.OK)
            if name == "incidents":  # the id is that of the whole, which one must be able to speak of
                rows = sorted((msgspec.structs.replace(row, name="") for row in pane.rows), key=repr)  # of equals none is first
                pane = msgspec.structs.replace(pane, rows=tuple(rows))
            found[f"{name} {scope}"] = pane
        found[f"rollouts {scope}"] = desk.rollouts(seats["workloads"], scope, now)
    for name in CHANNELS:
        found[f"page {name}"] = desk.channel(name, seats["streams"], seats["incidents"], seats["workloads"], now)
    ring = desk.ring
    assert ring is not None
    found["lines"] = [ring.line(seq) for seq in range(ring.first_seq, ring.last_seq + 1)]
    workloads = seats["workloads"].reading
    assert workloads is not None
    found["workloads"] = workloads.value
    for seat in seats.values():
        seat.close()
    return found


def differences(one: WorldDesk, filtered: Desk, other: WorldDesk, is_grouped_otherwise: bool) -> dict[str, tuple[Any, Any]]:
    """What a filtered desk shows otherwise than the desk of the other world."""
    left, right = shown(one, filtered), shown(other, other.desk)
    if is_grouped_otherwise:
        for found in (left, right):
            for name in [name for name in found if name.startswith("incidents")]:
                pane = found.pop(name)
                if name == f"incidents {Scope()}":  # what opens an incident by itself is told, in whichever
                    entries = [entry for row in pane.rows for entry in row.timeline if entry.severity is Severity.CRIT]
                    found["told"] = {(entry.kind, entry.text, entry.at) for entry in entries if entry.kind in OPENING}
            found.update({n: msgspec.structs.replace(p, timeline=()) for n, p in found.items() if n.startswith("page")})
    return {name: (left[name], right[name]) for name in left if left[name] != right[name]}


@given(worlds(), st.sets(st.integers(0, 5)), st.integers(0, 2))
@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate), suppress_health_check=list(HealthCheck))
def test_a_filtered_desk_shows_what_the_desk_of_a_world_without_the_hidden_things_shows(
    world: World, over: set[int], minutes: int
) -> None:
    async def compare() -> None:
        one, other = WorldDesk(world), WorldDesk(without(world))
        filtered = one.desk.seen_by(SIGHT)
        is_grouped_otherwise = is_grouped_by_secrets(world)  # and stays so when the alerts that did it are over
        try:
            assert not differences(one, filtered, other, is_grouped_otherwise)
            for each in (one, other):  # some alerts end, time goes on, incidents close
                each.world = msgspec.structs.replace(
                    each.world, alerts=[a for a in each.world.alerts if int(a.fingerprint[1:]) not in over]
                )
            for _ in range(minutes):
                for each in (one, other):
                    each.later(60.0)
                assert not differences(one, filtered, other, is_grouped_otherwise)
        finally:
            await one.hub.close()
            await other.hub.close()

    asyncio.run(compare())
