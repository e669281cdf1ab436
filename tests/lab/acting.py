"""The service of guarded actions as a test of the lab holds it: made by the product's own assembly over a configuration that
the test writes, with its state in the test's own folder.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from console.acting.arming import armed
from console.actions.audit.entry import Entry, OperationEntry
from console.actions.audit.operation import Actor, Ending, Operation
from console.actions.audit.reading import chains, read_chain
from console.actions.audit.record import Record
from console.actions.plan import Plan
from console.actions.service import ActionService
from console.actions.target import Target
from console.assembly import Engine
from console.config.load import load
from console.feeds.clock import SystemClock

ANNA = Actor(name="anna", id="1001")

# A lab has neither streams nor gauges, so the guards ask for the highest tier of nearly everything; nobody else is here to
# agree, and a test begins more operations than a person does in an hour.
POLICY = """
high = { approvals = 0, reason = false }
medium = { approvals = 0, reason = false }

[roles.lab]
people = ["*"]
may = ["*"]

[limits]
per_person_per_hour = 1000
per_target_per_hour = 1000
floor_ratio = 0.0
"""


class Acting:
    """One process with one person. `ending` and `operation` of what was done last are what the journal says."""

    def __init__(self, service: ActionService, engine: Engine, person: Actor, home: Path) -> None:
        self.service = service
        self.engine = engine
        self.person = person
        self.home = home

    async def plan(self, action: str, target: str, **given: object) -> Plan:
        settings = {name.replace("_", "-"): str(value) for name, value in given.items()}
        return await self.service.plan(self.person, action, Target.parse(target), settings)

    async def confirmed(self, action: str, target: str, **given: object) -> Plan:
        """Planned without a refusal, and confirmed by what the plan wants typed."""
        plan = await self.plan(action, target, **given)
        assert not plan.refusals, refused(plan)
        await self.service.confirm(self.person, plan.op, plan.hash, plan.to_type)
        return plan

    async def run(self, plan: Plan) -> Ending | None:
        return await self.service.run(self.person, plan.op, plan.hash)

    async def done(self, action: str, target: str, **given: object) -> Operation:
        """All of it, to a success."""
        plan = await self.confirmed(action, target, **given)
        ending = await self.run(plan)
        assert ending is Ending.SUCCEEDED, self.operation(plan)
        return self.operation(plan)

    async def undone(self, op: str) -> Operation:
        """Taken back, to a success."""
        plan = await self.service.plan_undo(self.person, op)
        assert not plan.refusals, refused(plan)
        await self.service.confirm(self.person, plan.op, plan.hash, plan.to_type)
        ending = await self.run(plan)
        assert ending is Ending.SUCCEEDED, self.operation(plan)
        return self.operation(plan)

    def operation(self, plan: Plan) -> Operation:
        """As the records have it."""
        known = self.service.book.get(plan.op)
        assert known is not None
        return known.operation

    def records(self, op: str) -> list[Entry]:
        """What the journal on the disk holds of an operation, in its order."""
        found: list[Entry] = []

        def take(record: Record) -> None:
            if isinstance(record.entry, OperationEntry) and record.entry.op == op:
                found.append(record.entry)

        for chain in chains(self.home / "state/midwatch/audit"):
            read_chain(chain, take)
        return found


def refused(plan: Plan) -> dict[str, str]:
    """Guard -> why."""
    return {verdict.guard: verdict.reason for verdict in plan.refusals}


@asynccontextmanager
async def acting(home: Path, site: str, person: Actor = ANNA, *, impersonates: bool = False) -> AsyncIterator[Acting]:
    """`site`: the tables of [sites.lab]. The configuration, the policy and the state are under `home`."""
    home.mkdir(exist_ok=True)
    policy, config = home / "policy.toml", home / "config.toml"
    policy.write_text(POLICY)
    config.write_text(f'default_site = "lab"\npolicy_file = "{policy}"\n\n[sites.lab]\nguard = "none"\n\n{site}')
    environ: Mapping[str, str] = {"HOME": str(home), "XDG_STATE_HOME": str(home / "state")}
    read = load(config, environ)
    engine = Engine.open(read, "lab", SystemClock(), environ)
    service = armed(engine, read, environ, person, impersonates=impersonates)
    try:
        yield Acting(service, engine, person, home)
    finally:
        await service.close()
        await engine.close()
