"""A small outside system and the one action on it, for tests of the pipeline: things with a value and a generation, behind a
wire on which everything can go wrong.

It knows what really happened, which is what the operations' states are held against.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from console.actions.action import About, Draft, NoPlan, Order
from console.actions.audit.journal import Journal
from console.actions.audit.kinds import Found
from console.actions.audit.operation import Actor, Operation, Outcome, PlannedStep, Tier
from console.actions.book import Book
from console.actions.locks import Locks
from console.actions.parameters import Parameter, Type
from console.actions.plan import Change, Inverse, PlanStep, Proof
from console.actions.policy.policy import Demands, Limits, Policy, Role
from console.actions.registry import Registry
from console.actions.scene import Scene
from console.actions.service import ActionService
from console.actions.shelf import Shelf
from console.actions.survey import Survey
from console.actions.target import Target, TargetKind
from console.actions.tools import Tools
from console.actions.writes import Answer, Echo, Expect, HttpWrite
from console.model.instant import Instant
from tests.console.actions.audit.sample import Memory
from tests.hand_clock import START

ANNA, BORIS, CARLA = (Actor(name=name, id=str(uid)) for name, uid in (("anna", 1000), ("boris", 1001), ("carla", 1002)))
POLICY = Policy(
    version="v1",
    roles={"all": Role(people=("anna", "boris"), may=("*",), approve=("*",)), "none": Role(people=("carla",), may=())},
    low=Demands(reason=False),
    medium=Demands(reason=True),
    high=Demands(reason=True, approvals=1),
    limits=Limits(per_person_per_hour=10_000, per_target_per_hour=10_000),
)


class LeapClock:
    """Sleeping costs no time of the test: the clock leaps. Both clocks go together."""

    def __init__(self) -> None:
        self.mono = 1000.0
        self.step_s = 0.0  # by which the system's clock was set

    def now(self) -> Instant:
        from datetime import timedelta

        return Instant(utc=START + timedelta(seconds=self.mono - 1000.0 + self.step_s), mono=self.mono)

    async def sleep(self, seconds: float) -> None:
        self.mono += max(0.0, seconds)
        await asyncio.sleep(0)


class Sent(msgspec.Struct, frozen=True):
    """One request on the wire."""

    op: str
    thing: str
    value: int
    applied: bool
    had_intent: bool
    had_begun: bool
    confirmed_hash: bool
    beside: int  # other executors on the same thing at that moment


class Things:
    """The outside system. `faults` says what happens to each request; `ok` when it has no more to say."""

    def __init__(self, clock: LeapClock) -> None:
        self.clock = clock
        self.values: dict[str, int] = {}
        self.generations: dict[str, int] = {}
        self.wire: list[Sent] = []
        self.faults: Iterator[str] = iter(())
        self.looks: Iterator[str] = iter(())
        self.journal: Path | None = None
        self._late: list[tuple[float, str, HttpWrite]] = []
        self.took: list[tuple[str, str, int]] = []  # op, thing, value: what really happened, in its order
        self._in: dict[str, set[str]] = {}
        self._read = 0
        self._seen: list[dict[str, Any]] = []

    def get(self, thing: str) -> tuple[int, int]:
        self._arrive()
        return self.values.setdefault(thing, 0), self.generations.setdefault(thing, 1)

    def _arrive(self) -> None:
        """Requests that were on their way for a while."""
        due = [each for each in self._late if each[0] <= self.clock.mono]
        self._late = [each for each in self._late if each[0] > self.clock.mono]
        for _, operation, write in due:
            self._apply(operation, write)

    def _apply(self, operation: str, write: HttpWrite) -> bool:
        """With its precondition, as a real target checks it at the moment of writing."""
        thing = write.switch
        wanted = json.loads(write.body)
        if self.generations.setdefault(thing, 1) != wanted["generation"]:
            return False
        self.values[thing] = wanted["value"]
        self.generations[thing] += 1
        self.took.append((operation, thing, wanted["value"]))
        return True

    def _records(self) -> list[dict[str, Any]]:
        """What stands on the disk at this moment."""
        assert self.journal is not None
        with self.journal.open("rb") as file:
            file.seek(self._read)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._read += len(whole)
        self._seen += [json.loads(line) for line in whole.splitlines()]
        return self._seen

    async def do(self, write: HttpWrite, operation: str, person: Actor) -> Answer:
        self._arrive()
        records = [record for record in self._records() if record.get("trace.id") == operation]
        kinds = [record["event.action"] for record in records]
        hashes = {record["midwatch.plan_hash"] for record in records if record["event.action"] == "operation.intent"}
        confirmed = {
            record["midwatch.plan_hash"] for record in records if record["event.action"] == "operation.confirmed"
        }
        inside = self._in.setdefault(write.switch, set())
        inside.add(operation)
        fault = next(self.faults, "ok")
        applied = False
        try:
            await asyncio.sleep(0)
            if fault in ("ok", "applied-then-dropped", "garbled"):
                applied = self._apply(operation, write)
            elif fault == "late":
                self._late.append((self.clock.mono + 1.2, operation, write))
            answer = self._answer(fault, applied)
        finally:
            self.wire.append(
                Sent(
                    operation,
                    write.switch,
                    json.loads(write.body)["value"],
                    applied,
                    had_intent="operation.intent" in kinds,
                    had_begun=bool(kinds) and kinds[-1] == "step.begun",
                    confirmed_hash=bool(hashes) and hashes <= confirmed,
                    beside=len(inside - {operation}),
                )
            )
            inside.discard(operation)
        return answer

    @staticmethod
    def _answer(fault: str, applied: bool) -> Answer:
        if fault == "ok":
            if applied:
                return Answer(outcome=Outcome.SUCCESS, status=200, text="ok")
            return Answer(outcome=Outcome.FAILURE, status=412, text="precondition failed", is_drift=True)
        if fault == "refused":
            return Answer(outcome=Outcome.FAILURE, status=403, text="forbidden")
        if fault == "busy":
            return Answer(outcome=Outcome.FAILURE, status=429, text="not now", is_busy=True)
        if fault == "unsent":
            return Answer(outcome=Outcome.FAILURE, text="nothing was sent: connection refused")
        return Answer(outcome=Outcome.UNKNOWN, status=502 if fault == "garbled" else None, text=fault)

    async def read_back(self, write: HttpWrite) -> Echo:
        self._arrive()
        await asyncio.sleep(0)
        if next(self.looks, "ok") != "ok":
            return Echo(found=Found.UNCLEAR, text="cannot be reached")
        wanted = json.loads(write.body)
        generation = self.generations.get(write.switch, 1)
        if self.values.get(write.switch) == wanted["value"] and generation == wanted["generation"] + 1:
            return Echo(found=Found.APPLIED, text="it holds what was written", generation=generation)
        if generation == wanted["generation"]:
            return Echo(found=Found.ABSENT, text="it is as it was", generation=generation)
        return Echo(found=Found.UNCLEAR, text="it is neither as it was nor as written")

    async def close(self) -> None:
        """Nothing is open."""


class SetThing:
    """`thing.set`: values, one after the other, each guarded by the generation that the one before leaves."""

    def __init__(self, things: Things, name: str = "thing.set", tier: Tier = Tier.MEDIUM) -> None:
        self._things = things
        self.about = About(
            name=name,
            title="set a thing",
            about="sets it",
            kind=TargetKind.SILENCE,
            parameters=(
                Parameter(name="value", type=Type.INTEGER, about="what to"),
                Parameter(name="steps", type=Type.INTEGER, about="in how many steps", default=1, least=1, most=9),
            ),
            tier=tier,
        )

    async def draft(self, order: Order) -> Draft:
        thing = order.target.name
        if thing == "gone":
            raise NoPlan("silence gone is not there")
        old, generation = self._things.get(thing)
        value, steps = int(order.parameters["value"]), int(order.parameters["steps"])
        made = []
        for index in range(steps):
            wanted = value - (steps - 1 - index)
            made.append(
                PlanStep(
                    told=PlannedStep(
                        what="set", target=order.target.text, field="value", old=old, new=wanted, undo="thing.set"
                    ),
                    write=HttpWrite(
                        switch=thing,
                        method="PUT",
                        url="memory:",
                        verify_url="memory:",
                        if_match=str(generation + index),
                        body=json.dumps({"value": wanted, "generation": generation + index}),
                        after=(Expect("/value", wanted),),
                    ),
                    patience_s=20.0,
                )
            )
        return Draft(
            what=f"set {thing} to {value}",
            survey=Survey(generation=generation, uid=thing, read_at=order.at),
            changes=(Change("value", old, value),),
            steps=tuple(made),
            proof=Proof(kind="recorded", window_s=1.0, text="set"),
            undo=Inverse(action=self.about.name, parameters=(("value", str(old)),), text=f"set it to {old} again"),
        )

    def inverse(self, operation: Operation) -> Inverse | None:
        old = operation.steps[0].plan.old if operation.steps else None
        return Inverse(action=self.about.name, parameters=(("value", str(old)),)) if isinstance(old, int) else None


class Blind:
    """A witness of a site without feeds."""

    def __init__(self, clock: LeapClock) -> None:
        self._clock = clock

    async def __aenter__(self) -> Blind:
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Nothing to leave."""

    async def ready(self) -> None:
        """At once."""

    def look(self) -> Scene:
        return Scene(now=self._clock.now())


class Shop:
    """A service over `Things` in one state directory."""

    def __init__(self, place: Path, clock: LeapClock, things: Things, policy: Callable[[], Policy] | None = None) -> None:
        self.place, self.clock, self.things = place, clock, things
        self.policy = policy or (lambda: POLICY)
        self.journal: Journal | None = None
        self.disk: Any = Memory()
        self.service = self._service()

    def _service(self) -> ActionService:
        async def policies() -> Policy:
            return self.policy()

        async def journal() -> Journal:
            self.journal = await Journal.open(self.place / "audit", self.clock, ANNA, disk=self.disk)
            if self.things.journal is not None:
                self.things._records()  # what the process before wrote last
            self.things.journal = self.journal.path
            self.things._read = 0  # of the new chain; what stood in the ones before still counts
            return self.journal

        tools = Tools(
            registry=Registry(
                (SetThing(self.things), SetThing(self.things, "thing.force", Tier.HIGH), SetThing(self.things, "thing.touch", Tier.LOW))
            ),
            hands={HttpWrite: self.things},
            policies=policies,
            journal=journal,
            book=Book(self.place / "audit", self.clock),
            locks=Locks(self.place / "locks"),
            shelf=Shelf(self.place / "plans"),
            witness=Blind(self.clock),
            clock=self.clock,
            lease=lambda *_: None,
        )
        return ActionService(tools, "test", is_prod=False, alone=False)


def switch(name: str) -> Target:
    return Target(TargetKind.SILENCE, (name,))
