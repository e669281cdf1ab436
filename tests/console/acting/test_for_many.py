"""One process writes for many people: whom each request to a cluster is done as, who must have said yes to it, and what is
refused. Two licences of the assembled service, the platform's API server behind it, its wire log as the witness.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from console.acting.arming import armed
from console.actions.audit.operation import Actor, Ending, State
from console.actions.licence import Licence
from console.actions.plan import Plan
from console.actions.refusal import Denied
from console.actions.service import ActionService
from console.actions.target import Target
from console.actions.targets.kubernetes.hands import KubeHands
from console.actions.writes import Answer
from console.assembly import Engine
from console.config.load import load
from tests.console.actions.cluster import NAMESPACE, Cluster, FastClock, configured, environment
from tests.console.embedded import embedded

pytestmark = pytest.mark.timeout(120)

SERVER = Actor(name="midwatch", id="990")
ADA, GRACE = Actor(name="ada", id="SHA256:ada"), Actor(name="grace", id="SHA256:grace")
ADA_BY_ANOTHER_KEY = Actor(name="ada", id="SHA256:other")
ADA_BY_ANOTHER_NAME = Actor(name="ada.l", id="SHA256:ada")
BERT = Actor(name="bert", id="SHA256:bert")  # a role here, and none that the cluster knows
MALLORY = Actor(name="mallory", id="SHA256:mallory")  # known to the cluster by the role alone
POLICY = """
low = { reason = false }
medium = { reason = false }
high = { approvals = 1, reason = true }
tiers = { "deployment.*" = "high" }

[roles.operator]
people = ["ada", "grace", "mallory", "ada.l", "system:admin"]
may = ["deployment.*", "node.*"]
approve = ["deployment.*"]

[roles.helper]
people = ["bert", "ada"]
may = ["deployment.*"]

[roles.last]
people = ["mallory"]

[roles.blind]
people = ["carl"]
may = ["deployment.*"]
read = { namespaces = ["vod"] }

[limits]
per_person_per_hour = 100000
per_target_per_hour = 100000
floor_ratio = 0.0
"""


CLOCK = FastClock()  # one, as processes of one boot have: it says what came first
WORKLOADS = ("pair", "roles", "names", "narrow", "again", "hidden", "stored", "left", "denied", "say")  # one a test


class House:
    """One process and who is in it."""

    def __init__(self, service: ActionService, cluster: Cluster, policy: Path) -> None:
        self.service, self.cluster, self.policy = service, cluster, policy

    def of(self, person: Actor) -> Licence:
        return self.service.licence(person)

    async def plan(self, person: Actor, name: str, action: str = "deployment.pause", **given: str) -> Plan:
        return await self.of(person).plan(action, target(name), given)

    async def confirmed(self, person: Actor, name: str, action: str = "deployment.pause") -> Plan:
        plan = await self.plan(person, name, action)
        assert not plan.refusals, plan.refusals
        await self.of(person).confirm(plan, plan.to_type, "because")
        return plan

    def state(self, plan: Plan) -> State:
        known = self.service.book.get(plan.op)
        assert known is not None
        return known.state

    def sent(self, op: str = "") -> list[dict[str, Any]]:
        """Requests that would change something, for this operation: rehearsals and locks too."""
        lines = (self.cluster.folder / "wire.log").read_bytes().split(b"\n")[:-1]
        asked = [json.loads(line) for line in lines if b'"write":true' in line.replace(b" ", b"")]
        return [each for each in asked if f"midwatch ({op}" in each.get("agent", "")]


def target(name: str) -> Target:
    return Target.parse(f"kube:demo-1/{NAMESPACE}/deployment/{name}")


def guards(plan: Plan) -> dict[str, str]:
    return {each.guard: each.reason for each in plan.refusals}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("platform")
    with embedded(place, scenario="calm", wire_log=place / "wire.log"):
        yield place


@asynccontextmanager
async def housed(
    place: Path, platform: Path, *names: str, token: str = "", impersonates: bool = True
) -> AsyncIterator[House]:
    async with Cluster(platform) as cluster:
        if not await cluster.deployed(WORKLOADS[0]):
            for name in WORKLOADS:
                await cluster.deployment(name)
        place.mkdir(parents=True, exist_ok=True)
        policy = place / "policy.toml"
        if not policy.exists():
            policy.write_text(POLICY)
        environ = environment(place)
        config = load(configured(place, cluster.url, Path(token) if token else cluster.token), environ)
        engine = Engine.open(config, None, CLOCK, environ)
        service = armed(engine, config, environ, SERVER, alone=False, impersonates=impersonates)
        try:
            async with service._tools.witness as witness:

                async def is_seen() -> bool:
                    reading = witness.look().workloads
                    value = reading.value if reading is not None else None
                    return value is not None and await cluster.is_available(*names)

                await cluster.until(is_seen)
                yield House(service, cluster, policy)
        finally:
            await service.close()
            await engine.close()


# --- from one to the other ---------------------------------------------------------------------------------------------


async def test_what_one_plans_another_approves_and_the_server_does_as_who_asked(platform: Path, tmp_path: Path) -> None:
    async with housed(tmp_path, platform, "pair") as house:
        plan = await house.confirmed(ADA, "pair")
        assert plan.approvals_needed == 1 and house.state(plan) is State.AWAITING_APPROVAL
        assert not [each for each in house.sent(plan.op) if not each.get("dry_run")], "nothing goes out before the yes"
        with pytest.raises(Denied, match="must be confirmed and approved first"):
            await house.service.run(ADA, plan.op, plan.hash)
        for again in (ADA, ADA_BY_ANOTHER_KEY, ADA_BY_ANOTHER_NAME):
            with pytest.raises(Denied, match="nobody approves their own operation"):
                await house.of(again).approve(plan.op, plan.hash)
        with pytest.raises(Denied, match=r"no role of bert \(helper\) may approve"):
            await house.of(BERT).approve(plan.op, plan.hash)
        with pytest.raises(Denied, match=r"no role of grace \(none\) may approve"):
            await house.of(Actor(name="grace", id="SHA256:narrow", roles=("helper",))).approve(plan.op, plan.hash)
        await house.of(GRACE).approve(plan.op, plan.hash)
        with pytest.raises(Denied, match="planned by ada, who alone can run it"):
            await house.service.run(GRACE, plan.op, plan.hash)
        assert await house.service.run(ADA, plan.op, plan.hash) is Ending.SUCCEEDED
        sent = house.sent(plan.op)
        assert {(each["identity"], each["acts_as"]) for each in sent} == {
            ("system:serviceaccount:platform:midwatch-writer", "ada")
        }
        patches = [each for each in sent if each["method"] == "PATCH" and not each.get("dry_run")]
        assert len(patches) == 1 and any(each.get("dry_run") for each in sent), "rehearsed as ada, and done once"
        undo = await house.of(GRACE).plan_undo(plan.op)
        assert {each["acts_as"] for each in house.sent(undo.op)} == {"grace"}, "who takes it back is asked of the cluster"


async def test_the_cluster_knows_a_person_by_their_roles_and_a_narrow_key_leaves_fewer(platform: Path, tmp_path: Path) -> None:
    async with housed(tmp_path, platform, "roles") as house:
        by_role = await house.plan(MALLORY, "roles")
        assert not by_role.refusals, "group midwatch:operator, the first of two, is bound there; the user mallory is not"
        by_none = await house.plan(BERT, "roles")
        assert guards(by_none)["access"] == "the cluster does not let bert patch deployments.apps"
        narrowed = Actor(name="mallory", id="SHA256:mallory", roles=("helper",))  # which the policy does not give mallory
        with pytest.raises(Denied, match="mallory may not read"):
            await house.plan(narrowed, "roles")
        fewer = await house.plan(Actor(name="ada", id="SHA256:ada", roles=("helper",)), "roles", "deployment.scale", replicas="3")
        assert not fewer.refusals and fewer.requester.roles == ("helper",), "ada herself is bound in the cluster"
        node = (await house.cluster.get("/api/v1/nodes"))["items"][0]["metadata"]["name"]
        refused = await house.of(Actor(name="ada", id="SHA256:ada", roles=("helper",))).plan(
            "node.cordon", Target.parse(f"node:demo-1/{node}"), {}
        )
        assert "no role of ada (helper) allows node.cordon" in guards(refused)["roles"]


async def test_a_name_of_the_clusters_own_is_never_acted_for(platform: Path, tmp_path: Path) -> None:
    async with housed(tmp_path, platform, "names") as house:
        plan = await house.plan(Actor(name="system:admin", id="SHA256:x"), "names")
        assert "no name that a cluster may be asked to act for" in guards(plan)["access"]
        assert "no name that a cluster may be asked to act for" in guards(plan)["dry-run"]
        assert house.sent(plan.op) == []


async def test_an_account_that_may_not_impersonate_changes_nothing_and_says_so(platform: Path, tmp_path: Path) -> None:
    token = str(platform / "platform.toml.kubernetes-narrow.token")
    async with housed(tmp_path, platform, "narrow", token=token) as house:
        plan = await house.plan(ADA, "narrow")
        assert guards(plan)["access"] == (
            "the cluster does not let ada patch deployments.apps: midwatch's own account there may not impersonate user ada"
        )
        with pytest.raises(Denied):
            await house.of(ADA).confirm(plan, plan.to_type, "because")
        assert not [each for each in house.sent(plan.op) if "acts_as" not in each], "nothing in the account's own name"


async def test_rights_are_asked_for_again_right_before_it_is_done(platform: Path, tmp_path: Path) -> None:
    async with housed(tmp_path, platform, "again") as house:
        plan = await house.confirmed(MALLORY, "again")
        await house.of(GRACE).approve(plan.op, plan.hash)
        house.policy.write_text(POLICY.replace('"grace", "mallory"', '"grace"'))
        with pytest.raises(Denied, match=r"no role of mallory \(last\) allows deployment.pause"):
            await house.service.run(MALLORY, plan.op, plan.hash)
        assert house.state(plan) is not State.SUCCEEDED
        assert not [each for each in house.sent(plan.op) if not each.get("dry_run")]


async def test_who_may_not_read_a_namespace_is_told_nothing_of_it_by_a_plan(platform: Path, tmp_path: Path) -> None:
    async with housed(tmp_path, platform, "hidden") as house:
        with pytest.raises(Denied, match="carl may not read what kube:demo-1/live/deployment/hidden names"):
            await house.plan(Actor(name="carl", id="SHA256:carl"), "hidden")
        with pytest.raises(Denied, match="carl may not read what kube:demo-1/live/deployment/no-such names"):
            await house.plan(Actor(name="carl", id="SHA256:carl"), "no-such")


async def test_another_process_takes_up_a_stored_plan_for_the_same_person(platform: Path, tmp_path: Path) -> None:
    async with housed(tmp_path, platform, "stored") as house:
        stored = await house.plan(ADA, "stored")
    async with housed(tmp_path, platform, "stored") as house:
        await house.service.book.read()
        with pytest.raises(Denied, match="was made by ada"):
            await house.service.load(GRACE, stored.hash)
        plan = await house.service.load(ADA, stored.hash)
        await house.of(ADA).confirm(plan, plan.to_type, "because")
        await house.of(GRACE).approve(plan.op, plan.hash)
        assert await house.service.run(ADA, plan.op, plan.hash) is Ending.SUCCEEDED
        assert {each["acts_as"] for each in house.sent(plan.op)} == {"ada"}


async def test_what_one_began_another_resumes_in_their_own_name(
    platform: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with housed(tmp_path, platform, "left") as house:
        plan = await house.confirmed(ADA, "left")
        await house.of(GRACE).approve(plan.op, plan.hash)
        with monkeypatch.context() as dying:

            async def killed(*_: object) -> Answer:
                raise asyncio.CancelledError

            dying.setattr(KubeHands, "do", killed)
            with pytest.raises(asyncio.CancelledError):
                await house.of(ADA).start(plan)
    async with housed(tmp_path, platform, "left") as house:
        await house.service.book.read()
        assert house.state(plan) is State.INTERRUPTED
        with pytest.raises(Denied, match="no role of ada"):
            await house.of(Actor(name="ada", id="SHA256:x", roles=("nothing",))).resume(plan.op)
        assert await house.of(GRACE).resume(plan.op) is Ending.SUCCEEDED
        done = [each for each in house.sent(plan.op) if each["method"] == "PATCH" and not each.get("dry_run")]
        assert [each["acts_as"] for each in done] == ["grace"]


async def test_denied_is_final_needs_a_reason_and_is_told_with_it(platform: Path, tmp_path: Path) -> None:
    async with housed(tmp_path, platform, "denied") as house:
        plan = await house.confirmed(ADA, "denied")
        with pytest.raises(Denied, match="who is told no must be told why"):
            await house.of(GRACE).deny(plan.op, plan.hash)
        await house.of(GRACE).deny(plan.op, plan.hash, "the finals are on")
        known = house.service.book.get(plan.op)
        assert known is not None and known.operation.refusal == "denied by grace: the finals are on"
        with pytest.raises(Denied):
            await house.of(GRACE).approve(plan.op, plan.hash)
        with pytest.raises(Denied):
            await house.service.run(ADA, plan.op, plan.hash)


async def test_another_cannot_take_back_nor_stop_what_they_have_no_say_in(platform: Path, tmp_path: Path) -> None:
    async with housed(tmp_path, platform, "say") as house:
        plan = await house.confirmed(ADA, "say")
        with pytest.raises(Denied, match="ada, who alone can take it back"):
            await house.of(GRACE).cancel(plan.op)
        await house.of(GRACE).approve(plan.op, plan.hash)
        running = house.of(ADA).start(plan)
        await house.cluster.until(lambda: asyncio.sleep(0, plan.op in house.service.running or running.done()))
        nobody = Actor(name="carl", id="SHA256:carl", roles=())
        assert not (await house.of(nobody).say(plan.op)).may_stop
        with pytest.raises(Denied, match="you may neither do nor approve"):
            await house.of(nobody).stop(plan.op)
        assert (await house.of(GRACE).say(plan.op)).may_stop
        assert (await house.of(ADA_BY_ANOTHER_KEY).say(plan.op)).is_own
        assert await running is Ending.SUCCEEDED
