"""kill -9 at every record of a restart, a scale and a drain, and while the API server applies what was sent.

A process of its own acts (`victim.py`) and dies. Another console then opens the same state directory: what it tells must be
true against the API server, it must do nothing by itself, and carrying on or taking back must work where it is offered.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.actions.audit.history import Known
from console.actions.audit.operation import Ending, Operation, State, StepState
from console.actions.audit.reading import Standing
from console.actions.audit.verify import checked
from console.actions.refusal import Denied
from tests.console.actions.cluster import ANNA, NAMESPACE, Cluster, Console, configured, console
from tests.console.actions.proxy import Asked, Proxy
from tests.console.actions.victim import NEVER, Ended, Order
from tests.console.embedded import embedded

MARK = "midwatch/operation"
RECORDS = {"restart": 8, "scale": 8, "drain": 14}  # chain opened, planned, confirmed, intent, two a step, verified, closed
ACTIONS = {"restart": "deployment.restart", "scale": "deployment.scale", "drain": "node.drain"}
PODS = 3
AT_ONCE = 8  # victims beside each other


class Point(msgspec.Struct, frozen=True):
    """Where it dies, and what is chosen afterwards. `moment` sent: the request has left, and is applied only after the death;
    applied: it took effect, and nobody lived to hear of it.
    """

    action: str
    moment: str
    number: int  # of the record; of the write for sent and applied
    then: str  # resume | undo

    @property
    def name(self) -> str:
        return f"{self.action}-{self.moment}-{self.number}-{self.then}"


def points() -> Iterable[Point]:
    for action, count in RECORDS.items():
        choices = ("resume",) if action == "restart" else ("resume", "undo")
        for number in range(1, count + 1):
            for index, moment in enumerate(("before", "torn", "after")):
                yield Point(action, moment, number, choices[(number + index) % len(choices)])
        writes = PODS + 1 if action == "drain" else 1
        for number in range(1, writes + 1):
            for moment in ("sent", "applied"):
                for then in choices:
                    yield Point(action, moment, number, then)


EVERY = {point.name: point for point in points()}
SAMPLE = {
    point.name: point
    for point in (
        Point("restart", "before", 5, "resume"),
        Point("restart", "sent", 1, "resume"),
        Point("restart", "torn", 6, "resume"),
        Point("scale", "after", 5, "resume"),
        Point("scale", "applied", 1, "undo"),
        Point("scale", "before", 8, "resume"),
        Point("drain", "applied", 3, "resume"),
        Point("drain", "torn", 10, "undo"),
    )
}


class Told(msgspec.Struct, kw_only=True):
    """What was seen of one death and of what came after."""

    status: int = 0
    seen: Known | None = None  # by the console that came after
    server: dict[str, Any] = {}  # at that moment
    sent_by_itself: int = 0
    trouble: str = ""
    ending: Ending | None = None
    refused: str = ""
    after: Known | None = None
    server_after: dict[str, Any] = {}
    accepted: list[str] = []  # paths of the writes that the API server took, of all processes, in their order
    standing: list[Standing] = []  # of the chains


class Nursery:
    """The process that forks victims."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._ends: dict[str, asyncio.Future[int]] = {}
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Nursery:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "tests.console.actions.victim",
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert await self._process.stdout.readline() == b"{}\n"
        self._listening = asyncio.create_task(self._listen(self._process.stdout))
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._process is not None and self._process.stdin is not None and self._listening is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(10):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._listening

    async def _listen(self, stdout: asyncio.StreamReader) -> None:
        while line := await stdout.readline():
            ended = msgspec.json.decode(line, type=Ended)
            self._ends[ended.place].set_result(ended.status)

    async def ended(self, order: Order) -> int:
        """How the victim of this order ended."""
        assert self._process is not None and self._process.stdin is not None
        self._ends[order.place] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")
        async with asyncio.timeout(60):
            return await self._ends[order.place]


class Scene:
    """The cluster and what each point has of its own in it."""

    def __init__(self, place: Path, cluster: Cluster, nursery: Nursery) -> None:
        self.place, self.cluster, self.nursery = place, cluster, nursery
        regions = ("apac", "amer")
        self._nodes = [f"{region}-node-0{number}" for region in regions for number in range(1, 9) if (region, number) != ("apac", 3)]
        self._taken = 0
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def die_and_look(self, point: Point) -> Told:
        async with self._turn:
            name = point.name
            given: dict[str, str] = {}
            if point.action == "drain":
                subject = self._nodes[self._taken % len(self._nodes)]
                self._taken += 1
                target = f"node:demo-1/{subject}"
                given = {"unmanaged": "true"}
                for number in range(PODS):
                    await self.cluster.pod(f"{name}-{number}", subject, drain=name)
                await self.cluster.until(lambda: self.cluster.are_ready(name, PODS))
            else:
                subject = name
                target = f"kube:demo-1/{NAMESPACE}/deployment/{name}"
                given = {"replicas": "2"} if point.action == "scale" else {}
                await self.cluster.deployment(name)
                await self.cluster.until(lambda: self.cluster.is_available(name))
            try:
                return await self._die(point, subject, target, given)
            finally:
                if point.action == "drain":
                    body = {"spec": {"unschedulable": None}}
                    await self.cluster.call("PATCH", f"/api/v1/nodes/{subject}", body, "application/merge-patch+json")
                    for number in range(PODS):
                        await self.cluster.deleted(f"{name}-{number}")
                else:
                    await self.cluster.call("DELETE", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}")

    async def _die(self, point: Point, subject: str, target: str, given: dict[str, str]) -> Told:
        place = self.place / point.name
        audit = place / "state" / "midwatch" / "audit"
        told = Told()
        async with Proxy(self.cluster.url, lambda: audit.glob("*.jsonl")) as proxy:
            configured(place, proxy.url, self.cluster.token)
            at_wire = point.moment in ("sent", "applied")
            if at_wire:
                _kill_at(proxy, place, point)
            told.status = await self.nursery.ended(
                Order(
                    place=str(place),
                    action=ACTIONS[point.action],
                    target=target,
                    given=given,
                    moment="" if at_wire else point.moment,
                    number=NEVER if at_wire else point.number,
                )
            )
            await proxy.idle()
            writes = proxy.writes
        assert all(write.is_covered for write in writes), writes
        async with console(place, self.cluster) as own:
            await self._look(told, own, point, subject)
        told.accepted = [write.path for write in (*writes, *own.proxy.writes) if write.status in (200, 201)]
        told.standing = [each.chain.standing for each in checked(audit)]
        return told

    async def _look(self, told: Told, own: Console, point: Point, subject: str) -> None:
        service = own.service
        await service.book.read()
        told.trouble = service.book.trouble
        found = service.book.known()
        told.seen = found[0] if found else None
        told.server = await self._server(point, subject)
        told.sent_by_itself = len(own.proxy.writes)
        if told.seen is None:
            return
        op = told.seen.operation.id
        try:
            if point.then == "resume":
                told.ending = await service.resume(ANNA, op)
            else:
                if point.action == "scale":  # else the guard sees one pod, and will not have the last one taken
                    await self.cluster.until(lambda: self.cluster.is_available(subject))
                plan = await service.plan_undo(ANNA, op)
                await service.confirm(ANNA, plan.op, plan.hash, plan.to_type, "because")
                told.ending = await service.run(ANNA, plan.op, plan.hash)
        except Denied as denied:
            told.refused = str(denied)
        told.after = service.book.get(op)
        told.server_after = await self._server(point, subject)

    async def _server(self, point: Point, subject: str) -> dict[str, Any]:
        """What the steps of the action are held against, by number."""
        if point.action == "drain":
            left = await self.cluster.pods_of(point.name)
            is_cordoned = bool((await self.cluster.node(subject))["spec"].get("unschedulable"))
            return {"steps": [is_cordoned, *(f"{point.name}-{number}" not in left for number in range(PODS))]}
        found = await self.cluster.deployed(subject)
        if point.action == "scale":
            return {"steps": [found["spec"]["replicas"] == 2]}
        return {"steps": [MARK in found["metadata"].get("annotations", {})]}


def _kill_at(proxy: Proxy, place: Path, point: Point) -> None:
    """At the n-th write: before it is forwarded, which then happens all the same, or when it has taken effect."""

    def die() -> None:
        os.kill(int((place / "pid").read_text()), signal.SIGKILL)

    async def before(_: Asked) -> None:
        if point.moment == "sent":
            die()
        else:
            proxy.on_applied = die

    proxy.fault(lambda asked: asked.is_write, *("ok",) * (point.number - 1))
    proxy.fault(lambda asked: asked.is_write, "applied-then-dropped", before=before)


def told_of(chosen: dict[str, Point], place: Path) -> dict[str, Told | BaseException]:
    async def everything() -> dict[str, Told | BaseException]:
        async with Cluster(place) as cluster, Nursery() as nursery:
            await cluster.emptied()
            scene = Scene(place, cluster, nursery)
            told = await asyncio.gather(*map(scene.die_and_look, chosen.values()), return_exceptions=True)
            return dict(zip(chosen, told, strict=True))

    with embedded(place, wire_log=str(place / "wire.log")):
        return asyncio.run(everything())


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Told | BaseException]]:
    yield told_of(SAMPLE, tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Told | BaseException]]:
    yield told_of(EVERY, tmp_path_factory.mktemp("every"))


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_a_killed_process_leaves_the_truth_and_a_way_on(sample: dict[str, Told | BaseException], name: str) -> None:
    hold(SAMPLE[name], sample[name])


@pytest.mark.proof
@pytest.mark.parametrize("name", EVERY)
@pytest.mark.timeout(900)  # the first of them lets all happen
def test_every_death_leaves_the_truth_and_a_way_on(every: dict[str, Told | BaseException], name: str) -> None:
    hold(EVERY[name], every[name])


_STATES = {2: State.PLANNED, 3: State.CONFIRMED}


def hold(point: Point, told: Told | BaseException) -> None:
    if isinstance(told, BaseException):
        raise told
    assert os.WIFSIGNALED(told.status) and os.WTERMSIG(told.status) == signal.SIGKILL, "it lived on"
    assert told.sent_by_itself == 0, "something was sent by itself after the restart"
    assert told.trouble == "" and not set(told.standing) & {Standing.TAMPERED, Standing.UNREADABLE}, told
    durable = point.number if point.moment == "after" else point.number - 1
    if point.moment in ("sent", "applied"):
        durable = 3 + 2 * point.number  # its beginning
    expected = None
    if durable >= 2:
        expected = _STATES.get(durable, State.SUCCEEDED if durable >= RECORDS[point.action] else State.INTERRUPTED)
    seen = told.seen
    assert (seen.state if seen is not None else None) == expected
    if seen is None:
        assert not any(told.server["steps"])
        return
    _is_true(seen.operation, told.server["steps"])
    assert seen.may_resume is (expected is State.INTERRUPTED)
    assert seen.may_undo is bool(expected in (State.INTERRUPTED, State.SUCCEEDED) and seen.operation.to_undo)
    _ended_well(point, told, seen)


def _is_true(operation: Operation, server: list[bool]) -> None:
    """Every step against what the API server has. Begun and not answered may be either, and says so."""
    for number, (step, is_there) in enumerate(zip(operation.steps, server, strict=True), 1):
        if step.state is StepState.DONE:
            assert is_there, f"step {number} is told as done and is not"
        elif step.state is not StepState.BEGUN:
            assert not is_there, f"step {number} is told as {step.state} and took effect"
    assert not operation.irregular


def _ended_well(point: Point, told: Told, seen: Known) -> None:
    offered = seen.may_resume if point.then == "resume" else seen.may_undo
    if not offered:
        assert told.refused, "it was not offered, and was done"
        assert told.server_after == told.server
        return
    if point.then == "undo" and not told.server["steps"][0]:
        assert "nothing to do" in told.refused, "its first step was in doubt, and had never taken effect"
        return
    assert told.refused == ""
    assert told.ending is Ending.SUCCEEDED, told.after
    assert told.after is not None and not told.after.operation.irregular
    assert len(set(told.accepted)) == len(told.accepted) or point.then == "undo", f"something was done twice: {told.accepted}"
    if point.then == "resume":
        assert told.after.state is State.SUCCEEDED
        assert all(told.server_after["steps"])
    else:
        assert told.after.state is State.UNDONE
        assert told.server_after["steps"][0] is False, "the node takes pods again, the size is what it was"
