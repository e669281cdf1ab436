"""A case in which nothing stands against anything, and the means to spoil it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from console.actions.audit.history import Known
from console.actions.audit.operation import Actor, Operation, PlannedStep, State, Step, Tier
from console.actions.case import Case
from console.actions.guards.reach import blast
from console.actions.plan import Blast
from console.actions.policy.policy import Policy, Role
from console.actions.scene import Scene
from console.actions.survey import Budget, PodFact, Right, Survey
from console.actions.target import Target
from console.model.channel import Channel, Vantage
from console.model.instant import Instant
from console.model.joined import Streams, Workloads
from console.model.kube import Node, Pod
from console.model.metric import Capacity, ChannelMetrics, Gauge, GaugeSpec
from console.model.reading import Reading
from console.model.severity import Layer
from console.model.severity import State as Seen
from tests.hand_clock import START

NOW = Instant(utc=START, mono=1000.0)
MEI = Actor(name="mei", id="1000")
PACKAGER = Target.parse("kube:apac-1/live/deployment/packager")
NODE = Target.parse("node:apac-1/w-3")
POLICY = Policy(version="v1", roles={"operator": Role(people=("mei",), may=("*",))})
RIGHT = Right(verb="patch", resource="deployments.apps", is_allowed=True)


def pods(service: str, zone: str, ready: int, unready: int = 0, **fields: Any) -> tuple[PodFact, ...]:
    """`ready` and `unready` pods of a service in a zone, of ReplicaSet SERVICE-7c9d."""
    return tuple(
        PodFact(
            **{
                "namespace": "live", "name": f"{service}-{zone}-{number}", "uid": f"{service}{zone}{number}", "zone": zone,
                "service": service, "owner_kind": "ReplicaSet", "owner": f"{service}-7c9d", "node": f"{zone}-w-{number}",
                "is_ready": number < ready, **fields,
            }
        )
        for number in range(ready + unready)
    )  # fmt: skip


def live(value: Any, age_s: float = 1.0, state: Seen = Seen.LIVE) -> Reading[Any]:
    at = Instant(utc=NOW.utc, mono=NOW.mono - age_s)
    return Reading(value=value, state=state, received=at, as_of=NOW.utc)


def gauge(name: str, used: float | None, total: float | None = 100.0, trend: tuple[float, ...] = (), query: str = "") -> Gauge:
    spec = GaugeSpec(name=name, used=query or "some_used", total="some_total" if total is not None else None)
    return Gauge(spec=spec, used=used, total=total, as_of=NOW.utc, missing="" if used is not None else "no data", trend=trend)


def capacity(*gauges: Gauge) -> Reading[Capacity]:
    return live(Capacity(gauges=gauges, verdicts={}))


def channel(name: str, service: str, region: str = "apac", pop: str | None = None) -> Channel:
    edge = Vantage(name=f"edge-{pop}", layer=Layer.EDGE, url="http://x/", pop=pop, service=f"edge-{pop}" if pop else None)
    return Channel(name=name, vantages=(edge,), region=region, services={"package": service} if service else {})


def streams(
    channels: Iterable[Channel], viewers: Mapping[str, float | None], metrics_state: Seen | None = Seen.LIVE, state: Seen = Seen.LIVE
) -> Reading[Streams]:
    metrics = {name: ChannelMetrics(viewers=count) for name, count in viewers.items()}
    by_name = {each.name: each for each in channels}
    return live(Streams(channels=by_name, verdicts={}, metrics=metrics, metrics_state=metrics_state), state=state)


def workloads(state: Seen = Seen.LIVE, seen: Iterable[Pod] = (), regions: Iterable[str] = ("apac", "emea")) -> Reading[Workloads]:
    nodes = {
        f"apac-1/{region}": Node(
            cluster="apac-1", name=region, uid=region, is_ready=True, is_unschedulable=False, created_at=None, region=region
        )
        for region in regions
    }
    return live(
        Workloads(pods={pod.key: pod for pod in seen}, deployments={}, nodes=nodes, events={}, clusters={"apac-1": state})
    )


def watched(pod: PodFact, region: str) -> Pod:
    return Pod(
        cluster="apac-1", namespace=pod.namespace, name=pod.name, uid=pod.uid, status="Running", phase="Running", ready=1,
        containers=1, restarts=0, created_at=None, region=region,
    )  # fmt: skip


CALM = Scene(
    now=NOW,
    workloads=workloads(),
    streams=streams([channel("uk-sport-1", "packager", pop="lhr")], {"uk-sport-1": 900}),
    capacity=capacity(gauge("packager", 30.0)),
)
SURVEY = Survey(
    uid="u-1", generation=7, read_at=NOW.utc, skew_s=0.1, services=("packager",), zones=("apac-a",),
    affected=pods("packager", "apac-a", 8), at_once=1, rights=(RIGHT,),
    budgets=(Budget(namespace="live", name="packager", allowed=1, pods=frozenset(each.key for each in pods("packager", "apac-a", 8))),),
)  # fmt: skip


def case(**fields: Any) -> Case:
    """The calm case with these fields of Case, Survey (`survey_…`), Scene (`scene_…`) or Limits (`limit_…`) replaced."""
    survey, scene, policy = fields.pop("survey", SURVEY), fields.pop("scene", CALM), fields.pop("policy", POLICY)
    parts: dict[str, dict[str, Any]] = {"survey_": {}, "scene_": {}, "limit_": {}}
    for name in list(fields):
        for prefix, part in parts.items():
            if name.startswith(prefix):
                part[name.removeprefix(prefix)] = fields.pop(name)
    survey = msgspec.structs.replace(survey, **parts["survey_"])
    scene = msgspec.structs.replace(scene, **parts["scene_"])
    policy = msgspec.structs.replace(policy, limits=msgspec.structs.replace(policy.limits, **parts["limit_"]))
    given: dict[str, Any] = {
        "site": "apac", "is_prod": False, "actor": MEI, "action": "deployment.restart", "base_tier": Tier.LOW,
        "target": PACKAGER, "parameters": {}, "policy": policy, "survey": survey, "scene": scene,
    }  # fmt: skip
    if "blast" not in fields:
        given["blast"] = blast(survey, scene) if fields.get("action") != "small" else Blast(pods=0, channels=(), viewers=0)
    return Case(**{**given, **fields})


def known(state: State, target: str = PACKAGER.text, op: str = "op-9", minutes_ago: float | None = 5, **fields: Any) -> Known:
    """Another operation, begun that long ago; None: nothing was sent."""
    from datetime import timedelta

    steps = tuple(Step(plan=PlannedStep(what="evict", target=text)) for text in fields.pop("steps", ()))
    began = None if minutes_ago is None else NOW.utc - timedelta(minutes=minutes_ago)
    operation = Operation(
        **{"id": op, "action": "deployment.restart", "target": target, "requested_by": Actor(name="tomas"), "steps": steps, "intent_at": began, **fields}
    )
    return Known(operation, state, False, False)
