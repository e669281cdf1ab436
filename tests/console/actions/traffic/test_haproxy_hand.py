"""One write to one balancer, on a wire where everything goes wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console.actions.audit.kinds import Found
from console.actions.audit.operation import Outcome
from console.actions.targets.haproxy.hand import HaproxyHand
from console.actions.targets.haproxy.runtime import Runtime
from console.actions.writes import HaproxyWrite
from console.config.balancers import Balancers
from tests.console.actions.traffic.ground import MEI, Ground, Proxy, ground, proxy


class Bench:
    """A hand whose lb-1 stands behind a proxy, and a write of weight 100 -> 50."""

    def __init__(self, here: Ground, between: Proxy) -> None:
        self.here, self.between = here, between
        addresses = {"lb-1": between.address, "lb-2": f"127.0.0.1:{here.ports['lb-2']}"}
        self.hand = HaproxyHand({"lb": Balancers(balancers=addresses, timeout_s=0.3)})

    def write(self, field: str = "weight", before: str = "100", after: str = "50", server: str = "origin-2") -> HaproxyWrite:
        return HaproxyWrite(
            balancer="lb/lb-1", backend="origin", server=server, command=f"set server origin/{server} {field} {after}",
            field=field, before=before, after=after,
        )  # fmt: skip

    def weight(self) -> int:
        return self.here.balancers["lb-1"].process.status["origin", "origin-2"].weight

    def sent(self) -> list[str]:
        return [line["path"] for line in self.here.writes()]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with ground(tmp_path) as here, proxy(here.ports["lb-1"]) as between:
        yield Bench(here, between)


async def test_a_weight_is_set_and_read_back(bench: Bench):
    write = bench.write()
    assert (await bench.hand.read_back(write)).found is Found.ABSENT
    answer = await bench.hand.do(write, "op-1", MEI)
    assert (answer.outcome, bench.weight()) == (Outcome.SUCCESS, 50)
    assert (await bench.hand.read_back(write)).found is Found.APPLIED
    assert bench.sent() == ["set server origin/origin-2 weight 50"]


async def test_who_changed_it_in_the_meantime_is_not_written_over(bench: Bench):
    bench.here.balancers["lb-1"].set_weight(("origin", "origin-2"), 70, bench.here.clock.utc())
    answer = await bench.hand.do(bench.write(), "op-1", MEI)
    assert answer.outcome is Outcome.FAILURE and answer.is_drift and "is 70 and not 100" in answer.text
    assert bench.sent() == [] and (await bench.hand.read_back(bench.write())).found is Found.UNCLEAR


@pytest.mark.parametrize(
    ("fault", "outcome", "weight"),
    [
        ("applied-then-dropped", Outcome.UNKNOWN, 50),
        ("dropped", Outcome.UNKNOWN, 100),
        ("hang", Outcome.UNKNOWN, 100),
        ("garbage", Outcome.FAILURE, 100),
    ],
)
async def test_a_lost_answer_is_unknown_and_reading_back_tells(bench: Bench, fault: str, outcome: Outcome, weight: int):
    bench.between.faults = [fault]
    answer = await bench.hand.do(bench.write(), "op-1", MEI)
    assert (answer.outcome, bench.weight()) == (outcome, weight)
    assert "\x1b" not in answer.text
    found = (await bench.hand.read_back(bench.write())).found
    assert found is (Found.APPLIED if weight == 50 else Found.ABSENT)


@pytest.mark.parametrize("fault", ["dropped", "hang", "garbage", "truncated"])
async def test_what_cannot_be_read_before_is_not_written(bench: Bench, fault: str):
    bench.between.looks = [fault]
    answer = await bench.hand.do(bench.write(), "op-1", MEI)
    assert answer.outcome is Outcome.FAILURE and "nothing was sent" in answer.text and bench.sent() == []
    bench.between.looks = [fault]
    assert (await bench.hand.read_back(bench.write())).found is Found.UNCLEAR
    bench.between.looks = ["", fault]
    assert (await bench.hand.bearing(bench.write())).trouble


async def test_the_last_server_is_not_taken_even_when_the_plan_would(bench: Bench):
    for name in ("origin-1", "origin-3", "origin-4"):
        bench.here.balancers["lb-1"].set_admin(("origin", name), "maint", bench.here.clock.utc())
    for write in (bench.write(after="0"), bench.write("state", "ready", "drain")):
        answer = await bench.hand.do(write, "op-1", MEI)
        assert answer.outcome is Outcome.FAILURE and "last of origin" in answer.text
    assert bench.sent() == []


@pytest.mark.parametrize(
    "command",
    ["set server origin/origin-2 weight 50; shutdown sessions", "set server a/b addr 1.2.3.4", "set server a/b weight 50\nquit"],
)
async def test_no_other_command_than_the_two_is_ever_sent(bench: Bench, command: str):
    import msgspec

    answer = await bench.hand.do(msgspec.structs.replace(bench.write(), command=command), "op-1", MEI)
    assert answer.outcome is Outcome.FAILURE and bench.sent() == []
    if ";" in command or "\n" in command:
        with pytest.raises(ValueError, match="not one command"):
            await Runtime("x", bench.between.address, 1.0).ask(command)


async def test_a_reload_goes_back_to_the_configuration_and_is_noticed(bench: Bench):
    await bench.hand.do(bench.write(), "op-1", MEI)
    assert not (await bench.hand.bearing(bench.write())).drift
    bench.here.balancers["lb-1"].reload(bench.here.clock.utc())
    found = await bench.hand.bearing(bench.write())
    assert found.drift.startswith("lb-1: weight of origin-2 is 100 and not 50: reloaded")


async def test_a_unix_socket_is_an_address_too_and_a_missing_one_is_told(tmp_path: Path):
    hand = HaproxyHand({"lb": Balancers(balancers={"lb-1": f"unix:{tmp_path}/none.sock"}, timeout_s=0.3)})
    write = HaproxyWrite(balancer="lb/lb-1", backend="a", server="b", command="set server a/b weight 1", field="weight", before="2", after="1")
    answer = await hand.do(write, "op-1", MEI)
    assert answer.outcome is Outcome.FAILURE and "none.sock" in answer.text
