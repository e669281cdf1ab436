"""Which pod stands in which place at a moment: the one answer for the cluster and for the log lines.

A *place* is (deployment, index); exactly one pod stands in it at any time, so that the cluster always has
POD_COUNT pods. Places change hands for two reasons: a rollout of a faulty version (and the rollback that
heals it), and, in calm, a vod encoder that is replaced every REPLACE_EVERY_S, one after another.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from console.demo.world.names import DEPLOYMENT, Deployment, pod_name
from console.demo.world.scenario import KINDS
from console.demo.world.world import World

HANDOVER_S = 2.0
"""From the moment a pod is told to go until its successor takes its place and its name is on the log
lines."""
REPLACED = "vod-encoder"
REPLACE_EVERY_S = 90
# Coprime with the 96 replicas, so that every place has its turn and neighbours do not go one after another.
_STRIDE = 37


class Rollout(msgspec.Struct, frozen=True):
    """One change of a deployment's image. `number` counts from 1; before the first is the calm version."""

    number: int
    at: datetime
    version: str


def rollouts(world: World, deployment: Deployment, t: datetime) -> tuple[Rollout, ...]:
    """Every rollout that began by `t`, oldest first: out to the bad version, back to the calm one."""
    found: list[tuple[datetime, str]] = []
    for kind in KINDS.values():
        if kind.service != deployment.name or kind.bad_version is None:
            continue
        last = world.last(kind.kind, t)
        if last is None:
            continue
        period = timedelta(seconds=world.schedule.period_s)
        for number in range(last.number + 1):
            back = (last.number - number) * period
            found.append((last.start - back, kind.bad_version))
            if last.end - back <= t:
                found.append((last.end - back, deployment.version))
    return tuple(Rollout(n, at, version) for n, (at, version) in enumerate(sorted(found), start=1))


def replacement(deployment: Deployment, index: int, t: datetime) -> tuple[int, datetime]:
    """(how often this place was emptied by `t` since 1970, when last) for a deployment whose pods take
    turns."""
    turn = int(t.timestamp() // REPLACE_EVERY_S)
    first = index * pow(_STRIDE, -1, deployment.replicas) % deployment.replicas
    visits = (turn - first) // deployment.replicas
    at = (first + visits * deployment.replicas) * REPLACE_EVERY_S
    return visits + 1, datetime.fromtimestamp(at, t.tzinfo)


def pod_at(world: World, deployment: str, index: int, t: datetime) -> str:
    """Name of the pod that does the work of this place at `t`."""
    moved = world.occupant(deployment, index, t)
    if moved is not None:
        return moved
    known = DEPLOYMENT[deployment]
    since = t - timedelta(seconds=HANDOVER_S)
    if deployment == REPLACED:
        number, _ = replacement(known, index, since)
        return pod_name(world.seed, deployment, known.version, index, number)
    done = rollouts(world, known, since)
    version = done[-1].version if done else known.version
    return pod_name(world.seed, deployment, version, index, len(done))
