"""What people, other processes and disks do to an operation between its plan and its end.

Over a small outside system in memory (`thing.py`), whose clock leaps; where several processes matter, over several services
on one state directory, which share nothing but the disk; where ctrl+c matters, over the command itself.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.actions.audit.chain import Identity
from console.actions.audit.history import history
from console.actions.audit.journal import Journal
from console.actions.audit.operation import Actor, Ending, State, StepState
from console.actions.locks import TargetHeld
from console.actions.plan import Plan
from console.actions.policy.policy import Freeze, Limits, Policy, PolicyError, Role
from console.actions.refusal import Denied, Unable
from tests.console.actions.cluster import Cluster, configured, environment
from tests.console.actions.proxy import Proxy
from tests.console.actions.thing import ANNA, BORIS, POLICY, Blind, LeapClock, Shop, Things, switch
from tests.console.embedded import embedded

ROOT = Path(__file__).parents[3]


class Day:
    """One service at work; `policy` may be changed at any moment, or be an error."""

    born = 0

    def __init__(self, place: Path, things: Things | None = None, clock: LeapClock | None = None) -> None:
        self.clock = clock or LeapClock()
        self.things = things or Things(self.clock)
        self.policy: Policy | PolicyError = POLICY
        self.shop = Shop(place, self.clock, self.things, self._policy)
        self.service = self.shop.service
        Day.born += 1
        self._identity = msgspec.structs.replace(Identity.here(), pid=10_000_000 + Day.born)  # as a process of its own
        self.change(journal=self._journal)

    async def _journal(self) -> Journal:
        audit = self.shop.place / "audit"
        journal = await Journal.open(audit, self.clock, ANNA, disk=self.shop.disk, identity=self._identity)
        self.things.journal = journal.path
        self.things._read, self.things._seen = 0, []
        return journal

    def _policy(self) -> Policy:
        if isinstance(self.policy, PolicyError):
            raise self.policy
        return self.policy

    def change(self, **tools: Any) -> None:
        self.service._tools = msgspec.structs.replace(self.service._tools, **tools)

    async def confirmed(self, action: str = "thing.set", thing: str = "a", **given: str) -> Plan:
        plan = await self.service.plan(ANNA, action, switch(thing), {"value": "5", **given})
        await self.service.confirm(ANNA, plan.op, plan.hash, plan.to_type, "because")
        return plan

    async def run(self, plan: Plan, person: Actor = ANNA) -> Ending | None:
        return await self.service.run(person, plan.op, plan.hash)

    async def stopped(self, thing: str = "a") -> Plan:
        """One of three steps, after whose first it was stopped."""
        plan = await self.confirmed(thing=thing, steps="3")
        gate = _Gate(self.things)
        self.change(hands={type(plan.steps[0].write): gate})
        running = asyncio.create_task(self.run(plan))
        await gate.reached.wait()
        await self.service.stop(ANNA, plan.op)
        gate.opened.set()
        assert await running is None
        assert self.state(plan) is State.STOPPED
        return plan

    def state(self, plan: Plan) -> State:
        known = self.service.book.get(plan.op)
        assert known is not None
        return known.state


@asynccontextmanager
async def day(place: Path, things: Things | None = None, clock: LeapClock | None = None) -> AsyncIterator[Day]:
    made = Day(place, things, clock)
    try:
        yield made
    finally:
        await made.service.close()


# --- between the confirmation and the execution ------------------------------------------------------------------------

NEVER = Role(people=("anna",), may=("*",), never=("thing.*",))


def _freeze(**fields: Any) -> Policy:
    return msgspec.structs.replace(POLICY, version="v2", freezes=(Freeze(name="cup final", **fields),))


def _break(day: Day) -> None:
    day.policy = PolicyError("policy.toml line 3: roles: no such key")


def _change(day: Day) -> None:
    day.policy = msgspec.structs.replace(POLICY, version="v2")


def _revoke(day: Day) -> None:
    roles = {"all": Role(people=("boris",), may=("*",), approve=("*",))}
    day.policy = msgspec.structs.replace(POLICY, roles=roles)


def _forbid(day: Day) -> None:
    day.policy = msgspec.structs.replace(POLICY, roles={**POLICY.roles, "not": NEVER})


def _freeze_now(day: Day) -> None:
    now = day.clock.now().utc
    day.policy = _freeze(begin=now - timedelta(minutes=1), until=now + timedelta(hours=1))


def _wait(seconds: float) -> Callable[[Day], None]:
    def wait(day: Day) -> None:
        day.clock.mono += seconds

    return wait


def _set_clock(seconds: float) -> Callable[[Day], None]:
    def step(day: Day) -> None:
        day.clock.step_s += seconds

    return step


def _somebody_else(day: Day) -> None:
    day.things.values["a"] = 77
    day.things.generations["a"] += 1


@pytest.mark.parametrize(
    ("happens", "guard"),
    [
        pytest.param(_break, "policy", id="the policy cannot be read"),
        pytest.param(_change, "recheck", id="the policy has changed"),
        pytest.param(_revoke, "roles", id="the role is taken away"),
        pytest.param(_forbid, "roles", id="the action is denied"),
        pytest.param(_freeze_now, "freeze", id="a freeze begins"),
        pytest.param(_wait(601.0), "expiry", id="a second after the time for it"),
        pytest.param(_set_clock(601.0), "expiry", id="a second after by the wall clock alone"),
        pytest.param(_somebody_else, "recheck", id="somebody else changes the target"),
    ],
)
async def test_what_changes_between_confirmation_and_execution_refuses_it(
    tmp_path: Path, happens: Callable[[Day], None], guard: str
) -> None:
    async with day(tmp_path) as today:
        plan = await today.confirmed()
        happens(today)
        with pytest.raises(Denied) as denied:
            await today.run(plan)
        assert denied.value.guard == guard or (guard == "expiry" and "is expired" in denied.value.why)
        assert today.things.wire == []
        assert today.state(plan) not in (State.RUNNING, State.INTERRUPTED, State.SUCCEEDED)


async def test_a_freeze_that_begins_by_the_hour_refuses_what_was_planned_before(tmp_path: Path) -> None:
    """The policy is the same, and time alone brings it about."""
    async with day(tmp_path) as today:
        now = today.clock.now().utc
        today.policy = _freeze(begin=now + timedelta(minutes=2), until=now + timedelta(hours=2))
        plan = await today.confirmed()
        today.clock.mono += 121
        with pytest.raises(Denied) as denied:
            await today.run(plan)
        assert denied.value.guard == "freeze"
        assert today.things.wire == []


@pytest.mark.parametrize("seconds", [1.0, 61.0, 250.0, 599.0])
async def test_within_its_time_a_confirmed_plan_runs_however_old(tmp_path: Path, seconds: float) -> None:
    async with day(tmp_path) as today:
        plan = await today.confirmed()
        today.clock.mono += seconds
        assert await today.run(plan) is Ending.SUCCEEDED


@pytest.mark.parametrize("by", ["both clocks", "the monotonic clock alone", "the wall clock alone"])
@pytest.mark.parametrize(("late_s", "passes"), [(-1.0, True), (1.0, False)])
async def test_an_approval_one_second_late_is_none(tmp_path: Path, by: str, late_s: float, passes: bool) -> None:
    async with day(tmp_path) as today:
        plan = await today.confirmed("thing.force")
        assert plan.approvals_needed == 1
        seconds = Limits().approval_s + late_s
        if by != "the wall clock alone":
            today.clock.mono += seconds
        if by == "the wall clock alone":
            today.clock.step_s += seconds
        elif by == "the monotonic clock alone":
            today.clock.step_s -= seconds
        if passes:
            await today.service.approve(BORIS, plan.op, plan.hash)
            assert await today.run(plan) is Ending.SUCCEEDED
            return
        with pytest.raises(Denied) as denied:
            await today.service.approve(BORIS, plan.op, plan.hash)
        assert denied.value.guard == "expiry" or "is expired" in denied.value.why
        with pytest.raises(Denied):
            await today.run(plan)
        assert today.things.wire == []


async def test_a_plan_is_good_for_one_execution(tmp_path: Path) -> None:
    async with day(tmp_path) as today:
        plan = await today.confirmed()
        assert await today.run(plan) is Ending.SUCCEEDED
        for again in (lambda: today.run(plan), lambda: today.service.confirm(ANNA, plan.op, plan.hash, plan.to_type, "because")):
            with pytest.raises(Denied):
                await again()
        assert len(today.things.wire) == 1


# --- the stored plan -------------------------------------------------------------------------------------------------


def _edited(path: Path, plan: Plan) -> None:
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(plan, what="set it to 6")))


def _cut(path: Path, _: Plan) -> None:
    path.write_bytes(path.read_bytes()[:100])


def _grown(path: Path, _: Plan) -> None:
    path.write_bytes(b"[" * 5_000_000)


def _gone(path: Path, _: Plan) -> None:
    path.unlink()


@pytest.mark.parametrize("spoil", [_edited, _cut, _grown, _gone])
async def test_a_stored_plan_that_is_not_the_one_of_the_journal_is_not_run(
    tmp_path: Path, spoil: Callable[[Path, Plan], None]
) -> None:
    async with day(tmp_path) as before:
        plan = await before.service.plan(ANNA, "thing.set", switch("a"), {"value": "5"})
        stopped = await before.stopped("b")
    for each in (plan, stopped):
        spoil(tmp_path / "plans" / f"{each.op}.json", each)
    async with day(tmp_path, before.things, before.clock) as today:
        await today.service.book.read()
        with pytest.raises((Unable, Denied)):
            loaded = await today.service.load(ANNA, plan.hash)
            raise AssertionError(f"{loaded} was believed")
        sent = len(today.things.wire)
        with pytest.raises(Unable):
            await today.service.resume(ANNA, stopped.op)
        assert len(today.things.wire) == sent


async def test_an_edited_plan_is_found_by_neither_hash(tmp_path: Path) -> None:
    async with day(tmp_path) as today:
        plan = await today.service.plan(ANNA, "thing.set", switch("a"), {"value": "5"})
        path = tmp_path / "plans" / f"{plan.op}.json"
        other = msgspec.structs.replace(plan, what="set it to 6")
        path.write_bytes(msgspec.json.encode(other))
        with pytest.raises(Unable):
            await today.service.load(ANNA, plan.hash)
        with pytest.raises(Denied) as denied:
            await today.service.load(ANNA, other.hash)
        assert denied.value.guard == "audit"


# --- several processes ---------------------------------------------------------------------------------------------------


async def test_two_processes_on_one_target_are_not_both_let_in(tmp_path: Path) -> None:
    """The second service stands for another process of this host: it shares the disk with the first, and nothing else."""
    async with day(tmp_path) as one, day(tmp_path, one.things, one.clock) as two:
        first, second = await one.confirmed(steps="2"), await two.confirmed(value="9")
        gate = _Gate(one.things)
        one.change(hands={type(first.steps[0].write): gate})
        running = asyncio.create_task(one.run(first))
        await gate.reached.wait()
        with pytest.raises(Denied) as denied:
            await two.run(second)
        assert denied.value.guard == "lock" and "another process" in denied.value.why
        assert {sent.op for sent in one.things.wire} <= {first.op}
        gate.opened.set()
        assert await running is Ending.SUCCEEDED


class _Gate:
    """A hand that waits before it sends."""

    def __init__(self, things: Things) -> None:
        self._things = things
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def do(self, write: Any, operation: str, person: Any) -> Any:
        self.reached.set()
        await self.opened.wait()
        return await self._things.do(write, operation, person)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._things, name)


async def test_a_plan_that_another_process_has_executed_is_not_executed_again(tmp_path: Path) -> None:
    """Both have loaded and confirmed it; what the second knows is old by the time that it has the lock."""
    async with day(tmp_path) as one, day(tmp_path, one.things, one.clock) as two:
        plan = await one.confirmed()
        await two.service.book.read()
        await two.service.load(ANNA, plan.hash)
        two.service._moments[plan.op] = dict(one.service._moments[plan.op])
        assert two.state(plan) is State.CONFIRMED
        assert await one.run(plan) is Ending.SUCCEEDED
        with pytest.raises(Denied) as denied:
            await two.run(plan)
        assert denied.value.guard == "state"
        assert len(one.things.wire) == 1


async def test_what_one_process_stopped_and_another_carried_on_is_over_for_both(tmp_path: Path) -> None:
    async with day(tmp_path) as one, day(tmp_path, one.things, one.clock) as two:
        plan = await one.stopped()
        assert await two.service.resume(BORIS, plan.op) is Ending.SUCCEEDED
        sent = len(one.things.wire)
        for again in (one.service.resume(ANNA, plan.op), one.service.abandon(ANNA, plan.op, "leave it")):
            with pytest.raises(Denied):
                await again
        assert one.state(plan) is State.SUCCEEDED
        assert len(one.things.wire) == sent


class _Lease:
    """The lock between hosts, as the executor knows it."""

    def __init__(self, held_by: str = "") -> None:
        self._held_by = held_by
        self.lost = ""

    async def __aenter__(self) -> _Lease:
        if self._held_by:
            raise TargetHeld(f"it is held by {self._held_by}")
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Nothing."""


async def test_a_target_held_by_another_host_is_closed_as_failed_and_nothing_is_sent(tmp_path: Path) -> None:
    async with day(tmp_path) as today:
        plan = await today.confirmed()
        today.change(lease=lambda *_: _Lease("edge-2-4711"))
        assert await today.run(plan) is Ending.FAILED
        assert today.things.wire == []
        known = today.service.book.get(plan.op)
        assert known is not None and "edge-2-4711" in known.operation.ending_reason
        assert "nothing was sent" in known.operation.ending_reason


async def test_an_operation_that_cannot_be_carried_on_yet_stays_to_be_carried_on(tmp_path: Path) -> None:
    """Another host holds the lock: closing it as failed would say that nothing of it was done."""
    async with day(tmp_path) as today:
        plan = await today.stopped()
        today.change(lease=lambda *_: _Lease("edge-2-4711"))
        with pytest.raises(Denied) as denied:
            await today.service.resume(ANNA, plan.op)
        assert denied.value.guard == "lock"
        assert today.state(plan) is State.STOPPED
        today.change(lease=lambda *_: None)
        assert await today.service.resume(ANNA, plan.op) is Ending.SUCCEEDED
        assert [sent.value for sent in today.things.wire] == [3, 4, 5]


async def test_a_lock_between_hosts_that_is_lost_stops_it_and_it_can_be_carried_on(tmp_path: Path) -> None:
    async with day(tmp_path) as today:
        plan = await today.confirmed(steps="3")
        lease = _Lease()
        today.change(lease=lambda *_: lease)
        gate = _Gate(today.things)
        today.change(hands={type(plan.steps[0].write): gate})
        running = asyncio.create_task(today.run(plan))
        await gate.reached.wait()
        lease.lost = "it is held by edge-2 now"
        gate.opened.set()
        assert await running is None
        assert [sent.value for sent in today.things.wire] == [3]
        today.change(lease=lambda *_: None)
        assert await today.service.resume(ANNA, plan.op) is Ending.SUCCEEDED


# --- disks -----------------------------------------------------------------------------------------------------------------


class BadDisk:
    """Good for `good` records; then every call fails."""

    def __init__(self, good: int, number: int, at_sync: bool) -> None:
        self._left = good
        self._number = number
        self._at_sync = at_sync

    def write(self, descriptor: int, data: bytes, /) -> int:
        self._left -= 1
        if self._left < 0 and not self._at_sync:
            raise OSError(self._number, os.strerror(self._number))
        return os.write(descriptor, data)

    def sync(self, descriptor: int, /) -> None:
        if self._left < 0:
            raise OSError(self._number, os.strerror(self._number))


RECORDS = ("opened", "planned", "confirmed", "intent", "begun 1", "done 1", "begun 2", "done 2", "verified", "closed")


@pytest.mark.slow
@pytest.mark.parametrize("at_sync", [False, True], ids=["write", "fsync"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS], ids=["ENOSPC", "EIO", "EROFS"])
@pytest.mark.parametrize("good", range(len(RECORDS)), ids=RECORDS)
async def test_a_disk_that_fails_at_any_record_ends_it_there(tmp_path: Path, good: int, number: int, at_sync: bool) -> None:
    """What was sent until then is what the records cover; another process tells it as it is, and can carry it on."""
    async with day(tmp_path) as today:
        today.shop.disk = BadDisk(good, number, at_sync)
        with pytest.raises(Unable) as unable:
            plan = await today.confirmed(steps="2")
            await today.run(plan)
        assert os.strerror(number) in str(unable.value)
        sent = len(today.things.wire)
        assert sent == {5: 1, 6: 1, 7: 2, 8: 2, 9: 2}.get(good, 0)
        assert all(each.had_begun for each in today.things.wire)
        with pytest.raises(Unable):
            await today.service.plan(ANNA, "thing.set", switch("b"), {"value": "1"})
        assert today.service.book.failure
        known = today.service.book.known()
        assert not known or known[0].state in (State.PLANNED, State.CONFIRMED, State.INTERRUPTED)
        assert len(today.things.wire) == sent
    async with day(tmp_path, today.things, today.clock) as after:
        await after.service.book.read()
        found = [each for each in after.service.book.known() if each.operation.intent_at is not None]
        if not found:
            assert sent == 0
            return
        operation = found[0].operation
        whole = good >= 9 and at_sync and found[0].state is State.SUCCEEDED  # it did reach the disk, and nobody was told so
        assert found[0].state is State.INTERRUPTED or whole
        for step, value in zip(operation.steps, (4, 5), strict=True):
            happened = any(took[2] == value for took in after.things.took)
            assert happened if step.state is StepState.DONE else step.state is StepState.BEGUN or not happened
        if not whole:
            assert await after.service.resume(ANNA, operation.id) is Ending.SUCCEEDED
            assert [took[2] for took in after.things.took] == [4, 5], "each once"


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A state directory of which nothing can be had. The tests may run as root, whom no mode keeps out: a file in its way."""
    place = tmp_path / "state"
    place.write_bytes(b"")
    yield place
    place.unlink()


async def test_without_a_state_directory_nothing_is_done(closed: Path) -> None:
    async with day(closed) as today:
        with pytest.raises(Unable) as unable:
            await today.service.plan(ANNA, "thing.set", switch("a"), {"value": "5"})
        assert "no audit, no action" in str(unable.value)


async def test_a_plan_that_cannot_be_stored_is_none(tmp_path: Path) -> None:
    (tmp_path / "plans").write_bytes(b"")
    async with day(tmp_path) as today:
        with pytest.raises(Unable) as unable:
            await today.service.plan(ANNA, "thing.set", switch("a"), {"value": "5"})
        assert "stored" in str(unable.value)


async def test_without_locks_nothing_is_executed(tmp_path: Path) -> None:
    (tmp_path / "locks").write_bytes(b"")
    async with day(tmp_path) as today:
        plan = await today.confirmed()
        with pytest.raises(Unable):
            await today.run(plan)
        assert today.things.wire == []


async def test_a_chain_that_was_tampered_with_offers_nothing(tmp_path: Path) -> None:
    async with day(tmp_path) as before:
        plan = await before.stopped()
    [path] = (tmp_path / "audit").glob("*.jsonl")
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"because"', b'"becausE"'))
    async with day(tmp_path, before.things, before.clock) as today:
        await today.service.book.read()
        assert "damaged" in today.service.book.trouble
        with pytest.raises(Denied):
            await today.service.resume(ANNA, plan.op)
        assert len(today.things.wire) == 1


# --- stops ---------------------------------------------------------------------------------------------------------------


async def test_a_stop_while_waiting_for_a_busy_server_comes_at_once(tmp_path: Path) -> None:
    async with day(tmp_path) as today:
        plan = await today.confirmed(steps="2")
        today.things.faults = iter(("ok", "busy"))
        waiting = asyncio.Event()

        class Slow(LeapClock):
            """Nobody but the stop ends this wait."""

            async def sleep(self, seconds: float) -> None:
                waiting.set()
                await asyncio.Event().wait()

        clock = Slow()
        clock.mono = today.clock.mono
        today.change(clock=clock, witness=Blind(clock))
        running = asyncio.create_task(today.run(plan))
        await waiting.wait()
        await today.service.stop(BORIS, plan.op)
        async with asyncio.timeout(5):
            assert await running is None
        assert today.state(plan) is State.STOPPED
        assert [(sent.value, sent.applied) for sent in today.things.wire] == [(4, True), (5, False)]


async def test_an_executor_that_fails_leaves_no_operation_that_seems_to_run(tmp_path: Path) -> None:
    """A fault of our own in mid-operation: nothing runs any more, and nobody may be told that something does."""
    async with day(tmp_path) as today:
        plan = await today.confirmed()
        today.change(hands={})
        with pytest.raises(KeyError):
            await today.run(plan)
        assert today.state(plan) is State.INTERRUPTED
        today.change(hands={type(plan.steps[0].write): today.things})
        assert await today.service.resume(ANNA, plan.op) is Ending.SUCCEEDED


# --- the command -----------------------------------------------------------------------------------------------------------

Told = dict[str, Any]


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Told]]:
    """`midwatch act run node.drain` with ctrl+c: once, twice; and one that finds the target held."""
    place = tmp_path_factory.mktemp("command")

    async def everything() -> dict[str, Told]:
        async with Cluster(place) as cluster:
            await cluster.emptied()
            rows: dict[str, Awaitable[Told]] = {
                "once": _drained(cluster, place / "once", "apac-node-01", interrupts=1),
                "twice": _drained(cluster, place / "twice", "apac-node-02", interrupts=2),
            }
            return dict(zip(rows, await asyncio.gather(*rows.values()), strict=True))

    with embedded(place, wire_log=str(place / "wire.log")):
        yield asyncio.run(everything())


async def _drained(cluster: Cluster, place: Path, node: str, interrupts: int) -> Told:
    name = place.name
    for number in range(2):
        await cluster.pod(f"{name}-{number}", node, drain=name)
    await cluster.until(lambda: cluster.are_ready(name, 2))
    audit = place / "state" / "midwatch" / "audit"
    async with Proxy(cluster.url, lambda: audit.glob("*.jsonl")) as proxy:
        configured(place, proxy.url, cluster.token)
        target = f"node:demo-1/{node}"
        plan, _ = await _midwatch(place, "plan", "node.drain", target, "--set", "unmanaged=true")
        digest = _hash(audit)
        # Who waits for a busy server is let go at once; who waits for an answer must first know what came of it.
        spoilt = "429/60*" if interrupts == 1 else "hang*"
        proxy.fault(lambda asked: asked.is_write and asked.path.endswith("/eviction"), spoilt)
        child = await _started(place, "run", "node.drain", target, "--set", "unmanaged=true", "--plan", digest, "--confirm", f"demo-1/{node}", "--reason", "because")

        async def is_waiting() -> bool:
            return any(write.status is None and write.path.endswith("/eviction") for write in proxy.writes) or child.returncode is not None

        await cluster.until(is_waiting)
        second: Told = {}
        if interrupts == 1:
            second = await _beside(place, target, node)
        child.send_signal(signal.SIGINT)
        if interrupts > 1:
            await asyncio.sleep(0.2)  # two signals at once are one
            child.send_signal(signal.SIGINT)
        out, _ = await child.communicate()
        told: Told = {"plan": plan, "code": child.returncode, "said": out.decode(), "second": second}
        _, told["audit"] = await _midwatch(place, "", "audit", "show", "--target", target)
        begun = [each for each in history(audit).operations(_now()) if each.operation.intent_at is not None]
        told["state"] = [each.state for each in begun]
        told["left"] = await cluster.pods_of(name)
        told["cordoned"] = bool((await cluster.node(node))["spec"].get("unschedulable"))
        proxy.faults.clear()
        told["resumed"] = await _midwatch(place, "resume", begun[0].operation.id)
        told["left after"] = await cluster.pods_of(name)
    return told


async def _beside(place: Path, target: str, node: str) -> Told:
    """Another process of this host wants the same target."""
    code, said = await _midwatch(
        place, "run", "node.cordon", target, "--confirm", node, "--reason", "because"
    )
    return {"code": code, "said": said}


def _hash(audit: Path) -> str:
    return next(each.operation.plan_hash for each in history(audit).operations(_now()) if each.operation.plan_hash)


def _now() -> datetime:
    return datetime.now(UTC)


async def _started(place: Path, verb: str, *words: str) -> asyncio.subprocess.Process:
    act = ("--write", "act", verb) if verb else ()
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "console", *act, *words,
        env={**environment(place), "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip


async def _midwatch(place: Path, verb: str, *words: str) -> tuple[int | None, str]:
    child = await _started(place, verb, *words)
    said, _ = await child.communicate()
    return child.returncode, said.decode()


@pytest.mark.slow
def test_the_first_interrupt_stops_between_two_steps(interrupted: dict[str, Told]) -> None:
    told = interrupted["once"]
    assert told["plan"] == 0
    assert told["code"] == 5, told["said"]
    assert "stopped: 1 of 3 steps done" in told["said"]
    assert told["left"] == ["once-0", "once-1"]
    assert told["cordoned"]
    assert told["state"] == [State.INTERRUPTED], "it was stopped, and its process is gone"


@pytest.mark.slow
def test_the_second_interrupt_leaves_it_and_the_audit_tells(interrupted: dict[str, Told]) -> None:
    told = interrupted["twice"]
    assert told["code"] == 130, told["said"]
    assert told["state"] == [State.INTERRUPTED]
    assert "interrupted" in told["audit"]
    assert told["left"] == ["twice-0", "twice-1"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["once", "twice"])
def test_what_was_interrupted_is_carried_on_by_the_command(interrupted: dict[str, Told], name: str) -> None:
    told = interrupted[name]
    code, said = told["resumed"]
    assert code == 0, said
    assert told["left after"] == []


@pytest.mark.slow
def test_a_second_process_on_the_same_target_ends_with_6(interrupted: dict[str, Told]) -> None:
    second = interrupted["once"]["second"]
    assert second["code"] == 6, second["said"]
    assert "refused" in second["said"]
