"""Through the whole pipeline on the embedded platform: planned, confirmed, done, verified, halted, undone."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console.actions.audit.operation import Ending, State
from tests.console.actions.traffic.ground import MEI, Ground, desk, ground, proxy, until


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Ground]:
    async with ground(tmp_path) as made:
        yield made


def weights(here: Ground) -> list[dict[str, int]]:
    return [json.loads(line["body"])["weights"] for line in here.writes() if line["server"] == "cdn"]


def commands(here: Ground) -> list[tuple[str, str]]:
    return [(line["peer"], line["path"]) for line in here.writes() if line["server"] == "haproxy"]


def reasons(here: Ground) -> str:
    """All that was recorded as one."""
    found = [path.read_text() for path in (here.place / "state").rglob("*.jsonl")]
    return "\n".join(json.loads(line).get("event.reason", "") for text in found for line in text.splitlines())


async def test_a_drain_goes_balancer_by_balancer_and_comes_back_by_its_undo(here: Ground):
    async with desk(here) as made:
        plan = await made.plan("haproxy.drain", "haproxy:lb/session-api/api-1")
        assert await made.run(plan) is Ending.SUCCEEDED
        drain = "set server session-api/api-1 state drain"
        assert commands(here) == [("lb-1", drain), ("lb-2", drain)]
        assert made.service.book.get(plan.op).operation.ending_reason == "as set everywhere; loads told by the balancers"
        back = await made.service.plan_undo(MEI, plan.op)
        assert await made.run(back) is Ending.SUCCEEDED
        ready = "set server session-api/api-1 state ready"
        assert commands(here)[2:] == [("lb-1", ready), ("lb-2", ready)]
        assert made.service.book.get(plan.op).state is State.UNDONE


async def test_a_reload_in_mid_shift_halts_before_the_next_balancer_and_is_told_by_name(here: Ground):
    async with desk(here) as made:
        plan = await made.plan("haproxy.weight", "haproxy:lb/origin/origin-2", weight="60")
        task = asyncio.ensure_future(made.run(plan))
        await until(lambda: commands(here))
        here.balancers["lb-1"].reload(here.clock.utc())
        assert await task is None
        known = made.service.book.get(plan.op)
        assert known.state is State.STOPPED and len(commands(here)) == 1 and known.operation.undo_offered
        assert re.search("after set weight 60 on lb-1: lb-1.*reloaded", reasons(here))  # by its weight, or by its counters


async def test_an_answer_that_is_lost_after_it_took_effect_is_read_back_and_the_shift_goes_on(here: Ground):
    async with proxy(here.ports["lb-1"]) as between, desk(here, lb_1=between.address) as made:
        plan = await made.plan("haproxy.weight", "haproxy:lb/origin/origin-2", weight="60")
        between.faults = ["applied-then-dropped"]
        assert await made.run(plan) is Ending.SUCCEEDED
        assert len(commands(here)) == 2
        here.spoiler.writes = ["applied-then-dropped"]
        plan = await made.plan("switch.shift", "switch:cdn", to="own:18,cdn-a:36,cdn-b:31")
        assert await made.run(plan) is Ending.SUCCEEDED
        assert [each["own"] for each in weights(here)] == [20, 18]  # and the first was not sent again


async def test_a_shift_goes_back_by_itself_after_its_time(here: Ground):
    async with desk(here) as made:
        plan = await made.plan("switch.shift", "switch:cdn", to="own:25,cdn-a:35", revert_after="60s")
        assert await made.run(plan) is Ending.SUCCEEDED
        told = weights(here)
        assert [each["own"] for each in told] == [25, 30]
        assert all(sum(each.values()) == 100 for each in told)
        with_etag = [line for line in here.writes() if line["method"] == "PUT"]
        assert len(with_etag) == 2 and {line["agent"] for line in with_etag} == {f"midwatch ({plan.op})"}
        assert here.traffic.weights() == {"own": 30, "cdn-a": 30, "cdn-b": 25, "cdn-c": 15}


async def test_a_target_that_would_pass_its_total_is_refused_and_one_that_gets_too_full_halts_the_shift(
    here: Ground, monkeypatch: pytest.MonkeyPatch
):
    here.settle_s = 40
    async with desk(here) as made:
        plan = await made.plan("switch.shift", "switch:cdn", to="own:0,cdn-a:0,cdn-b:0,cdn-c:100")
        assert any(verdict.guard == "headroom" for verdict in plan.refusals)
        # A shift that looks harmless, until a match begins while the viewers move.
        plan = await made.plan("switch.shift", "switch:cdn", to="own:18,cdn-a:37,cdn-c:20")
        task = asyncio.ensure_future(made.run(plan))
        await until(lambda: weights(here))
        usual = here.world.edge_egress_bps
        monkeypatch.setattr(here.world, "edge_egress_bps", lambda pop, t: 3.0 * usual(pop, t))
        assert await task is None
        assert len(weights(here)) == 1  # the second step never came
        assert "halted by itself after shift 10 points: cdn " in reasons(here)
        known = made.service.book.get(plan.op)
        assert known.state is State.STOPPED and known.operation.undo_offered
        back = await made.service.plan_undo(MEI, plan.op)
        assert dict(back.parameters)["to"] == "own:30,cdn-a:30,cdn-b:25,cdn-c:15"


async def test_who_shifts_at_the_same_time_makes_the_next_step_drift(here: Ground):
    async with desk(here) as made:
        plan = await made.plan("switch.shift", "switch:cdn", to="own:18,cdn-a:36,cdn-b:31")
        task = asyncio.ensure_future(made.run(plan))
        await until(lambda: weights(here))
        here.traffic.set({"own": 40, "cdn-a": 20, "cdn-b": 25, "cdn-c": 15}, here.clock.utc())
        assert await task is None and len(weights(here)) == 1
        assert made.service.book.get(plan.op).state is State.STOPPED
