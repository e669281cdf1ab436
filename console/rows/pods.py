"""What the workloads pane says: one row a pod, and one line a rollout under way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain

import msgspec

from console.judge import pods as judge
from console.model.cell import NOTHING, Cell, Column, Tone
from console.model.instant import Instant
from console.model.joined import Workloads
from console.model.kube import Deployment, Pod
from console.model.reading import Reading
from console.model.scope import Scope
from console.model.severity import Severity, State, worst
from console.rows.pane import Pane, framed, of_nothing
from console.rows.units import clock, duration

VIEW = "workloads"
RECENT_ROLLOUT_S = 3600.0


class PodRow(msgspec.Struct, frozen=True, gc=False):
    """One pod as the pane and the digests show it."""

    key: str
    name: str
    severity: Severity
    cluster: str
    namespace: str
    ready: str  # "1/2"
    restarts: int
    status: str
    age_s: float | None
    node: str | None
    service: str | None
    version: str | None
    region: str | None
    reason: str  # empty when there is nothing to say
    last_exit: str | None


class RolloutRow(msgspec.Struct, frozen=True):
    """One deployment that changed lately or is not all there."""

    key: str
    name: str
    severity: Severity
    namespace: str
    service: str | None
    version: str | None
    updated: int
    available: int
    desired: int
    is_rolling: bool
    at: datetime | None
    reason: str
    by: str | None

    @property
    def text(self) -> str:
        """ "packager-emea 3.8.2 at 02:01 by argo · 1/4 updated, 0 available" """
        by = f" by {self.by}" if self.by else ""
        at = f" at {clock(self.at, with_seconds=False)}" if self.at else ""
        reason = f" · {self.reason}" if self.reason else ""
        version = f" {self.version}" if self.version else ""
        return (
            f"{self.name}{version}{at}{by} · {self.updated}/{self.desired} updated, {self.available} available{reason}"
        )


def pane(reading: Reading[Workloads], scope: Scope, now: Instant) -> Pane[PodRow]:
    """The pods in scope, worst first, then by name."""
    workloads = reading.value
    lost = _lost_nodes(workloads)
    equals = _rows(workloads.pods, lost, reading.state, scope, now, _heard(reading, now)) if workloads else {}
    rows = tuple(chain.from_iterable(equals.values()))
    counts = Counter({severity: len(some) for severity, some in equals.items()})
    rollouts_now = rollouts(reading, scope, now)
    severity = worst(equals, nothing=of_nothing(scope))
    severity = worst((severity, *(row.severity for row in rollouts_now), *_of_nodes(workloads, scope)))
    return framed(
        VIEW,
        "Workloads",
        reading,
        now,
        severity=severity,
        summary=_summary(workloads, counts, rollouts_now) if rows or not scope else "no pod in this scope",
        rows=rows,
        is_settled=reading.state in (State.LIVE, State.ERROR, State.PARTIAL, State.STALE),
    )


def _heard(reading: Reading[Workloads], now: Instant) -> Instant:
    """When what is known was true. A pod that was young when its cluster was last heard is not late since because nobody
    has looked: a verdict that rests on an age is that of then.
    """
    if reading.received is None or reading.state not in (State.ERROR, State.STALE):
        return now
    return now.plus(min(0.0, reading.received.mono - now.mono))


_ON_NODES = ("service", "pod", "namespace", "channel")


def _lost_nodes(workloads: Workloads | None) -> frozenset[tuple[str, str | None]]:
    """(cluster, name) of the nodes whose kubelet does not report: what is told of their pods is as it was before."""
    if workloads is None:
        return frozenset()
    return frozenset((node.cluster, node.name) for node in workloads.nodes.values() if node.is_ready is None)


def _of_nodes(workloads: Workloads | None, scope: Scope) -> tuple[Severity, ...]:
    """The severities of the nodes in scope that are not ready. A cordoned one is somebody's will. In a scope of what runs
    on nodes (a service, a pod) its pods tell how it is; the node stands for more than that.
    """
    if workloads is None or any(scope.get(dimension) is not None for dimension in _ON_NODES):
        return ()
    return tuple(
        judge.node_severity(node)[0]
        for node in workloads.nodes.values()
        if not node.is_ready
        and scope.admits({"cluster": node.cluster, "region": node.region, "node": node.name})
    )


def _rows(
    pods: Mapping[str, Pod],
    lost: frozenset[tuple[str, str | None]],
    state: State,
    scope: Scope,
    now: Instant,
    heard: Instant,
) -> dict[Severity, list[PodRow]]:
    """A row for each pod in scope, the worst severity first. Of 20,000, most are equally well: they are sorted among
    their equals only.
    """
    equals: dict[Severity, list[PodRow]] = {}
    is_narrowed = bool(scope)
    for key, pod in pods.items():
        if not is_narrowed or _in_scope(pod, scope):
            row = _row(key, pod, state, now, heard)
            if lost and (pod.cluster, pod.node) in lost:
                row = _unreported(row)
            equals.setdefault(row.severity, []).append(row)
    for some in equals.values():
        some.sort(key=_place)
    return {severity: equals[severity] for severity in sorted(equals, key=_badness)}


def _place(row: PodRow) -> str:
    """By namespace, then by name: one string, because tuples compare three times as slowly. No text holds a NUL."""
    return f"{row.namespace}\0{row.name}"


def _badness(severity: Severity) -> int:
    return -severity.rank


def rollouts(reading: Reading[Workloads], scope: Scope, now: Instant) -> tuple[RolloutRow, ...]:
    """Deployments in scope that are rolling, unhealthy, or finished a rollout within the last hour; newest first."""
    if reading.value is None or not reading.value.deployments:
        return ()
    heard = _heard(reading, now)
    # Only where a deployment lacks something do its pods matter, and mostly none does: then twenty thousand are not looked at.
    lacking = {_home(each) for each in reading.value.deployments.values() if each.available < each.desired}
    theirs = [
        (home, pod)
        for pod in (reading.value.pods.values() if lacking else ())
        if (home := (pod.cluster, pod.namespace, pod.service)) in lacking
    ]
    starting = Counter(home for home, pod in theirs if judge.is_starting(pod, heard))
    ready = Counter(home for home, pod in theirs if pod.ready >= pod.containers and not pod.is_deleting)
    rows = [
        _rollout(deployment, reading.state, heard, starting[_home(deployment)], ready[_home(deployment)])
        for deployment in reading.value.deployments.values()
        if scope.admits(_facts(deployment)) and _is_told(deployment, now, heard)
    ]
    return tuple(
        sorted(rows, key=lambda row: (-row.severity.rank, not row.is_rolling, -(row.at.timestamp() if row.at else 0)))
    )


def _home(deployment: Deployment) -> tuple[str, str, str | None]:
    """Under which the starting pods of a deployment are counted; those of no service belong to none."""
    return (deployment.cluster, deployment.namespace, deployment.service or deployment.name)


def _is_told(deployment: Deployment, now: Instant, heard: Instant) -> bool:
    if deployment.is_rolling or judge.deployment_severity(deployment, heard)[0] is not Severity.OK:
        return True
    changed = deployment.progress_at
    is_first = deployment.revision in (None, 1)
    return changed is not None and not is_first and (now.utc - changed).total_seconds() < RECENT_ROLLOUT_S


def _facts(thing: Pod | Deployment) -> dict[str, str | None]:
    return {
        "cluster": thing.cluster,
        "namespace": thing.namespace,
        "service": thing.service or "-",  # a pod of no service is not in the scope of one
        "region": thing.region,
    }


def _in_scope(pod: Pod, scope: Scope) -> bool:
    return scope.admits({**_facts(pod), "pod": pod.name, "node": pod.node or "-"})


def _unless_old(severity: Severity, state: State) -> Severity:
    """What was fine when its cluster last answered may not be so now."""
    return Severity.UNKNOWN if severity is Severity.OK and state in (State.ERROR, State.STALE) else severity


def _unreported(row: PodRow) -> PodRow:
    """A pod whose node is lost: kubectl goes on printing what the kubelet said last."""
    if row.severity is not Severity.OK:
        return row
    return msgspec.structs.replace(row, severity=Severity.UNKNOWN, reason=f"its node {row.node} does not report")


def _row(key: str, pod: Pod, state: State, now: Instant, heard: Instant) -> PodRow:
    severity, reason = judge.pod_severity(pod, heard)
    # By position, because names cost a third more: the order is that of the fields.
    return PodRow(
        key,
        pod.name,
        severity if severity is not Severity.OK else _unless_old(severity, state),
        pod.cluster,
        pod.namespace,
        f"{pod.ready}/{pod.containers}",
        pod.restarts,
        pod.status,
        (now.utc - pod.created_at).total_seconds() if pod.created_at else None,
        pod.node,
        pod.service,
        pod.version,
        pod.region,
        reason,
        pod.last_exit,
    )


def _rollout(deployment: Deployment, state: State, now: Instant, starting: int, ready: int) -> RolloutRow:
    severity, reason = judge.deployment_severity(deployment, now, starting, ready)
    return RolloutRow(
        key=deployment.key,
        name=deployment.name,
        severity=_unless_old(severity, state),
        namespace=deployment.namespace,
        service=deployment.service,
        version=deployment.version,
        updated=deployment.updated,
        available=deployment.available,
        desired=deployment.desired,
        is_rolling=deployment.is_rolling,
        at=deployment.progress_at,
        reason=reason,
        by=deployment.owner_tool,
    )


def _summary(workloads: Workloads | None, pods: Counter[Severity], rollouts_now: Iterable[RolloutRow]) -> str:
    """Pods that a deployment lacks are in no row: it is named, so that "all well" never stands beside a C."""
    if workloads is None:
        return ""
    bad = pods[Severity.WARN] + pods[Severity.CRIT]
    unknown = pods[Severity.UNKNOWN]
    not_ready = [node for node in workloads.nodes.values() if not node.is_ready]
    parts = [" ".join(workloads.clusters), f"{pods.total()} pods"]
    short = [row.name for row in rollouts_now if row.severity is not Severity.OK]
    parts += [f"{bad} not well"] if bad else [] if unknown or short or not_ready else ["all well"]
    parts += (
        [f"{short[0]} short of pods" if len(short) == 1 else f"{len(short)} deployments short of pods"]
        if short and not bad
        else []
    )
    parts += [f"{unknown} unknown"] if unknown else []
    if len(not_ready) == 1:
        parts.append(f"node {not_ready[0].name} not ready")
    elif not_ready:
        parts.append(f"{len(not_ready)} of {len(workloads.nodes)} nodes not ready")
    return " · ".join(parts)


def _ready(row: PodRow) -> Cell:
    ready, _, total = row.ready.partition("/")
    return Cell(row.ready, Tone.NORMAL if ready == total else Tone.of(row.severity), int(ready) - int(total))


COLUMNS: tuple[Column[PodRow], ...] = (
    Column("pod", "POD", lambda row: Cell(row.name, Tone.STRONG, row.name), "the pod's name", 24, 3, 0, keeps_end=True),
    Column("namespace", "NS", lambda row: Cell(row.namespace, Tone.DIM, row.namespace), "namespace", 8, 0, 6),
    Column("ready", "READY", _ready, "containers ready / containers", 5, 0, 1, True),
    Column(
        "restarts",
        "RST",
        lambda row: Cell(str(row.restarts), Tone.WARN if row.restarts > 3 else Tone.NORMAL, row.restarts),
        "restarts of all containers",
        4,
        0,
        2,
        True,
    ),
    Column(
        "status",
        "STATUS",
        lambda row: Cell(row.status, Tone.of(row.severity) if row.reason else Tone.NORMAL, row.status),
        "the word kubectl would print",
        16,
        1,
        3,
    ),
    Column(
        "age",
        "AGE",
        lambda row: NOTHING if row.age_s is None else Cell(duration(row.age_s), Tone.NORMAL, row.age_s),
        "since the pod was created",
        4,
        0,
        4,
        True,
    ),
    Column(
        "version",
        "VERSION",
        lambda row: Cell(row.version, sort=row.version) if row.version else NOTHING,
        "tag of the first container's image",
        8,
        0,
        5,
    ),
    Column(
        "cpu",
        "CPU/R",
        lambda _: NOTHING,
        "CPU used / requested; needs a metrics source for containers, none is read yet",
        5,
        0,
        9,
        True,
    ),
    Column(
        "memory",
        "MEM/L",
        lambda _: NOTHING,
        "memory used / limit; needs a metrics source for containers, none is read yet",
        5,
        0,
        9,
        True,
    ),
    Column(
        "node",
        "NODE",
        lambda row: Cell(row.node, Tone.DIM, row.node) if row.node else NOTHING,
        "the node it stands on",
        12,
        1,
        7,
    ),
    Column("why", "WHY", lambda row: Cell(row.reason, Tone.of(row.severity)), "what is wrong with it", 16, 4, 8),
)
