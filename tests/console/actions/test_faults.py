"""Everything that can go wrong between the console and an API server, with what has to come of it.

Each row goes through the whole of it: the assembled service, the guards, the journal on disk, the watch that verifies, a proxy
that spoils requests, and the platform's API server behind it. All rows run beside each other, each on workloads of its own;
afterwards every one is a test of its own. What really happened is asked of the API server and of its wire log.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.actions.audit.operation import Ending, Operation, Outcome, State, StepState
from console.actions.plan import Plan
from console.actions.refusal import Denied, Unable
from console.actions.target import Target
from tests.console.actions.cluster import ANNA, NAMESPACE, Cluster, Console, configured, console, environment
from tests.console.actions.proxy import Asked, Proxy, Wrote
from tests.console.embedded import embedded

pytestmark = pytest.mark.slow

MARK = "midwatch/operation"
AT_ONCE = 32  # rows beside each other


class Story(msgspec.Struct, kw_only=True):
    """What became of one row. `holds`: the API server has what was wanted."""

    ending: Ending | None = None
    refused: str = ""  # by a guard, or for want of something
    state: State | None = None
    why: str = ""
    steps: tuple[StepState, ...] = ()
    known: Operation | None = None
    writes: list[Wrote] = []
    received: list[dict[str, Any]] = []  # by the wire log
    holds: bool | None = None
    exit_code: int | None = None
    said: str = ""
    left: list[str] = []  # pods that stay on a node
    undo: str = ""  # the action that a plan of the way back names


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """`faults` of the writes, `looks` of what is read of the object after the first of them; the rest goes well."""

    action: str
    faults: tuple[str, ...]
    looks: tuple[str, ...] = ()
    ending: Ending
    holds: bool
    writes: int  # that the console sent
    reached: int  # of them, how many the API server got
    words: str = ""


S, F, U = Ending.SUCCEEDED, Ending.FAILED, Ending.UNKNOWN
ROWS: dict[str, Row] = {
    # An answer that was lost is looked for before anything else is sent.
    "pause-applied-then-dropped": Row(action="pause", faults=("applied-then-dropped",), ending=S, holds=True, writes=1, reached=1),
    "pause-applied-then-reset": Row(action="pause", faults=("applied-then-reset",), ending=S, holds=True, writes=1, reached=1),
    "pause-applied-then-hang": Row(action="pause", faults=("applied-then-hang",), ending=S, holds=True, writes=1, reached=1),
    "pause-applied-then-502": Row(action="pause", faults=("applied-then-bad-gateway",), ending=S, holds=True, writes=1, reached=1),
    "pause-applied-then-500": Row(action="pause", faults=("applied-then-500",), ending=S, holds=True, writes=1, reached=1),
    "pause-applied-then-503": Row(action="pause", faults=("applied-then-503",), ending=S, holds=True, writes=1, reached=1),
    "pause-half-an-object": Row(action="pause", faults=("half-an-object",), ending=S, holds=True, writes=1, reached=1),
    "pause-cut-answer": Row(action="pause", faults=("cut-answer",), ending=S, holds=True, writes=1, reached=1),
    # What proved absent is sent once more, and no third time.
    "pause-dropped": Row(action="pause", faults=("dropped",), ending=S, holds=True, writes=2, reached=1),
    "pause-reset": Row(action="pause", faults=("reset",), ending=S, holds=True, writes=2, reached=1),
    "pause-500": Row(action="pause", faults=("500",), ending=S, holds=True, writes=2, reached=1),
    "pause-503": Row(action="pause", faults=("503",), ending=S, holds=True, writes=2, reached=1),
    "pause-hang": Row(action="pause", faults=("hang",), ending=S, holds=True, writes=2, reached=1),
    "pause-login": Row(action="pause", faults=("login",), ending=S, holds=True, writes=2, reached=1),
    "pause-dropped-twice": Row(action="pause", faults=("dropped", "dropped"), ending=U, holds=False, writes=2, reached=0, words="may still arrive"),
    "pause-503-twice": Row(action="pause", faults=("503", "503"), ending=U, holds=False, writes=2, reached=0, words="may still arrive"),
    "pause-dropped-then-applied-and-dropped": Row(action="pause", faults=("dropped", "applied-then-dropped"), ending=S, holds=True, writes=2, reached=1),
    # A request that overtakes its own repetition: the precondition keeps it from being done twice.
    "pause-late": Row(action="pause", faults=("hold", "release"), ending=S, holds=True, writes=2, reached=2),
    "scale-late": Row(action="scale", faults=("hold", "release"), ending=S, holds=True, writes=2, reached=2),
    # A refusal is believed, and never sent again onto another state.
    "pause-409": Row(action="pause", faults=("409",), ending=F, holds=False, writes=1, reached=0, words="plan again"),
    "pause-412": Row(action="pause", faults=("412",), ending=F, holds=False, writes=1, reached=0, words="plan again"),
    "pause-422": Row(action="pause", faults=("422",), ending=F, holds=False, writes=1, reached=0, words="plan again"),
    "pause-403": Row(action="pause", faults=("403",), ending=F, holds=False, writes=1, reached=0, words="forbidden"),
    "pause-redirect": Row(action="pause", faults=("redirect",), ending=F, holds=False, writes=1, reached=0),
    "pause-drift": Row(action="pause", faults=("drift",), ending=F, holds=False, writes=1, reached=1, words="plan again"),
    "scale-drift": Row(action="scale", faults=("drift",), ending=F, holds=False, writes=1, reached=1, words="plan again"),
    "cordon-drift": Row(action="cordon", faults=("drift",), ending=F, holds=True, writes=1, reached=1, words="plan again"),
    "pause-refused-without-a-word": Row(action="pause", faults=("cut-refusal",), ending=F, holds=False, writes=1, reached=0, words="why was lost"),
    "pause-429": Row(action="pause", faults=("429",), ending=F, holds=False, writes=1, reached=0, words="not let through"),
    "pause-429-with-retry-after": Row(action="pause", faults=("429/1",), ending=F, holds=False, writes=1, reached=0, words="not let through"),
    # The credential.
    "pause-401-once": Row(action="pause", faults=("401",), ending=S, holds=True, writes=2, reached=1),
    "pause-401-always": Row(action="pause", faults=("401*",), ending=F, holds=False, writes=2, reached=0, words="Unauthorized"),
    # Nobody can tell what came of it.
    "pause-nobody-tells": Row(action="pause", faults=("applied-then-dropped",), looks=("503*",), ending=U, holds=True, writes=1, reached=1, words="not known"),
    "pause-login-everywhere": Row(action="pause", faults=("login*",), looks=("login*",), ending=U, holds=False, writes=1, reached=0, words="not known"),
    "pause-tells-late": Row(action="pause", faults=("applied-then-dropped",), looks=("503", "dropped", "half-an-object"), ending=S, holds=True, writes=1, reached=1),
    # The same for other writes, whose proof is another one.
    "cordon-applied-then-dropped": Row(action="cordon", faults=("applied-then-dropped",), ending=S, holds=True, writes=1, reached=1),
    "cordon-dropped": Row(action="cordon", faults=("dropped",), ending=S, holds=True, writes=2, reached=1),
    "scale-applied-then-dropped": Row(action="scale", faults=("applied-then-dropped",), ending=S, holds=True, writes=1, reached=1),
    "scale-dropped": Row(action="scale", faults=("dropped",), ending=S, holds=True, writes=2, reached=1),
    "scale-dropped-twice": Row(action="scale", faults=("dropped", "dropped"), ending=U, holds=False, writes=2, reached=0),
    "restart-applied-then-dropped": Row(action="restart", faults=("applied-then-dropped",), ending=S, holds=True, writes=1, reached=1),
    "restart-dropped": Row(action="restart", faults=("dropped",), ending=S, holds=True, writes=2, reached=1),
    "evict-applied-then-dropped": Row(action="evict", faults=("applied-then-dropped",), ending=S, holds=True, writes=1, reached=1),
    "evict-dropped": Row(action="evict", faults=("dropped",), ending=S, holds=True, writes=2, reached=1),
    "evict-500": Row(action="evict", faults=("500",), ending=S, holds=True, writes=2, reached=1),
    "evict-429": Row(action="evict", faults=("429",), ending=F, holds=False, writes=1, reached=0, words="not let through"),
    "evict-409": Row(action="evict", faults=("409",), ending=F, holds=False, writes=1, reached=0, words="plan again"),
}  # fmt: skip
ACTIONS = {
    "pause": "deployment.pause",
    "scale": "deployment.scale",
    "restart": "deployment.restart",
    "cordon": "node.cordon",
    "evict": "pod.evict",
    "drain": "node.drain",
}


class Yard:
    """What all rows share: the cluster, one console, nodes that are given out one by one."""

    def __init__(self, place: Path, cluster: Cluster, console: Console) -> None:
        self.place, self.cluster, self.console = place, cluster, console
        self._planning = asyncio.Semaphore(3)  # sixty plans at once would be a test of the machine
        nodes = [f"{region}-node-0{number}" for region in ("apac", "amer") for number in range(1, 9)]
        self._nodes = iter([node for node in nodes if node != "apac-node-03"])  # which has a pod of the demo's own

    def node(self) -> str:
        return next(self._nodes)

    async def planned(self, console: Console, action: str, target: str, **given: str) -> Plan:
        async with self._planning:
            return await console.service.plan(ANNA, ACTIONS[action], Target.parse(target), given)

    async def run(self, console: Console, plan: Plan) -> Story:
        """Confirm and execute; what a guard says is part of the story."""
        story = Story()
        service = console.service
        try:
            await service.confirm(ANNA, plan.op, plan.hash, plan.to_type, "because")
            story.ending = await service.run(ANNA, plan.op, plan.hash)
        except (Denied, Unable) as refused:
            story.refused = str(refused)
        return self.told(story, console, plan.op)

    def told(self, story: Story, console: Console, op: str) -> Story:
        """With what the book, the proxy and the wire log say of it."""
        known = console.service.book.get(op)
        assert known is not None
        story.known, story.state, story.why = known.operation, known.state, known.operation.ending_reason
        story.steps = tuple(step.state for step in known.operation.steps)
        story.writes = console.proxy.of(op)
        story.received = self.cluster.received(op)
        return story

    async def drain(self, name: str, *, allowed: int | None = None) -> tuple[str, str]:
        """A node with three pods of this name, at first of a budget that lets so many go. The node and its target."""
        node = self.node()
        for number in range(3):
            await self.cluster.pod(f"{name}-{number}", node, drain=name)
        if allowed is not None:
            await self.cluster.budget(name, name, 3 - allowed)
        await self.cluster.until(lambda: self.cluster.are_ready(name, 3))
        if allowed is not None:
            await self.cluster.until(lambda: self.cluster.budget_allows(name, allowed))
        await self.seen(lambda workloads: sum(pod.name.startswith(f"{name}-") and pod.ready == 1 for pod in workloads.pods.values()) == 3)
        return node, f"node:demo-1/{node}"

    async def seen(self, condition: Callable[[Any], bool]) -> None:
        """By the feed of the shared console."""

        async def is_seen() -> bool:
            reading = self.console.service._tools.witness.look().workloads
            return reading is not None and reading.value is not None and condition(reading.value)

        await self.cluster.until(is_seen)


async def plain(yard: Yard, name: str) -> Story:
    """One of ROWS."""
    row = ROWS[name]
    console, cluster = yard.console, yard.cluster
    given: dict[str, str] = {}
    if row.action == "cordon":
        node = yard.node()
        target, path = f"node:demo-1/{node}", f"/api/v1/nodes/{node}"
    elif row.action == "evict":
        await cluster.deployment(name, 3)
        await cluster.until(lambda: cluster.is_available(name))
        pod = (await cluster.get(f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=app%3D{name}"))["items"][0]["metadata"]["name"]
        target, path = f"kube:demo-1/{NAMESPACE}/pod/{pod}", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}"
    else:
        await cluster.deployment(name)
        await cluster.until(lambda: cluster.is_available(name))
        target, path = f"kube:demo-1/{NAMESPACE}/deployment/{name}", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}"
        given = {"replicas": "2"} if row.action == "scale" else {}
    plan = await yard.planned(console, row.action, target, **given)
    _spoil(console.proxy, cluster, row, path)
    story = await yard.run(console, plan)
    story.holds = await _holds(cluster, row.action, path, plan)
    return story


def _spoil(proxy: Proxy, cluster: Cluster, row: Row, path: str) -> None:
    def is_write(asked: Asked) -> bool:
        return asked.is_write and asked.path.removesuffix("/scale").removesuffix("/eviction") == path

    def is_look(asked: Asked) -> bool:
        written = any(write.path.startswith(path) for write in proxy.writes)
        return written and asked.method == "GET" and asked.path.removesuffix("/scale") == path

    if row.faults == ("drift",):
        proxy.fault(is_write, "ok", before=lambda _: _somebody_else(cluster, row.action, path))
    elif row.faults == ("hold", "release"):
        proxy.fault(is_write, "hold")
        proxy.fault(is_write, "ok", before=lambda _: proxy.release(path))
    else:
        proxy.fault(is_write, *row.faults)
    if row.looks:
        proxy.fault(is_look, *row.looks)


async def _somebody_else(cluster: Cluster, action: str, path: str) -> None:
    spec: dict[str, Any] = {"replicas": 3} if action == "scale" else {"minReadySeconds": 1}
    body = {"spec": {"unschedulable": True} if action == "cordon" else spec}
    await cluster.call("PATCH", path, body, "application/merge-patch+json")


async def _holds(cluster: Cluster, action: str, path: str, plan: Plan) -> bool:
    found = await cluster.get(path)
    if action == "evict":
        return found is None or "deletionTimestamp" in found["metadata"]
    match action:
        case "pause":
            return bool(found["spec"].get("paused", False))
        case "scale":
            return bool(found["spec"]["replicas"] == 2)
        case "cordon":
            return bool(found["spec"].get("unschedulable", False))
        case _:
            return bool(found["metadata"].get("annotations", {}).get(MARK) == plan.op)


# --- the world moves -----------------------------------------------------------------------------------------------------

World = Callable[[Yard], Awaitable[Story]]
WORLD: dict[str, World] = {}


def world(row: World) -> World:
    WORLD[row.__name__.replace("_", "-")] = row
    return row


def _evicts(name: str) -> Callable[[Asked], bool]:
    return lambda asked: asked.is_write and asked.path.endswith(f"/pods/{name}/eviction")


async def _drained(yard: Yard, name: str, target: str, **given: str) -> Story:
    plan = await yard.planned(yard.console, "drain", target, unmanaged="true", **given)
    assert not plan.refusals, plan.refusals
    story = await yard.run(yard.console, plan)
    story.left = await yard.cluster.pods_of(name)
    return story


@world
async def budget_shrinks_and_grows_again(yard: Yard) -> Story:
    name = "shrinks"
    _, target = await yard.drain(name, allowed=3)
    cluster, proxy = yard.cluster, yard.console.proxy
    growing: list[asyncio.Task[None]] = []

    async def shrink(_: Asked) -> None:
        await cluster.budget(name, name, 2)
        await cluster.until(lambda: cluster.budget_allows(name, 0))
        growing.append(asyncio.create_task(grow()))

    async def grow() -> None:
        await cluster.until(lambda: _is_refused(yard, name))
        await cluster.budget(name, name, 0)

    proxy.fault(_evicts(f"{name}-1"), "ok", before=shrink)
    story = await _drained(yard, name, target)
    await growing[0]
    return story


async def _is_refused(yard: Yard, name: str) -> bool:
    return any(write.status == 429 and f"/pods/{name}-" in write.path for write in yard.console.proxy.writes)


@world
async def budget_shrinks_and_a_person_stops(yard: Yard) -> Story:
    name = "stays-small"
    node, target = await yard.drain(name, allowed=3)
    cluster, service = yard.cluster, yard.console.service

    async def shrink(_: Asked) -> None:
        await cluster.budget(name, name, 2)
        await cluster.until(lambda: cluster.budget_allows(name, 0))

    yard.console.proxy.fault(_evicts(f"{name}-1"), "ok", before=shrink)
    plan = await yard.planned(yard.console, "drain", target, unmanaged="true")

    async def stop() -> None:
        await cluster.until(lambda: _is_refused(yard, name))
        await service.stop(ANNA, plan.op)

    stopping = asyncio.create_task(stop())
    story = await yard.run(yard.console, plan)
    await stopping
    story.left = await cluster.pods_of(name)
    story.holds = bool((await cluster.node(node))["spec"].get("unschedulable"))
    back = await service.plan_undo(ANNA, plan.op)
    story.undo = back.action
    undone = await yard.run(yard.console, back)
    assert undone.ending is Ending.SUCCEEDED, undone
    known = service.book.get(plan.op)
    assert known is not None and known.state is State.UNDONE, known
    assert not (await cluster.node(node))["spec"].get("unschedulable")
    return story


@world
async def a_second_budget_appears(yard: Yard) -> Story:
    name = "doubly"
    _, target = await yard.drain(name, allowed=3)
    cluster = yard.cluster

    async def appear(_: Asked) -> None:
        await cluster.budget(f"{name}-too", name, 0)
        await cluster.until(lambda: cluster.budget_allows(f"{name}-too"))

    yard.console.proxy.fault(_evicts(f"{name}-1"), "ok", before=appear)
    return await _drained(yard, name, target)


@world
async def a_pod_is_another_under_the_same_name(yard: Yard) -> Story:
    name = "reborn"
    node, target = await yard.drain(name)
    cluster = yard.cluster

    async def reborn(_: Asked) -> None:
        pod = f"{name}-1"
        await cluster.deleted(pod)
        await cluster.until(lambda: _is_gone(cluster, pod))
        await cluster.pod(pod, node, drain=name)

    yard.console.proxy.fault(_evicts(f"{name}-1"), "ok", before=reborn)
    return await _drained(yard, name, target)


async def _is_gone(cluster: Cluster, pod: str) -> bool:
    return await cluster.get(f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}") is None


@world
async def a_pod_has_gone_by_itself(yard: Yard) -> Story:
    name = "gone"
    _, target = await yard.drain(name)
    cluster = yard.cluster

    async def gone(_: Asked) -> None:
        await cluster.deleted(f"{name}-1")
        await cluster.until(lambda: _is_gone(cluster, f"{name}-1"))

    yard.console.proxy.fault(_evicts(f"{name}-1"), "ok", before=gone)
    return await _drained(yard, name, target)


@world
async def the_lease_is_stolen(yard: Yard) -> Story:
    name = "stolen"
    _, target = await yard.drain(name)
    cluster, proxy = yard.cluster, yard.console.proxy
    leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases"

    async def steal(_: Asked) -> None:
        op = next(write.operation for write in proxy.writes if f"/pods/{name}-0/" in write.path)
        items = (await cluster.get(leases))["items"]
        lease = next(item for item in items if item["spec"]["holderIdentity"].endswith(op))
        lease["spec"]["holderIdentity"] = "another-host-1-op-9"
        await cluster.call("PUT", f"{leases}/{lease['metadata']['name']}", lease)

    proxy.fault(_evicts(f"{name}-1"), "ok", before=steal)
    proxy.fault(_looks(f"{name}-1"), "503", "503", "503", "503")  # time enough to notice
    return await _drained(yard, name, target)


def _looks(pod: str) -> Callable[[Asked], bool]:
    return lambda asked: asked.method == "GET" and asked.path.endswith(f"/pods/{pod}")


@world
async def the_lease_cannot_be_renewed(yard: Yard) -> Story:
    name = "unrenewed"
    node, target = await yard.drain(name)
    proxy = yard.console.proxy
    began: list[str] = []

    async def begin(asked: Asked) -> None:
        began.append(asked.operation)

    proxy.fault(_evicts(f"{name}-0"), "ok", before=begin)
    proxy.fault(lambda asked: "/leases" in asked.path and asked.method != "GET" and asked.operation in began, "503*")
    proxy.fault(_looks(f"{name}-0"), *("503",) * 70)
    story = await _drained(yard, name, target)
    story.holds = bool((await yard.cluster.node(node))["spec"].get("unschedulable"))
    return story


async def _with_lease(yard: Yard, name: str, age_s: float) -> Story:
    """Another host has had the lock for so long."""
    await yard.cluster.deployment(name)
    await yard.cluster.until(lambda: yard.cluster.is_available(name))
    target = f"kube:demo-1/{NAMESPACE}/deployment/{name}"
    renewed = (datetime.now(UTC) - timedelta(seconds=age_s)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": f"midwatch-{hashlib.sha256(target.encode()).hexdigest()[:20]}", "namespace": NAMESPACE},
        "spec": {"holderIdentity": "another-host-1-op-9", "leaseDurationSeconds": 20, "renewTime": renewed},
    }
    await yard.cluster.call("POST", f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases", lease)
    return await yard.run(yard.console, await yard.planned(yard.console, "pause", target))


@world
async def the_lease_is_held_by_another_host(yard: Yard) -> Story:
    return await _with_lease(yard, "held", 2.0)


@world
async def the_lease_of_another_host_has_run_out(yard: Yard) -> Story:
    return await _with_lease(yard, "lapsed", 30.0)


@world
async def nobody_may_have_leases(yard: Yard) -> Story:
    name = "leaseless"
    async with console(yard.place / name, yard.cluster) as own:
        own.proxy.fault(lambda asked: "/leases" in asked.path, "403*")
        await yard.cluster.deployment(name)
        await yard.cluster.until(lambda: yard.cluster.is_available(name))
        return await yard.run(own, await yard.planned(own, "pause", f"kube:demo-1/{NAMESPACE}/deployment/{name}"))


@world
async def an_eviction_waits_as_long_as_it_is_told(yard: Yard) -> Story:
    name = "patient"
    _, target = await yard.drain(name)
    yard.console.proxy.fault(_evicts(f"{name}-0"), "429/1", "429")
    return await _drained(yard, name, target)


@world
async def evictions_are_lost(yard: Yard) -> Story:
    name = "lossy"
    _, target = await yard.drain(name)
    proxy = yard.console.proxy
    proxy.fault(_evicts(f"{name}-0"), "applied-then-reset")
    proxy.fault(_evicts(f"{name}-1"), "hang")
    proxy.fault(_evicts(f"{name}-2"), "half-an-object")
    return await _drained(yard, name, target)


@world
async def an_eviction_is_lost_twice(yard: Yard) -> Story:
    name = "twice-lost"
    _, target = await yard.drain(name)
    yard.console.proxy.fault(_evicts(f"{name}-1"), "dropped", "dropped")
    story = await _drained(yard, name, target)
    assert story.known is not None
    story.undo = (await yard.console.service.plan_undo(ANNA, story.known.id)).action
    return story


# --- consoles of their own -----------------------------------------------------------------------------------------------


@world
async def the_watch_is_gone_while_verifying(yard: Yard) -> Story:
    name = "watchless"
    async with console(yard.place / name, yard.cluster) as own:
        story = await _restarted(yard, own, name, ("gone",) * 12, ())
    assert sum("watch" in asked.query for asked in own.proxy.asked) > 2, "it has to have been asked again"
    return story


@world
async def the_feeds_are_gone_while_verifying(yard: Yard) -> Story:
    name = "blind"
    async with console(yard.place / name, yard.cluster) as own:
        return await _restarted(yard, own, name, ("dropped*",), ("503*",))


async def _restarted(yard: Yard, own: Console, name: str, watches: tuple[str, ...], lists: tuple[str, ...]) -> Story:
    """The watch that is open is cut at the write, and every one after it goes wrong."""
    await yard.cluster.deployment(name)
    await yard.cluster.until(lambda: yard.cluster.is_available(name))
    plan = await yard.planned(own, "pause", f"kube:demo-1/{NAMESPACE}/deployment/{name}")
    proxy = own.proxy

    async def cut(_: Asked) -> None:
        proxy.fault(lambda asked: "watch=" in asked.query, *watches)
        if lists:
            proxy.fault(lambda asked: "watch=" not in asked.query and asked.path.endswith(("/deployments", "/pods")), *lists)
        proxy.cut()

    proxy.fault(lambda asked: asked.is_write, "ok", before=cut)
    return await yard.run(own, plan)


@world
async def the_token_is_renewed_in_the_middle(yard: Yard) -> Story:
    name = "renewed"
    _, target = await yard.drain(name)
    token = yard.place / "renewed.token"
    token.write_text(yard.cluster.token.read_text())
    token.chmod(0o600)
    old = f"Bearer {token.read_text().strip()}"
    async with console(yard.place / name, yard.cluster, token=token) as own:

        async def renew(_: Asked) -> None:
            token.write_text(yard.cluster.other_token.read_text())

        def is_expired(asked: Asked) -> bool:
            begun = any(f"/pods/{name}-1/" in write.path for write in own.proxy.writes)
            return asked.headers.get("authorization") == old and (begun or _evicts(f"{name}-1")(asked))

        own.proxy.fault(is_expired, "401*", before=renew)
        plan = await yard.planned(own, "drain", target, unmanaged="true")
        story = await yard.run(own, plan)
    story.left = await yard.cluster.pods_of(name)
    return story


@world
async def the_token_has_expired_for_good(yard: Yard) -> Story:
    name = "expired"
    _, target = await yard.drain(name)
    async with console(yard.place / name, yard.cluster) as own:

        def is_expired(asked: Asked) -> bool:
            begun = any(f"/pods/{name}-1/" in write.path for write in own.proxy.writes)
            return "authorization" in asked.headers and (begun or _evicts(f"{name}-1")(asked))

        own.proxy.fault(is_expired, "401*")
        plan = await yard.planned(own, "drain", target, unmanaged="true")
        story = await yard.run(own, plan)
    story.left = await yard.cluster.pods_of(name)
    return story


async def _with_clock(yard: Yard, name: str, off_s: float, set_at: str, set_by: float) -> Story:
    await yard.cluster.deployment(name)
    await yard.cluster.until(lambda: yard.cluster.is_available(name))
    async with console(yard.place / name, yard.cluster, off_s=off_s) as own:
        plan = await yard.planned(own, "pause", f"kube:demo-1/{NAMESPACE}/deployment/{name}")

        async def step(_: Asked) -> None:
            own.clock.off_s += set_by

        if set_at == "write":
            own.proxy.fault(lambda asked: asked.is_write, "ok", before=step)
        elif set_at == "plan":
            own.clock.off_s += set_by
        return await yard.run(own, plan)


@world
async def the_clock_is_ten_minutes_ahead(yard: Yard) -> Story:
    return await _with_clock(yard, "ahead", 600.0, "", 0.0)


@world
async def the_clock_is_ten_minutes_behind(yard: Yard) -> Story:
    return await _with_clock(yard, "behind", -600.0, "", 0.0)


@world
async def the_clock_is_set_ahead_between_plan_and_run(yard: Yard) -> Story:
    return await _with_clock(yard, "set-ahead", 0.0, "plan", 600.0)


@world
async def the_clock_is_set_back_in_the_middle(yard: Yard) -> Story:
    return await _with_clock(yard, "set-back", 0.0, "write", -600.0)


# --- the command -----------------------------------------------------------------------------------------------------------


async def _commanded(yard: Yard, name: str, *faults: str, plan_first: bool = False) -> Story:
    """`midwatch act run deployment.pause`, as a process of its own with the machine's clock."""
    await yard.cluster.deployment(name)
    await yard.cluster.until(lambda: yard.cluster.is_available(name))
    place = yard.place / name
    audit = place / "state" / "midwatch" / "audit"
    async with Proxy(yard.cluster.url, lambda: audit.glob("*.jsonl")) as proxy:
        configured(place, proxy.url, yard.cluster.token)
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}"
        proxy.fault(lambda asked: asked.is_write and asked.path == path, *faults)
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "console", "--write", "act", "run", "deployment.pause",
            f"kube:demo-1/{NAMESPACE}/deployment/{name}", "--confirm", name, "--reason", "because",
            env={**environment(place), "PYTHONPATH": str(Path(__file__).parents[3])},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await child.communicate()
        story = Story(exit_code=child.returncode, said=said.decode(), writes=list(proxy.writes))
    story.holds = bool((await yard.cluster.deployed(name))["spec"].get("paused", False))
    return story


@world
async def command_succeeds(yard: Yard) -> Story:
    return await _commanded(yard, "command-0", "applied-then-dropped")


@world
async def command_is_refused(yard: Yard) -> Story:
    return await _commanded(yard, "command-1", "409")


@world
async def command_does_not_know(yard: Yard) -> Story:
    return await _commanded(yard, "command-7", "dropped", "dropped")


# --- all of it at once -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Story | BaseException]]:
    place = tmp_path_factory.mktemp("yard")
    only = os.environ.get("FAULTS_ONLY", "").split()

    async def everything() -> dict[str, Story | BaseException]:
        async with AsyncExitStack() as stack:
            cluster = await stack.enter_async_context(Cluster(place))
            await cluster.emptied()
            shared = await stack.enter_async_context(console(place / "shared", cluster))
            yard = Yard(place, cluster, shared)
            waiting = sorted(ROWS, key=lambda name: not ROWS[name].looks)  # those that take longest come first
            rows = {**WORLD, **{name: _named(name) for name in waiting}}
            chosen = {name: row for name, row in rows.items() if not only or name in only}
            turn = asyncio.Semaphore(AT_ONCE)

            async def take_turn(row: World) -> Story:
                async with turn:
                    return await row(yard)

            told = await asyncio.gather(*map(take_turn, chosen.values()), return_exceptions=True)
            return dict(zip(chosen, told, strict=True))

    with embedded(place, wire_log=str(place / "wire.log")):
        yield asyncio.run(everything())


def _named(name: str) -> World:
    return lambda yard: plain(yard, name)


def story_of(stories: dict[str, Story | BaseException], name: str) -> Story:
    if name not in stories:
        pytest.skip("not chosen")
    story = stories[name]
    if isinstance(story, BaseException):
        raise story
    for write in story.writes:
        assert write.is_covered, f"{write} went out without a durable intent and beginning"
    return story


@pytest.mark.parametrize("name", ROWS)
def test_a_spoilt_request_ends_in_the_truth(stories: dict[str, Story | BaseException], name: str) -> None:
    row, story = ROWS[name], story_of(stories, name)
    assert (story.ending, story.refused) == (row.ending, ""), story.why
    assert story.holds is row.holds
    assert len(story.writes) == row.writes, story.writes
    assert len(story.received) == row.reached, story.received
    assert row.words in story.why, story.why
    expected = {S: StepState.DONE, F: StepState.FAILED}.get(row.ending)
    if expected is not None:
        assert story.steps == (expected,)
    else:
        assert story.steps[0] in (StepState.UNKNOWN, StepState.ABSENT)
    assert story.known is not None and not story.known.irregular


def test_a_drain_waits_for_a_budget_that_shrinks_and_grows_again(stories: dict[str, Story | BaseException]) -> None:
    story = story_of(stories, "budget-shrinks-and-grows-again")
    assert story.ending is Ending.SUCCEEDED, story.why
    assert story.left == []
    assert any(write.status == 429 for write in story.writes)
    assert len([write for write in story.writes if write.status == 201]) == 3


def test_a_drain_that_waits_can_be_stopped_and_its_cordon_taken_back(stories: dict[str, Story | BaseException]) -> None:
    story = story_of(stories, "budget-shrinks-and-a-person-stops")
    assert (story.ending, story.state) == (None, State.STOPPED)
    assert story.steps[:2] == (StepState.DONE, StepState.DONE)
    assert StepState.DONE not in story.steps[2:]
    assert len(story.left) == 2
    assert story.holds, "the node stays cordoned until somebody takes it back"
    assert story.undo == "node.uncordon"


def test_a_second_budget_over_the_same_pods_ends_a_drain(stories: dict[str, Story | BaseException]) -> None:
    story = story_of(stories, "a-second-budget-appears")
    assert story.ending is Ending.FAILED
    assert "more than one PodDisruptionBudget" in story.why
    assert story.left == ["doubly-1", "doubly-2"]
    assert story.steps == (StepState.DONE, StepState.DONE, StepState.FAILED, StepState.PENDING)


def test_a_pod_of_the_same_name_and_another_uid_is_left_alone(stories: dict[str, Story | BaseException]) -> None:
    story = story_of(stories, "a-pod-is-another-under-the-same-name")
    assert story.ending is Ending.SUCCEEDED, story.why
    assert story.left == ["reborn-1"], "the one that was planned is gone; the new one was never agreed to"
    assert any(write.status == 409 for write in story.writes)
    assert story.known is not None and "another" in story.known.steps[2].answer


def test_a_pod_that_went_by_itself_counts_as_gone(stories: dict[str, Story | BaseException]) -> None:
    story = story_of(stories, "a-pod-has-gone-by-itself")
    assert story.ending is Ending.SUCCEEDED, story.why
    assert story.left == []
    assert any(write.status == 404 for write in story.writes)


def test_a_stolen_lease_stops_before_the_next_step(stories: dict[str, Story | BaseException]) -> None:
    story = story_of(stories, "the-lease-is-stolen")
    assert (story.ending, story.state) == (None, State.STOPPED)
    assert story.left == ["stolen-2"]
    assert story.steps == (StepState.DONE, StepState.DONE, StepState.DONE, StepState.PENDING)


def test_a_lease_that_cannot_be_renewed_stops_before_the_next_step(stories: dict[str, Story | BaseException]) -> None:
    story = story_of(stories, "the-lease-cannot-be-renewed")
    assert (story.ending, story.state) == (None, State.STOPPED)
    assert story.left == ["unrenewed-1", "unrenewed-2"]
    assert story.holds


def test_a_lease_of_another_host_closes_it_before_anything_is_sent(stories: dict[str, Story | BaseException]) -> None:
    story = story_of(stories, "the-lease-is-held-by-another-host")
    assert story.ending is Ending.FAILED
    assert "another-host" in story.why and "nothing was sent" in story.why
    assert story.writes == [] and story.received == []


@pytest.mark.parametrize("name", ["the-lease-of-another-host-has-run-out", "nobody-may-have-leases"])
def test_a_lease_that_has_run_out_or_may_not_be_had_stops_nobody(
    stories: dict[str, Story | BaseException], name: str
) -> None:
    story = story_of(stories, name)
    assert story.ending is Ending.SUCCEEDED, story.why
    assert len(story.received) == 1


def test_an_eviction_is_asked_again_as_late_as_the_server_wishes(stories: dict[str, Story | BaseException]) -> None:
    story = story_of(stories, "an-eviction-waits-as-long-as-it-is-told")
    assert story.ending is Ending.SUCCEEDED, story.why
    assert [write.fault for write in story.writes[1:4]] == ["429/1", "429", "ok"]
    assert len(story.received) == 4, "the cordon and three evictions"


def test_lost_evictions_are_looked_for(stories: dict[str, Story | BaseException]) -> None:
    story = story_of(stories, "evictions-are-lost")
    assert story.ending is Ending.SUCCEEDED, story.why
    assert story.left == []
    assert len(story.writes) == 5, "only the one that never arrived was sent twice"
    assert len(story.received) == 4


def test_an_eviction_lost_twice_ends_a_drain_as_unknown(stories: dict[str, Story | BaseException]) -> None:
    story = story_of(stories, "an-eviction-is-lost-twice")
    assert story.ending is Ending.UNKNOWN
    assert story.left == ["twice-lost-1", "twice-lost-2"]
    assert story.undo == "node.uncordon"


def test_a_watch_that_is_gone_is_begun_anew_and_verifies(stories: dict[str, Story | BaseException]) -> None:
    story = story_of(stories, "the-watch-is-gone-while-verifying")
    assert story.ending is Ending.SUCCEEDED, story.why
    assert len(story.received) == 1


def test_without_feeds_nothing_is_called_a_success(stories: dict[str, Story | BaseException]) -> None:
    story = story_of(stories, "the-feeds-are-gone-while-verifying")
    assert story.ending is Ending.UNKNOWN, story.why
    assert story.steps == (StepState.DONE,), "the write itself was answered"
    assert story.known is not None and story.known.verified is Outcome.UNKNOWN


def test_a_renewed_token_is_used_in_the_middle(stories: dict[str, Story | BaseException]) -> None:
    story = story_of(stories, "the-token-is-renewed-in-the-middle")
    assert story.ending is Ending.SUCCEEDED, story.why
    assert story.left == []
    assert len(story.received) == 4


def test_a_token_expired_for_good_ends_it_where_it_is(stories: dict[str, Story | BaseException]) -> None:
    story = story_of(stories, "the-token-has-expired-for-good")
    assert story.ending is Ending.FAILED, story.why
    assert "Unauthorized" in story.why
    assert story.left == ["expired-1", "expired-2"]
    assert story.steps == (StepState.DONE, StepState.DONE, StepState.FAILED, StepState.PENDING)


@pytest.mark.parametrize("name", ["the-clock-is-ten-minutes-ahead", "the-clock-is-ten-minutes-behind"])
def test_a_clock_that_is_off_refuses_everything(stories: dict[str, Story | BaseException], name: str) -> None:
    story = story_of(stories, name)
    assert "freshness" in story.refused and "mend the clock" in story.refused
    assert story.state is State.REFUSED
    assert story.received == []


def test_a_clock_set_between_plan_and_run_does_not_pass_unnoticed(stories: dict[str, Story | BaseException]) -> None:
    """The console's own clock does not follow a step; the API server, whose Date it is held against, tells the truth."""
    story = story_of(stories, "the-clock-is-set-ahead-between-plan-and-run")
    assert story.ending is Ending.SUCCEEDED, story.refused


def test_a_clock_set_in_the_middle_changes_nothing(stories: dict[str, Story | BaseException]) -> None:
    story = story_of(stories, "the-clock-is-set-back-in-the-middle")
    assert story.ending is Ending.SUCCEEDED, story.why
    assert len(story.received) == 1


@pytest.mark.parametrize(
    ("name", "code", "holds", "writes"),
    [("command-succeeds", 0, True, 1), ("command-is-refused", 1, False, 1), ("command-does-not-know", 7, False, 2)],
)
def test_the_command_ends_with_the_number_of_its_outcome(
    stories: dict[str, Story | BaseException], name: str, code: int, holds: bool, writes: int
) -> None:
    story = story_of(stories, name)
    assert story.exit_code == code, story.said
    assert story.holds is holds
    assert len(story.writes) == writes
