"""The life of the pod in one place, as a pure function of the world and a moment.

Where the world says only "rolled out to a version that crash-loops", this says what a kubelet would have
reported by then: created, started, ready, or crashed n times and waiting for the next attempt. Nothing is
remembered, so a clock that jumps finds the cluster where it should be.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b

import msgspec

from console.demo.world import names
from console.demo.world.names import Deployment
from console.demo.world.pods import HANDOVER_S, REPLACED, Rollout, replacement, rollouts
from console.demo.world.scenario import KINDS
from console.demo.world.world import World

OBSERVED_S = 0.5
"""From a changed spec until the controller acts on it."""
_PULL_S = 1.5
_READY_S = 1.5
_RUN_S = 4.0
"""How long the faulty version lives before it exits."""
_STAGGER_S = 0.125
_OLDEST_S = 9 * 86400
_YOUNGEST_S = 2 * 3600


class PodLife(msgspec.Struct, frozen=True):
    name: str
    version: str
    created: datetime
    state: str = "running"
    """creating, unpulled (its image is not to be had), running, terminated or waiting (for its back-off)."""
    began: datetime | None = None
    """When the current run began; in `terminated` and `waiting` the last one."""
    ready: bool = False
    ready_at: datetime | None = None
    """When readiness last changed; None before the first container ran."""
    restarts: int = 0
    last_run: tuple[datetime, datetime] | None = None
    """(began, ended) of the run before the current state, when it crashed."""
    backoff_s: int = 0
    deleting: datetime | None = None

    @property
    def active(self) -> bool:
        """Counted by its ReplicaSet."""
        return self.deleting is None


def draw(world: World, *parts: object) -> float:
    """In [0, 1), by seed and parts."""
    digest = blake2b("/".join(map(str, (world.seed, *parts))).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def founded(
    world: World, what: str, youngest_s: float = _YOUNGEST_S, oldest_s: float = _OLDEST_S
) -> datetime:
    """When something that was there before the platform started came to be. Counted from midnight, so that it
    stays the same when `World.start` is set anew."""
    midnight = world.start.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(
        seconds=int(youngest_s + draw(world, "founded", what) * (oldest_s - youngest_s))
    )


# Drawn anew twice a second for every place that can move; the last few hundred are the same each time.
_pod_name = lru_cache(maxsize=1024)(names.pod_name)


def _later(t: datetime, seconds: float) -> datetime:
    return t + timedelta(seconds=seconds)


def backoffs() -> Iterator[float]:
    """Pauses before each restart: the first is at once, then the kubelet doubles from 10 s to 5 min."""
    yield 0.5
    pause = 10.0
    while True:
        yield pause
        pause = min(pause * 2, 300.0)


def _crashing(name: str, version: str, created: datetime, first: datetime, t: datetime) -> PodLife:
    began, last = first, None
    for restarts, pause in enumerate(backoffs()):
        ended = _later(began, _RUN_S)
        if t < ended:
            return PodLife(name, version, created, "running", began, False, first, restarts, last)
        again = _later(ended, pause)
        if t < again:
            state = "terminated" if restarts == 0 else "waiting"
            return PodLife(
                name, version, created, state, began, False, first, restarts, (began, ended), int(pause)
            )
        last, began = (began, ended), again
    raise AssertionError("back-off has no end")


def _healthy(name: str, version: str, created: datetime, began: datetime, t: datetime) -> PodLife:
    ready_at = _later(began, _READY_S)
    ready = t >= ready_at
    return PodLife(name, version, created, "running", began, ready, ready_at if ready else began)


def newborn(name: str, version: str, created: datetime, index: int, t: datetime, bad: bool) -> PodLife:
    return started(name, version, created, first_start(created, index), t, bad)


def first_start(bound: datetime, index: int) -> datetime:
    """When the containers of a pod bound to a node at `bound` start."""
    return _later(bound, _PULL_S + _STAGGER_S * (index % 8))


def started(name: str, version: str, created: datetime, first: datetime, t: datetime, bad: bool) -> PodLife:
    """The life of a pod whose containers start at `first`."""
    if t < first:
        return PodLife(name, version, created, "creating")
    return (_crashing if bad else _healthy)(name, version, created, first, t)


def crashes(deployment: Deployment, version: str) -> bool:
    return any(kind.service == deployment.name and kind.bad_version == version for kind in KINDS.values())


def _era(world: World, deployment: Deployment, index: int, done: tuple[Rollout, ...], t: datetime) -> PodLife:
    """The pod that the last of `done` put into the place."""
    version = done[-1].version if done else deployment.version
    name = _pod_name(world.seed, deployment.name, version, index, len(done))
    if not done:
        created = founded(world, name)
        return _healthy(name, version, created, _later(created, 3.0), t)
    return newborn(name, version, _later(done[-1].at, HANDOVER_S), index, t, crashes(deployment, version))


def life(
    world: World, deployment: Deployment, index: int, t: datetime, done: tuple[Rollout, ...] | None = None
) -> PodLife:
    """Exactly one pod stands in a place at any time: its successor is created when it is gone."""
    if deployment.name == REPLACED:
        return _replaced(world, deployment, index, t)
    done = rollouts(world, deployment, t) if done is None else done
    if not done or t >= _later(done[-1].at, HANDOVER_S):
        return _era(world, deployment, index, done, t)
    leaving = _era(world, deployment, index, done[:-1], t)
    told = _later(done[-1].at, OBSERVED_S)
    return msgspec.structs.replace(leaving, deleting=told) if t >= told else leaving


def _replaced(world: World, deployment: Deployment, index: int, t: datetime) -> PodLife:
    number, at = replacement(deployment, index, t)
    if t >= _later(at, HANDOVER_S):
        return newborn(
            _pod_name(world.seed, deployment.name, deployment.version, index, number),
            deployment.version,
            _later(at, HANDOVER_S),
            index,
            t,
            False,
        )
    _, before = replacement(deployment, index, at - timedelta(seconds=1))
    name = _pod_name(world.seed, deployment.name, deployment.version, index, number - 1)
    leaving = newborn(name, deployment.version, _later(before, HANDOVER_S), index, t, False)
    return msgspec.structs.replace(leaving, deleting=at)
